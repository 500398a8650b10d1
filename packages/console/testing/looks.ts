/** Samples and looks for tests: what a test does not name is idle and well. */
import type { LiveCounts, LiveQueue, LiveSample } from '@afterwrite/client';
import { type Look, lookOfSample } from '../src/live/look.ts';

const START = Date.UTC(2026, 10, 27, 12);

const noCounts: LiveCounts = {
  accepted: 0,
  stored: 0,
  failed: 0,
  skipped: 0,
  batches: 0,
  retried: 0,
  hits: 0,
  misses: 0,
  bypasses: 0,
};

const emptyQueue: LiveQueue = {
  length: 0,
  oldestMs: null,
  deadLetters: 0,
  breaker: 'CLOSED',
  partitions: [0, 0, 0, 0],
  stopped: [],
};

export interface Second {
  readonly counts?: Partial<LiveCounts>;
  /** null: the queue's server does not answer. */
  readonly queue?: Partial<LiveQueue> | null;
  readonly minute?: Partial<LiveSample['minute']>;
}

/** One look a second; totals are the sums of the counts. */
export function looksOf(seconds: readonly Second[]): readonly Look[] {
  let totals = noCounts;
  return seconds.map(({ counts = {}, queue = {}, minute }, index) => {
    const rates = { ...noCounts, ...counts };
    totals = added(totals, rates);
    return lookOfSample({
      n: index + 1,
      at: START + index * 1000,
      queue: queue && { ...emptyQueue, ...queue },
      totals,
      rates,
      latencies: { write: null, read: null, lag: null },
      minute: { write: null, read: null, lag: null, ...minute },
      load: { state: 'IDLE', reason: null, run: null },
    });
  });
}

function added(one: LiveCounts, other: LiveCounts): LiveCounts {
  const names = Object.keys(one) as (keyof LiveCounts)[];
  const sums = names.map((name) => [name, one[name] + other[name]] as const);
  return { ...one, ...Object.fromEntries(sums) };
}

/** The same second again and again. */
export function times(count: number, second: Second): readonly Second[] {
  return Array.from({ length: count }, () => second);
}
