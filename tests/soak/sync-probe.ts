/**
 * How much of Valkey's append-only file a loss of power leaves under `everysec`, found without asking Valkey: what it says
 * about it is what is to be tested. (WAITAOF of Valkey 8.0 to 9.1 answers before the sync, as this probe found.)
 *
 * `everysec` syncs in a thread of its own, which sleeps between two syncs, so Linux's count of its switches moves when a
 * sync begins. Every few milliseconds that count is read, then the file's size. A sync covers what was written when it
 * began, so the size at the first look after that is the most that can be on the disk. There the file is cut, within the
 * record that follows, as a torn write is.
 *
 * What this shows: nothing that was acknowledged as synced is missing after such a cut, and how much `everysec` has at
 * stake. What it does not: that fsync keeps its word, which is the disk's business; blocks that reach the disk in another
 * order than they were written; and a loss of less than the few milliseconds by which the cut is too generous.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningEngine } from '@afterwrite/local-engines';
import type { Random } from '../support/random.ts';
import { aofOf } from './servers.ts';

const LOOK_EVERY_MS = 2;
/** Two syncs begin a second apart. What the thread does within this time belongs to the one that began. */
const ONE_SYNC_MS = 500;
const SYNC_THREAD = 'bio_aof';
const THREAD_TIMEOUT_MS = 10_000;
/** Of a record that was being written: less than any has. */
const MOST_TORN_BYTES = 14;

export class SyncProbe {
  readonly #path: string;
  readonly #status: string;
  readonly #timer: NodeJS.Timeout;
  #switches: string;
  #beganAtMs = -Infinity;
  #synced: number;

  private constructor(path: string, status: string) {
    this.#path = path;
    this.#status = status;
    // What a start finds in the file is there.
    this.#synced = statSync(path).size;
    this.#switches = this.#read() ?? '';
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Throws where the server's threads cannot be seen: not on Linux, or in a container. */
  static async start({ pid, dataDir }: Pick<RunningEngine, 'pid' | 'dataDir'>): Promise<SyncProbe> {
    if (process.platform !== 'linux' || pid === undefined) {
      throw new Error('A loss of power is shown on Linux only, with LOCAL_ENGINES=path or debian.');
    }
    const tasks = `/proc/${String(pid)}/task`;
    const find = () => readdirSync(tasks).find((id) => nameOf(`${tasks}/${id}`) === SYNC_THREAD);
    let thread = find();
    // A thread gives itself its name once it runs, on a busy machine after the server's first answers.
    for (const untilMs = Date.now() + THREAD_TIMEOUT_MS; thread === undefined; thread = find()) {
      if (Date.now() > untilMs) throw new Error(`Valkey has no thread ${SYNC_THREAD}`);
      await delay(LOOK_EVERY_MS);
    }
    return new SyncProbe(await aofOf(dataDir), `${tasks}/${thread}/status`);
  }

  /** After the kill: cuts the file back; the bytes that went. */
  async cut(random: Random): Promise<number> {
    this.close();
    const { size } = statSync(this.#path);
    const end = Math.min(size, this.#synced + random.below(MOST_TORN_BYTES));
    await truncate(this.#path, end);
    return size - end;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const switches = this.#read();
    if (switches === undefined || switches === this.#switches) return;
    this.#switches = switches;
    const nowMs = performance.now();
    if (nowMs - this.#beganAtMs < ONE_SYNC_MS) return;
    this.#beganAtMs = nowMs;
    this.#synced = statSync(this.#path).size;
  }

  /** undefined: the server is gone. */
  #read(): string | undefined {
    try {
      return /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(this.#status, 'utf8'))?.[1];
    } catch {
      return undefined;
    }
  }
}

/** undefined: a thread that has just ended. */
function nameOf(task: string): string | undefined {
  try {
    return readFileSync(`${task}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
