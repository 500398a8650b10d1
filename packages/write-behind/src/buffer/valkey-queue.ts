/**
 * The queue's side of the buffer on Valkey or Redis: what flushers do, and what is known of each partition's life. Each
 * method is one command or one script; `lua/` holds what is atomic and why.
 */
import { BufferFullError } from '../errors.ts';
import type { Position } from '../position.ts';
import type {
  Ack,
  BreakerReply,
  BreakerState,
  PartitionLife,
  PartitionQueue,
  PeekedBatch,
} from './buffer.ts';
import { type PartitionKeys, partitionKeys } from './keys.ts';
import type { ValkeySettings } from './valkey-client.ts';
import { ValkeyLink } from './valkey-link.ts';
import { readBreakerReply, readBreakerState, readLife } from './valkey-replies.ts';
import { ownKeys } from './valkey-scan.ts';

export interface ValkeyQueueOptions {
  readonly connection: ValkeySettings;
  readonly entity: string;
  readonly namespace: string;
  readonly partitions: number;
  readonly cacheTtlMs: number;
  readonly uniqueName: () => string;
}

/** Items one ack script drops: about 2 ms of the server's time. */
const ACK_CHUNK = 500;
/** A pace as old as this says nothing of how fast the queue is drained now. */
const PACE_KEPT_MS = 600_000;

export abstract class ValkeyQueue {
  readonly #options: ValkeyQueueOptions;
  protected readonly link: ValkeyLink;
  protected readonly keys: readonly PartitionKeys[];

  constructor(options: ValkeyQueueOptions) {
    this.#options = options;
    this.link = new ValkeyLink(options.connection);
    this.keys = Array.from({ length: options.partitions }, (_, partition) =>
      partitionKeys(options.entity, options.namespace, partition),
    );
  }

  async bindStore(storeId: string): Promise<{ storeId: string; key: string }> {
    const { store } = this.partition(0);
    try {
      await this.link.send('SET', [store], () => this.link.client.set(store, storeId, 'NX'));
    } catch (error) {
      if (!(error instanceof BufferFullError)) throw error;
    }
    const bound = await this.link.send('GET', [store], () => this.link.client.get(store));
    return { storeId: bound ?? storeId, key: store };
  }

  async ping(): Promise<void> {
    const key = this.partition(0).seq;
    // A keyed command: on a cluster it goes to a node that matters.
    await this.link.send('EXISTS', [key], () => this.link.client.exists(key));
  }

  async peek(partition: number, limits: { rows: number; bytes: number }): Promise<PeekedBatch> {
    const { queue } = this.partition(partition);
    const reply = await this.link.send('peek', [queue], () =>
      this.link.client.peekBuffer(queue, limits.rows, limits.bytes),
    );
    const [length, ...items] = reply as [number, ...Buffer[]];
    return { length, items };
  }

  async ack(partition: number, ack: Ack): Promise<{ dropped: number; remaining: number }> {
    const { dropped, remaining } = await this.ackAll(partition, ack, this.#options.cacheTtlMs, false);
    return { dropped, remaining };
  }

  /** `cleaned`: ids of the entities that became clean, where these are asked for; they get this TTL. */
  protected async ackAll(
    partition: number,
    ack: Ack,
    ttlMs: number,
    wantsCleaned: boolean,
  ): Promise<{ dropped: number; remaining: number; cleaned: readonly string[] }> {
    const keys = this.partition(partition);
    const covered = [...ack.covered].flatMap(([epoch, seq]) => [epoch, seq]);
    const tail = [
      ack.covered.size,
      ...covered,
      ack.distrusted.size,
      ...ack.distrusted,
      ack.parkedBytes.length,
      ...ack.parkedBytes,
    ];
    const cleaned: string[] = [];
    for (let total = 0; ;) {
      const [dropped, remaining, ...ids] = await this.link.script(
        'ack',
        [keys.queue, keys.pending, keys.stopped, keys.seq],
        [keys.entityPrefix, ttlMs, ACK_CHUNK, Number(wantsCleaned), ...tail],
      );
      total += Number(dropped);
      for (const id of ids) cleaned.push(String(id));
      if (Number(dropped) < ACK_CHUNK) return { dropped: total, remaining: Number(remaining), cleaned };
    }
  }

  async queueLengths(): Promise<readonly number[]> {
    return await this.#each('LLEN', async ({ queue }) => await this.link.client.llen(queue));
  }

  async queues(): Promise<readonly PartitionQueue[]> {
    return await this.#each('LLEN', async ({ queue, stopped }) => {
      const [length, oldest, reason] = await Promise.all([
        this.link.client.llen(queue),
        this.link.client.lindexBuffer(queue, 0),
        this.link.client.get(stopped),
      ]);
      return { length, oldest: oldest ?? undefined, stopped: reason ?? undefined };
    });
  }

  async setStopped(partition: number, reason: string): Promise<void> {
    const { stopped } = this.partition(partition);
    await this.link.send('SET', [stopped], () => this.link.client.set(stopped, reason));
  }

  async claim(partition: number, token: string, leaseMs: number): Promise<boolean> {
    const { lease } = this.partition(partition);
    try {
      const reply = await this.link.send('SET', [lease], () =>
        this.link.client.set(lease, token, 'PX', leaseMs, 'NX'),
      );
      if (reply === 'OK') return true;
      // Every claim of ours ends by itself. A key that never does is none: nobody would ever give it back.
      return (await this.link.send('PTTL', [lease], () => this.link.client.pttl(lease))) === -1;
    } catch (error) {
      // Draining must work at the memory limit, and no more than work is saved by this key.
      if (error instanceof BufferFullError) return true;
      throw error;
    }
  }

  async claimNudge(intervalMs: number): Promise<boolean> {
    const { nudge } = this.partition(0);
    const reply = await this.link.send('SET', [nudge], () =>
      this.link.client.set(nudge, '1', 'PX', intervalMs, 'NX'),
    );
    return reply === 'OK';
  }

  async renewClaim(partition: number, token: string, leaseMs: number): Promise<void> {
    const { lease, pace } = this.partition(partition);
    await this.link.number('hold', [lease, pace], [token, leaseMs, '', PACE_KEPT_MS]);
  }

  async releaseClaim(partition: number, token: string, pace?: number): Promise<void> {
    const keys = this.partition(partition);
    await this.link.number('hold', [keys.lease, keys.pace], [token, 0, pace ?? '', PACE_KEPT_MS]);
  }

  async readPace(partition: number): Promise<number | undefined> {
    const { pace } = this.partition(partition);
    const kept = await this.link.send('GET', [pace], () => this.link.client.get(pace));
    return kept === null ? undefined : Number(kept);
  }

  async passBreaker(trialMs: number): Promise<BreakerReply> {
    return readBreakerReply(await this.link.script('gate', [this.partition(0).breaker], [trialMs]));
  }

  async tripBreaker({ known, waitMs, keptMs }: { known: number; waitMs: number; keptMs: number }) {
    const { breaker } = this.partition(0);
    return readBreakerState(await this.link.script('trip', [breaker], [known, waitMs, keptMs]));
  }

  async closeBreaker(): Promise<void> {
    const { breaker } = this.partition(0);
    await this.link.send('DEL', [breaker], () => this.link.client.del(breaker));
  }

  async readBreaker(): Promise<BreakerState | undefined> {
    const { breaker } = this.partition(0);
    const [until, failures, sinceMs] = await this.link.send('HMGET', [breaker], () =>
      this.link.client.hmget(breaker, 'until', 'failures', 'since'),
    );
    if (!until) return undefined;
    // Two clocks: it is for people.
    return readBreakerState([Math.max(0, Number(until) - Date.now()), failures, sinceMs]);
  }

  async lives(): Promise<readonly PartitionLife[]> {
    return await Promise.all(this.keys.map((_, partition) => this.#life(partition)));
  }

  async beginEpoch(partition: number): Promise<PartitionLife> {
    await this.link.number('begin', [this.partition(partition).seq], [this.#options.uniqueName()]);
    return await this.#life(partition);
  }

  async settleBegun(partition: number, epoch: string, atUs: number): Promise<void> {
    await this.link.number('settle', [this.partition(partition).seq], [epoch, 'b', atUs]);
  }

  async settleAcked(partition: number, { epoch, seq }: Position, storedSeq: number): Promise<void> {
    await this.link.number('settle', [this.partition(partition).seq], [epoch, 'a', seq, storedSeq]);
  }

  async #life(partition: number): Promise<PartitionLife> {
    return readLife(await this.link.script('life', [this.partition(partition).seq], []));
  }

  async clear(): Promise<{ deleted: number; kept: number }> {
    let deleted = 0;
    let kept = 0;
    for await (const { partition, found } of ownKeys(this.link, this.keys)) {
      const { queue, seq, once, onceOrder, store, gatheredPrefix } = partition;
      const lasting = new Set([seq, once, onceOrder, store]);
      const keys = found.filter((key) => !lasting.has(key) && !key.startsWith(gatheredPrefix));
      if (keys.length === 0) continue;
      const count = await this.link.number('clear', [queue], keys);
      if (count < 0) kept += keys.length;
      else deleted += count;
    }
    return { deleted, kept };
  }

  async deleteAll(): Promise<number> {
    let count = 0;
    for await (const { found } of ownKeys(this.link, this.keys)) {
      count += await this.link.send('UNLINK', found, () => this.link.client.unlink(...found));
    }
    return count;
  }

  protected partition(partition: number): PartitionKeys {
    const keys = this.keys[partition];
    if (!keys) throw new RangeError(`There is no partition ${String(partition)}`);
    return keys;
  }

  async #each<T>(command: string, read: (keys: PartitionKeys) => Promise<T>): Promise<T[]> {
    return await this.link.send(command, [], () => Promise.all(this.keys.map(read)));
  }
}
