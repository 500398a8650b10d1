/**
 * Writers, readers and a flusher at work on one world while something goes wrong, and what each of their calls must be:
 * ended within its limit, by a right answer or a typed error that may pass.
 *
 * Each flight has one writer, so what a reader must see at the least is known. A writer with idempotency keys repeats
 * its update until it is accepted. One without never repeats: an update that was refused must not be stored, and one
 * whose outcome is unknown is the last of its flight; whether it was carried out is read from the audit trail.
 *
 * A failing test prints the seed by which the same flights are picked again: AFTERWRITE_SEED=…
 */
import type { FlightCache } from '@afterwrite/flights';
import {
  AfterwriteError,
  type Durability,
  DurabilityError,
  OutcomeUnknownError,
} from '@afterwrite/write-behind';
import type { Settings, UpdateResult } from '@afterwrite/write-behind';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { History } from './history.ts';
import { randomFrom } from './random.ts';
import type { World } from './world.ts';

export interface LoadOptions {
  readonly world: World;
  /** What writers and readers use. */
  readonly cache: FlightCache;
  readonly flusher: FlightCache;
  readonly flights: number;
  /** Of which each update asks for one; `memory` if left out. One that is not reached counts as `memory`. */
  readonly durabilities?: readonly Durability[];
  /** Whether half of the writers repeat their updates with idempotency keys. Default true. */
  readonly keyed?: boolean;
  /** Errors that somebody must mend are expected of the flusher. */
  readonly mayStop?: boolean;
  /** The buffer loses something on purpose: readers may see what was before. */
  readonly mayLose?: boolean;
}

/** How one worker's calls went. */
interface Worker {
  begun: number;
  /** Number of the newest call that ended, and of the newest that ended well. */
  ended: number;
  served: number;
}

const SEED = Number(process.env.AFTERWRITE_SEED ?? Date.now() % 2 ** 31);

const [KEYED, PLAIN, READERS] = [4, 4, 2];
const WRITERS = KEYED + PLAIN;
/** Under this load a flush never finds the queue empty: it goes on until then. */
const FLUSH_MS = 100;
/** As long as it may be: batches shall be large. */
const USER = 'load'.padEnd(100, '.');
const MOST_MESSAGES = 1000;
/** Between two calls of a worker: leaves the servers and the proxy a core. */
const PACE_MS = 3;
/** Longest wait for all to be well again. */
const PATIENCE_MS = 60_000;

/**
 * The longest that a call may take: its wait, then the attempts that were under way when it ended (each ends by the
 * time-outs of its connection), and what it gives back after them.
 */
function callLimitMs(settings: Settings): number {
  const buffer = settings.CACHE_CONNECT_TIMEOUT_MS + settings.CACHE_COMMAND_TIMEOUT_MS;
  // A new connection is set up before its first statement.
  const store = settings.DB_CONNECT_TIMEOUT_MS + 2 * settings.DB_STATEMENT_TIMEOUT_MS;
  return 2 * settings.CACHE_WAIT_MS + 6 * buffer + 2 * store;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PACE_MS));

/** Each update has a departure of its own, later than all before. */
function timesOf(index: number) {
  const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000);
  const column = departure.toISOString().slice(0, 19).replace('T', ' ');
  return { departure, arrival: new Date(departure.getTime() + 3_600_000), column };
}

interface Update {
  readonly uid: string;
  readonly flightId: number;
  readonly departure: Date;
  readonly arrival: Date;
  /** The departure as its column holds it. */
  readonly column: string;
}

export interface Acknowledged {
  readonly uid: string;
  readonly flightId: number;
  readonly column: string;
  readonly result: UpdateResult;
}

export class Load {
  readonly seed = SEED;
  readonly acknowledged: Acknowledged[] = [];
  /** How often each error came, by its code. */
  readonly errors = new Map<string, number>();
  readonly messages = new Set<string>();
  /** What no call may do. */
  readonly #wrong: string[] = [];
  readonly #options: LoadOptions;
  readonly #limitMs: number;
  readonly #random = randomFrom(SEED);
  readonly #workers: Worker[] = [];
  readonly #unknown: Update[] = [];
  readonly #newest = new Map<number, string>();
  readonly #closed = new Set<number>();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  /** The test has ended, well or not. */
  #isOver = false;
  #uids = 0;
  #longestMs = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    onTestFailed(() => console.log(`AFTERWRITE_SEED=${String(SEED)}: ${this.report}`));
    onTestFinished(() => {
      this.#isOver = true;
      this.#stop.abort();
    });
    this.#limitMs = callLimitMs(options.world.settings);
    const writers = Array.from({ length: WRITERS }, (_, index) => this.#write(index));
    const readers = Array.from({ length: READERS }, () => this.#read());
    this.#running = Promise.all([...writers, ...readers, this.#flush()]);
  }

  /** Resolves when every worker has ended a call that it began after now. */
  async ended(): Promise<void> {
    await this.#each(({ ended }, begun) => ended > begun);
  }

  /** Resolves when every worker has ended such a call well. */
  async served(): Promise<void> {
    await this.#each(({ served }, begun) => served > begun);
  }

  /**
   * Ends the load, drains, and gives what was acknowledged and is not known to be lost, and what is of unknown outcome.
   */
  async finish(lost: ReadonlySet<string> = new Set()): Promise<History> {
    await this.stop();
    await this.drain();
    const history = new History();
    const kept = this.acknowledged.filter(({ uid }) => !lost.has(uid));
    for (const { uid, flightId, column, result } of kept) {
      history.acknowledge(uid, flightId, column, result, USER);
    }
    for (const { uid, flightId, column } of this.#unknown) {
      history.unknown({ uid, flightId, departure: column, user: USER });
    }
    this.#count = kept.length;
    return history;
  }

  /** How many updates must be stored, after `finish`. */
  get count(): number {
    return this.#count;
  }
  #count = 0;

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    expect(this.#wrong).toEqual([]);
  }

  async drain(): Promise<void> {
    const { flusher } = this.#options;
    // A claim or a lock of a connection that was lost ends by itself.
    await expect
      .poll(
        async () => {
          const { remaining, failed, stopped } = await flusher.flushQueue();
          return { remaining, failed, stopped };
        },
        { timeout: PATIENCE_MS },
      )
      .toEqual({ remaining: 0, failed: 0, stopped: [] });
  }

  get report(): string {
    const errors = [...this.errors].map(([code, count]) => `${code} ${String(count)}`).join(', ');
    return `${String(this.acknowledged.length)} acknowledged, longest call ${this.#longestMs.toFixed(0)} ms of ${String(this.#limitMs)}; ${errors}`;
  }

  async #each(done: (worker: Worker, begun: number) => boolean): Promise<void> {
    const from = this.#workers.map((worker) => ({ worker, begun: worker.begun }));
    await expect
      .poll(() => from.filter(({ worker, begun }) => !done(worker, begun)).length, { timeout: PATIENCE_MS })
      .toBe(0);
  }

  #worker(): Worker {
    const worker = { begun: 0, ended: 0, served: 0 };
    this.#workers.push(worker);
    return worker;
  }

  /** Measures one call and files its error; undefined if it failed. */
  async #call<T>(worker: Worker, what: string, limitMs: number, call: () => Promise<T>): Promise<T | Error> {
    const number = ++worker.begun;
    const startMs = performance.now();
    const answer = await call().catch((error: unknown) => error as Error);
    const tookMs = performance.now() - startMs;
    this.#longestMs = Math.max(this.#longestMs, tookMs);
    if (tookMs > limitMs) this.#wrong.push(`${what} took ${tookMs.toFixed(0)} ms`);
    worker.ended = number;
    if (!(answer instanceof Error)) {
      worker.served = number;
      return answer;
    }
    const code = answer instanceof AfterwriteError ? answer.code : String(answer);
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
    if (this.messages.size < MOST_MESSAGES) this.messages.add(answer.message);
    const isFine = answer instanceof AfterwriteError && answer.retryable;
    if (!isFine) this.#wrong.push(`${what}: ${String(answer)}`);
    return answer;
  }

  async #write(writer: number): Promise<void> {
    const worker = this.#worker();
    const { flights, keyed = true } = this.#options;
    const own = Array.from({ length: flights }, (_, index) => index + 1).filter(
      (id) => id % WRITERS === writer,
    );
    while (!this.#stop.signal.aborted) {
      const open = own.filter((id) => !this.#closed.has(id));
      if (open.length === 0) throw new Error('every flight of a writer has an update of unknown outcome');
      const flightId = this.#random.pick(open);
      const index = ++this.#uids;
      const update = { uid: `u${String(index)}`, flightId, ...timesOf(index) };
      if (writer < KEYED && keyed) await this.#insist(worker, update);
      else await this.#once(worker, update);
      await pause();
    }
  }

  /** Until it is accepted. */
  async #insist(worker: Worker, update: Update) {
    const untilMs = performance.now() + PATIENCE_MS;
    while (performance.now() < untilMs && !this.#isOver) {
      const answer = await this.#update(worker, update, update.uid);
      if (!(answer instanceof Error)) return;
      await pause();
    }
    this.#wrong.push(`${update.uid} was not accepted within ${String(PATIENCE_MS)} ms`);
  }

  async #once(worker: Worker, update: Update) {
    const answer = await this.#update(worker, update);
    if (!(answer instanceof OutcomeUnknownError)) return;
    this.#closed.add(update.flightId);
    this.#unknown.push(update);
  }

  async #update(
    worker: Worker,
    { uid, flightId, departure, arrival, column }: Update,
    idempotencyKey?: string,
  ): Promise<UpdateResult | Error> {
    const { cache, durabilities = ['memory'] } = this.#options;
    const durability = this.#random.pick(durabilities);
    const answer = await this.#call(worker, `update ${uid}`, this.#limitMs, () =>
      cache
        .updateFlightDeparture(flightId, {
          departure,
          arrival,
          user: USER,
          comment: uid,
          idempotencyKey,
          durability,
        })
        .catch((error: unknown) => {
          if (error instanceof DurabilityError) return error.accepted;
          throw error;
        }),
    );
    if (answer instanceof Error) return answer;
    this.acknowledged.push({ uid, flightId, column, result: answer });
    this.#newest.set(flightId, departure.toISOString());
    return answer;
  }

  async #read(): Promise<void> {
    const worker = this.#worker();
    const { cache, flights, mayLose = false } = this.#options;
    while (!this.#stop.signal.aborted) {
      const flightId = 1 + this.#random.below(flights);
      const atLeast = this.#newest.get(flightId);
      const answer = await this.#call(worker, `read ${String(flightId)}`, this.#limitMs, () =>
        cache.getFlight(flightId),
      );
      // Past the cache, what waits is not in the answer.
      if (!(answer instanceof Error) && answer.source !== 'CACHE_BYPASS' && atLeast && !mayLose) {
        const seen = new Date(answer.value.departure).toISOString();
        if (seen < atLeast) this.#wrong.push(`read ${String(flightId)}: ${seen}, acknowledged ${atLeast}`);
      }
      await pause();
    }
  }

  async #flush(): Promise<void> {
    const worker = this.#worker();
    const { flusher, mayStop = false } = this.#options;
    while (!this.#stop.signal.aborted) {
      await this.#call(worker, 'flush', FLUSH_MS + this.#limitMs, async () => {
        const result = await flusher.flushQueue({ deadline: new Date(Date.now() + FLUSH_MS) });
        if (result.failed > 0) this.#wrong.push(`flush: ${String(result.failed)} parked`);
        const [stopped] = result.stopped;
        if (!stopped) return result;
        const { code, message, retryable } = stopped;
        if (code === 'UNEXPECTED') throw new Error(message);
        throw new AfterwriteError(code, message, { retryable: retryable || mayStop });
      });
      await pause();
    }
  }
}
