/**
 * One sample a second of all that is recorded and of the queue, for whoever looks. The seconds are the clock's, counted
 * from the first one: what is late does not make later ones late, and what was missed is not made up for. Nothing that a
 * sample needs is waited for.
 */
import {
  LATENCY_BOUNDS_MS,
  type LatencyName,
  type LiveCounts,
  type LiveSample,
  type LoadState,
  type Quantiles,
  SAMPLE_EVERY_MS,
  SAMPLES_KEPT,
} from '@afterwrite/client';
import type { MetricName } from '@afterwrite/functions/metrics';
import type { Runtime } from '@afterwrite/write-behind';
import { type BucketCounts, Buckets } from './buckets.ts';
import type { QueueLook } from './queue-look.ts';
import type { Recorded } from './recorded.ts';

export interface LiveFiguresOptions {
  readonly recorded: Recorded;
  readonly look: QueueLook;
  readonly load: () => LoadState;
  readonly runtime: Pick<Runtime, 'now' | 'monotonicMs' | 'sleep'>;
}

/** A look takes a few ms: begun so long before a sample, it is there for it, and is of now. */
const LOOK_AHEAD_MS = 100;

const COUNTS: Readonly<Record<keyof LiveCounts, MetricName>> = {
  accepted: 'UpdatesAccepted',
  stored: 'UpdatesStored',
  failed: 'UpdatesFailed',
  skipped: 'UpdatesSkipped',
  batches: 'BatchesCommitted',
  retried: 'BatchesRetried',
  hits: 'CacheHits',
  misses: 'CacheMisses',
  bypasses: 'CacheBypasses',
};
const LATENCIES: Readonly<Record<LatencyName, MetricName>> = {
  write: 'WriteLatency',
  read: 'ReadLatency',
  lag: 'ConsistencyLag',
};
const latencyNames = Object.keys(LATENCIES) as LatencyName[];

type Windows = Readonly<Record<LatencyName, BucketCounts>>;

export class LiveFigures {
  readonly #options: LiveFiguresOptions;
  readonly #listeners = new Set<(sample: LiveSample) => void>();
  readonly #ending = new AbortController();
  #history: readonly LiveSample[] = [];
  #windows: readonly Windows[] = [];
  #n = 0;
  #before: { readonly totals: LiveCounts; readonly atMs: number };
  #running: Promise<void> | undefined;

  constructor(options: LiveFiguresOptions) {
    this.#options = options;
    this.#before = { totals: this.#totals(), atMs: options.runtime.monotonicMs() };
  }

  /** The samples of the last minute, oldest first. */
  get history(): readonly LiveSample[] {
    return this.#history;
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#ending.signal.aborted) throw error;
    });
  }

  /** Each sample from now on, until the function that is given back is called. A listener must not throw. */
  onSample(listener: (sample: LiveSample) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { look, runtime } = this.#options;
    const until = async (atMs: number) =>
      runtime.sleep(Math.max(0, atMs - runtime.monotonicMs()), this.#ending.signal);
    for (let dueMs = runtime.monotonicMs() + SAMPLE_EVERY_MS; ; dueMs += SAMPLE_EVERY_MS) {
      await until(dueMs - LOOK_AHEAD_MS);
      void look.begin();
      await until(dueMs);
      this.#sample();
      // This process stood still: the seconds in which it did are over.
      const missed = Math.floor((runtime.monotonicMs() - dueMs) / SAMPLE_EVERY_MS);
      dueMs += Math.max(0, missed) * SAMPLE_EVERY_MS;
    }
  }

  #sample(): void {
    const { recorded, look, load, runtime } = this.#options;
    const [totals, atMs] = [this.#totals(), runtime.monotonicMs()];
    const window = ofEach((name) => recorded.takeRecent(LATENCIES[name]));
    this.#windows = [...this.#windows, window].slice(-SAMPLES_KEPT);
    const sample: LiveSample = {
      n: ++this.#n,
      at: runtime.now(),
      queue: look.latest,
      totals,
      rates: ratesOf(this.#before.totals, totals, atMs - this.#before.atMs),
      latencies: ofEach((name) => quantilesOf([window[name]])),
      minute: ofEach((name) => quantilesOf(this.#windows.map((each) => each[name]))),
      load: load(),
    };
    this.#before = { totals, atMs };
    this.#history = [...this.#history, sample].slice(-SAMPLES_KEPT);
    for (const listener of this.#listeners) listener(sample);
  }

  #totals(): LiveCounts {
    return countsOf((name) => this.#options.recorded.total(COUNTS[name]));
  }
}

function countsOf(count: (name: keyof LiveCounts) => number): LiveCounts {
  const names = Object.keys(COUNTS) as (keyof LiveCounts)[];
  return Object.fromEntries(names.map((name) => [name, count(name)])) as unknown as LiveCounts;
}

function ratesOf(before: LiveCounts, now: LiveCounts, elapsedMs: number): LiveCounts {
  const seconds = Math.max(elapsedMs, 1) / 1000;
  return countsOf((name) => (now[name] - before[name]) / seconds);
}

function ofEach<T>(give: (name: LatencyName) => T): Readonly<Record<LatencyName, T>> {
  return Object.fromEntries(latencyNames.map((name) => [name, give(name)])) as Record<LatencyName, T>;
}

function quantilesOf(windows: readonly BucketCounts[]): Quantiles | null {
  const sum = new Buckets(LATENCY_BOUNDS_MS);
  for (const window of windows) sum.add(window);
  return sum.count === 0 ? null : sum.quantiles();
}
