import { failureShare, hitShare } from '@afterwrite/client';
import { expect, test } from 'vitest';
import { looksOf, times } from '../../testing/looks.ts';
import { lookOfQueue } from './look.ts';
import { countsOver, MINUTE_MS, SMOOTH_MS, trailing } from './minute.ts';

const burst = (second: number) => ({ counts: { accepted: 100, stored: second % 5 === 4 ? 500 : 0 } });
const bursts = looksOf(Array.from({ length: 60 }, (_, second) => burst(second)));

test('counts are differences of totals, so that a missed sample loses nothing', () => {
  const some = bursts.filter((_, index) => index % 7 !== 3 || index === 59);
  expect(countsOver(some, MINUTE_MS)).toEqual(countsOver(bursts, MINUTE_MS));
  expect(countsOver(bursts, SMOOTH_MS)).toMatchObject({ accepted: 1000, stored: 1000, seconds: 10 });
});

test('a flush every 5 s is a level line', () => {
  const line = trailing(bursts, ({ stored, seconds }) => stored / seconds);
  expect(line.slice(10).every((value) => value === 100)).toBe(true);
});

test('a line does not begin with what one burst would make of it', () => {
  expect(trailing(bursts, ({ stored, seconds }) => stored / seconds).slice(0, 5)).toEqual(times5(null));
});

test('samples that come late or early count the same', () => {
  const shaken = bursts.map((look, index) => {
    const at = look.at + (index % 3) * 200 - 200;
    return { ...look, at, live: look.live && { ...look.live, at } };
  });
  const line = trailing(shaken, ({ stored }) => stored);
  expect(new Set(line.slice(11))).toEqual(new Set([1000]));
});

test('one look alone has the second before it', () => {
  expect(countsOver(bursts.slice(4, 5), MINUTE_MS)).toMatchObject({ accepted: 100, stored: 500, seconds: 1 });
});

test('on AWS nothing is known', () => {
  const look = lookOfQueue(
    {
      queueLength: 3,
      oldestMs: 10,
      deadLetters: 0,
      breaker: { state: 'CLOSED', failures: 0, since: null, retryInMs: null },
      partitions: [],
    },
    0,
  );
  expect(countsOver([look], MINUTE_MS)).toBeNull();
  expect(countsOver([], MINUTE_MS)).toBeNull();
});

test('of nothing there is no share, neither of failures nor of hits', () => {
  const [idle, busy] = [
    countsOver(looksOf(times(3, {})), MINUTE_MS),
    countsOver(
      looksOf(times(3, { counts: { stored: 99, failed: 1, hits: 8, misses: 1, bypasses: 1 } })),
      1000,
    ),
  ];
  expect([idle && failureShare(idle), idle && hitShare(idle)]).toEqual([null, null]);
  expect([busy && failureShare(busy), busy && hitShare(busy)]).toEqual([0.01, 0.8]);
});

function times5(value: null): readonly null[] {
  return Array.from({ length: 5 }, () => value);
}
