/** The schedule and the windows, on a clock that the test moves. */
import type { LiveSample } from '@afterwrite/client';
import { SAMPLES_KEPT } from '@afterwrite/client';
import type { QueueStatus } from '@afterwrite/write-behind';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LiveFigures } from './live-figures.ts';
import { QueueLook } from './queue-look.ts';
import { Recorded } from './recorded.ts';

let nowMs: number;
/** When the figures want to be woken, and how. */
let sleeper: { readonly atMs: number; readonly wake: () => void } | undefined;
let recorded: Recorded;
let figures: LiveFigures;
let samples: LiveSample[];
let reads: { readonly give: (status: QueueStatus) => void; readonly fail: (error: Error) => void }[];

const settled = async () => new Promise<void>((resolve) => setImmediate(resolve));

const runtime = {
  now: () => 1_900_000_000_000 + nowMs,
  monotonicMs: () => nowMs,
  sleep: (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      sleeper = { atMs: nowMs + ms, wake: resolve };
      signal?.addEventListener('abort', () => reject(new Error('ended')));
    }),
};

beforeEach(() => {
  [nowMs, sleeper, samples, reads] = [0, undefined, [], []];
  recorded = new Recorded();
  const read = async () => new Promise<QueueStatus>((give, fail) => reads.push({ give, fail }));
  const look = new QueueLook({ read, monotonicMs: () => nowMs });
  figures = new LiveFigures({
    recorded,
    look,
    load: () => ({ state: 'IDLE', reason: null, run: null }),
    runtime,
  });
  figures.onSample((sample) => samples.push(sample));
  figures.start();
});
afterEach(async () => {
  await figures.close();
});

/** Lets time pass up to `untilMs`, with `lateMs` more before anybody is woken. */
async function pass(untilMs: number, lateMs = 0): Promise<void> {
  await settled();
  while (sleeper && sleeper.atMs <= untilMs) {
    const { atMs, wake } = sleeper;
    sleeper = undefined;
    nowMs = Math.max(nowMs, atMs) + lateMs;
    wake();
    await settled();
  }
  nowMs = Math.max(nowMs, untilMs);
}

function status(queueLength: number): QueueStatus {
  return {
    queueLength,
    oldestMs: 5,
    deadLetters: null,
    breaker: { state: 'HALF_OPEN', failures: 1, since: '', retryInMs: 0 },
    storeError: null,
    partitions: [
      {
        partition: 0,
        length: queueLength,
        oldestMs: 5,
        deadLetters: null,
        lastCommitted: null,
        lastFlushAt: null,
        stopped: { partition: 0, code: 'STORE_ERROR', message: '', retryable: false },
      },
    ],
  };
}

test('a sample a second; being late does not add up, and what was missed is not made up for', async () => {
  await pass(3000, 7);
  expect(samples.map(({ n, at }) => [n, at - 1_900_000_000_000])).toEqual([
    [1, 1007],
    [2, 2007],
    [3, 3007],
  ]);
  // The process stood still for some seconds.
  nowMs = 7400;
  await pass(9000);
  expect(samples.slice(3).map(({ n, at }) => [n, at - 1_900_000_000_000])).toEqual([
    [4, 7400],
    [5, 8000],
    [6, 9000],
  ]);
});

test('totals, rates by the time that passed, and quantiles of the second and of the minute', async () => {
  recorded.record({ name: 'UpdatesAccepted', values: [100], labels: {} });
  for (const value of [1, 1]) recorded.record({ name: 'BatchesCommitted', values: [value], labels: {} });
  recorded.record({ name: 'WriteLatency', values: [1, 2, 3], labels: {} });
  await pass(1000);
  expect(samples[0]).toMatchObject({
    totals: { accepted: 100, stored: 0, batches: 2 },
    rates: { accepted: 100, batches: 2 },
    latencies: { write: { count: 3, max: 3 }, read: null, lag: null },
  });
  nowMs = 2500;
  recorded.record({ name: 'UpdatesAccepted', values: [30], labels: {} });
  recorded.record({ name: 'WriteLatency', values: [9], labels: { part: 'x' } });
  await pass(2500);
  expect(samples[1]).toMatchObject({
    totals: { accepted: 130 },
    rates: { accepted: 20, batches: 0 },
    latencies: { write: { count: 1, max: 9 } },
    minute: { write: { count: 4, max: 9 } },
  });
  await pass(61_000);
  // A minute is what is kept: the first second has left it.
  expect(samples.at(-1)).toMatchObject({ latencies: { write: null }, minute: { write: { count: 1 } } });
  expect(figures.history).toHaveLength(SAMPLES_KEPT);
  expect(figures.history[0]!.n).toBe(samples.length - SAMPLES_KEPT + 1);
  expect(figures.history.at(-1)).toBe(samples.at(-1));
});

test('a slow look at the queue delays no sample, and there is never a second one', async () => {
  await pass(950);
  expect(reads).toHaveLength(1);
  reads[0]!.give(status(3));
  await pass(1000);
  const seen = {
    length: 3,
    oldestMs: 5,
    deadLetters: null,
    breaker: 'HALF_OPEN',
    partitions: [3],
    stopped: [0],
  };
  expect(samples[0]!.queue).toEqual(seen);
  // The next one hangs: the last one counts as long as it says something of now.
  await pass(6000);
  expect(reads).toHaveLength(2);
  expect(samples.map(({ queue }) => queue?.length)).toEqual([
    3,
    3,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  reads[1]!.fail(new Error('Valkey is away'));
  await pass(7000);
  expect(samples[6]!.queue).toBeNull();
  expect(reads).toHaveLength(3);
  reads[2]!.give(status(4));
  await pass(8000);
  expect(samples[7]!.queue?.length).toBe(4);
});
