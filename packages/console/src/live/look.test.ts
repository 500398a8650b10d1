import type { LiveSample, QueueAnswer } from '@afterwrite/client';
import { expect, test } from 'vitest';
import { lookOfQueue, lookOfSample, LOOKS_KEPT, withLook } from './look.ts';

const sample = (n: number) => ({ n, at: 1000 * n, queue: null }) as LiveSample;

test('a minute is kept, and what comes twice once', () => {
  let looks = withLook([], lookOfSample(sample(1)));
  for (let n = 1; n <= 100; n++) looks = withLook(looks, lookOfSample(sample(n)));
  expect(looks.map(({ live }) => live?.n)).toEqual(Array.from({ length: LOOKS_KEPT }, (_, k) => 41 + k));
  expect(withLook(looks, lookOfSample(sample(100)))).toBe(looks);
});

test('a server that was begun anew has its own minute', () => {
  const before = [lookOfSample(sample(70)), lookOfSample(sample(71))];
  expect(withLook(before, lookOfSample(sample(1))).map(({ live }) => live?.n)).toEqual([1]);
});

test('an answer of GET /queue says of the queue what a sample does, and nothing of the rest', () => {
  const partition = { oldestMs: null, deadLetters: 0, lastCommitted: null };
  const answer: QueueAnswer = {
    queueLength: 7,
    oldestMs: 1200,
    deadLetters: null,
    breaker: { state: 'OPEN', failures: 3, since: null, retryInMs: 100 },
    partitions: [
      { ...partition, partition: 0, length: 7, stopped: null },
      { ...partition, partition: 1, length: 0, stopped: { partition: 1, code: 'LIMIT', retryable: false } },
      // The database is away: nobody needs to look at the partition.
      {
        ...partition,
        partition: 2,
        length: 3,
        stopped: { partition: 2, code: 'STORE_UNAVAILABLE', retryable: true },
      },
    ],
  };
  expect(lookOfQueue(answer, 5)).toEqual({
    at: 5,
    live: null,
    queue: {
      length: 7,
      oldestMs: 1200,
      deadLetters: null,
      breaker: 'OPEN',
      partitions: [7, 0, 3],
      stopped: [1],
    },
  });
});
