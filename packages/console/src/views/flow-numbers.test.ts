import { describe, expect, test } from 'vitest';
import { looksOf, times } from '../../testing/looks.ts';
import {
  captionsOf,
  dotsOf,
  flowOf,
  inWords,
  longestInWords,
  MOST_DOTS,
  shareOf,
  stoppedInWords,
} from './flow-numbers.ts';

const queue = (partitions: readonly number[], stopped: readonly number[] = []) => ({
  length: partitions.reduce((sum, length) => sum + length, 0),
  oldestMs: 1500,
  deadLetters: 2,
  breaker: 'CLOSED' as const,
  partitions,
  stopped,
});

test('at most 40 dots move, however many updates there are', () => {
  const most = Object.values(MOST_DOTS).reduce((sum, dots) => sum + dots, 0);
  expect(most).toBe(40);
  const all = { accepted: 1e9, stored: 1e9, failed: 1e9, hits: 1e9, misses: 1e9, bypasses: 1e9 };
  const { ways } = flowOf(looksOf(times(12, { counts: all })));
  expect(Object.values(ways).reduce((sum, { dots }) => sum + dots, 0)).toBe(40);
});

test('more updates are more dots, none are none', () => {
  expect([0, 0.2, 1, 10, 100, 2000, 20_000].map((perSecond) => dotsOf(perSecond, 9))).toEqual([
    0, 1, 1, 2, 4, 5, 7,
  ]);
});

describe('a flow', () => {
  const looks = looksOf([
    ...times(11, { counts: { accepted: 200, hits: 90, misses: 10 }, queue: queue([900, 100]) }),
    { counts: { accepted: 200, stored: 2000, skipped: 100, failed: 100, batches: 4 }, queue: queue([0, 30]) },
  ]);
  const flow = flowOf(looks);

  test('moves what the last second had and counts what ten had', () => {
    expect(flow.ways.accepted).toEqual({ perSecond: 200, dots: dotsOf(200, MOST_DOTS.accepted) });
    expect(flow.ways.taken.perSecond).toBe(220);
    expect(flow.ways.hits).toEqual({ perSecond: 81, dots: 0 });
    expect(flow.batchSize).toBe(500);
  });
  test('fills the queue against the most of the minute', () => {
    expect([flow.peak, flow.partitionPeak]).toEqual([1000, 900]);
    expect(shareOf(30, flow.peak)).toBe(0.03);
    expect(shareOf(0, 0)).toBe(0);
  });
  test('is told in words without the picture', () => {
    expect(inWords(flow).join('\n')).toMatchInlineSnapshot(`
      "Callers to cache: 200 updates a second, no write in the minute; each is in the queue at once.
      Reads: 81 a second answered by the cache, 9.0 by the database; hit rate 90%.
      Queue: 30 updates waiting, the oldest for 1.5 s.
      Breaker closed: the way is free.
      Flusher: 220 updates a second taken from the queue, 500 a batch.
      Database: 200 updates a second stored, nothing stored in the minute.
      Dead letters: 2, 10 more a second."
    `);
  });
});

test('on AWS, where rates are not known, it does not say that there are none', () => {
  const looks = looksOf([{ queue: queue([5, 1]) }]).map((look) => ({ ...look, live: null }));
  const flow = flowOf(looks);
  expect(Object.values(flow.ways).map(({ perSecond, dots }) => [perSecond, dots])).toEqual(
    Array.from({ length: 7 }, () => [null, 0]),
  );
  expect(Object.values(captionsOf(flow))).toEqual(['', '', '', '']);
  expect(inWords(flow)).toEqual([
    'Queue: 6 updates waiting, the oldest for 1.5 s.',
    'Breaker closed: the way is free.',
    'Dead letters: 2.',
  ]);
});

test('without its server the queue is unknown', () => {
  expect(inWords(flowOf(looksOf([{ queue: null }])))).toContain('Queue: its server does not answer.');
});

test('partitions in words', () => {
  expect(longestInWords(queue([3, 812, 4]))).toBe('Partition 1 is the longest: 812 updates.');
  expect(longestInWords(queue([0, 0]))).toBe('All are empty.');
  expect(stoppedInWords(queue([0, 0], [1]))).toBe('Stopped: partition 1.');
  expect(stoppedInWords(queue([0, 0], [0, 1]))).toBe('Stopped: partitions 0, 1.');
});
