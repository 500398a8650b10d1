/**
 * Whether Valkey's file is really on the disk, where WAITAOF alone does not tell: with `appendfsync everysec`, Valkey 8.0 to
 * 9.1 (and Redis 7.4) answer it as soon as the file was written, up to a second before the sync. Redis mended it in
 * https://github.com/redis/redis/pull/13793.
 *
 * What was written is synced at the next sync, which begins a second after the one before, or, if that still runs then, as
 * soon as it has ended. So: a second after WAITAOF's answer, one sync of it has begun or is due at the server's next
 * turn; two looks with a turn between them, both without a sync under way, mean that it has ended. A write that the
 * server forced past a slow sync puts the next one off by a second (`aof_delayed_fsync`): the wait starts again.
 */

/** A sync each second, and the server's next turn, of which it has ten a second (`hz`). */
const NEXT_SYNC_MS = 1000 + 150;
const NEXT_TURN_MS = 150;

export class SyncWatch {
  readonly #syncsBesideChild: boolean;
  #writtenMs: number;
  #delayed: string | undefined;
  #isQuiet = false;

  /** `nowMs`, here and below: of one clock that never goes back. */
  /** `syncsBesideChild`: the server also syncs while a child of it writes a file (`no-appendfsync-on-rewrite no`). */
  constructor(nowMs: number, syncsBesideChild: boolean) {
    this.#writtenMs = nowMs;
    this.#syncsBesideChild = syncsBesideChild;
  }

  /** How long to wait before the next look, `INFO persistence`; undefined when it is on the disk. */
  look(info: string, nowMs: number): number | undefined {
    const delayed = fieldOf(info, 'aof_delayed_fsync');
    if (delayed !== this.#delayed) {
      // Also the first look: what it shows may be from after the write.
      this.#delayed = delayed;
      this.#writtenMs = nowMs;
    }
    const leftMs = this.#writtenMs + NEXT_SYNC_MS - nowMs;
    const wasQuiet = this.#isQuiet;
    // A sync that failed is under way no more, either.
    const hasChild =
      fieldOf(info, 'rdb_bgsave_in_progress') === '1' || fieldOf(info, 'aof_rewrite_in_progress') === '1';
    const isIdle =
      fieldOf(info, 'aof_pending_bio_fsync') === '0' &&
      fieldOf(info, 'aof_last_write_status') === 'ok' &&
      (this.#syncsBesideChild || !hasChild);
    this.#isQuiet = leftMs <= 0 && isIdle;
    if (leftMs > 0) return leftMs;
    return wasQuiet && this.#isQuiet ? undefined : NEXT_TURN_MS;
  }
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1];
}
