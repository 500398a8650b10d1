/** Answers of a service that is well, to be changed by tests. */
import type { HealthAnswer, LiveCounts, LiveSample, QueueAnswer } from '@afterwrite/client';
import type { Seen } from '../src/status/report.ts';

export const NOW = Date.parse('2027-06-01T10:30:00Z');

export function queueAnswer(more: Partial<QueueAnswer> = {}, lengths = [0, 3, 0, 1]): QueueAnswer {
  return {
    queueLength: lengths.reduce((sum, length) => sum + length, 0),
    oldestMs: 2100,
    deadLetters: 0,
    breaker: { state: 'CLOSED', failures: 0, since: null, retryInMs: null },
    partitions: lengths.map((length, partition) => {
      return { partition, length, oldestMs: null, deadLetters: 0, lastCommitted: null, stopped: null };
    }),
    ...more,
  };
}

export function healthAnswer(
  ...bad: readonly { readonly name: string; readonly detail: string }[]
): HealthAnswer {
  const well = { name: 'buffer', ok: true, detail: "The queue's server answers." };
  const checks = [well, ...bad.map((check) => ({ ...check, ok: false }))];
  // Of a newer server: with checks that this client does not know.
  return { ok: bad.length === 0, checks: checks as HealthAnswer['checks'] };
}

const NOTHING: LiveCounts = {
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

/** The `n`th of a server that takes 100 updates a second, stores 90 of them, and answers 3 of 4 reads from the cache. */
export function sample(n: number, more: Partial<LiveSample> = {}): LiveSample {
  const rates = { ...NOTHING, accepted: 100, stored: 90, failed: 10, hits: 75, misses: 25 };
  const times = (name: keyof LiveCounts) => rates[name] * n;
  return {
    n,
    at: NOW - 60_000 + n * 1000,
    queue: {
      length: 12,
      oldestMs: 1500,
      deadLetters: 0,
      breaker: 'CLOSED',
      partitions: [1, 2, 4, 5],
      stopped: [],
    },
    totals: Object.fromEntries(
      (Object.keys(rates) as (keyof LiveCounts)[]).map((name) => [name, times(name)]),
    ) as unknown as LiveCounts,
    rates,
    latencies: { write: null, read: null, lag: null },
    minute: {
      write: { count: 6000, p50: 0.21, p99: 1.3, max: 9 },
      read: null,
      lag: { count: 6000, p50: 12, p99: 340, max: 900 },
    },
    load: { state: 'IDLE', reason: null, run: null },
    ...more,
  };
}

export function seen(more: Partial<Seen> = {}): Seen {
  return {
    url: 'http://127.0.0.1:3000',
    at: NOW,
    queue: queueAnswer(),
    queueAt: NOW - 3000,
    queueFault: null,
    health: healthAnswer(),
    samples: Array.from({ length: 60 }, (_, index) => sample(index + 1)),
    silence: null,
    ...more,
  };
}
