import { expect, test } from 'vitest';
import { count, counted, duration, moment, withMoments, percent, rate } from './words.ts';

test('what nobody knows is no zero', () => {
  for (const say of [count, rate, duration, percent]) {
    expect(say(null)).toBe('–');
    expect(say(undefined)).toBe('–');
    expect(say(0)).toMatch(/^0/);
  }
});

test.each([
  [0.214, '0.21 ms'],
  [3.14, '3.1 ms'],
  [14.4, '14 ms'],
  [1340, '1.3 s'],
  [59_960, '60.0 s'],
  [125_000, '2 min 5 s'],
  [12_000_000, '3 h 20 min'],
])('%d ms is %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test('a rate says little figures finely, large ones in whole', () => {
  expect([rate(0), rate(0.31), rate(12.4), rate(2000.6)]).toEqual(['0', '0.3', '12', '2,001']);
});

test('a share that is not all is not shown as all, nor one that is something as nothing', () => {
  expect([0, 0.000_01, 0.004, 0.12, 0.999, 0.999_99, 1].map(percent)).toEqual([
    '0%',
    '0.01%',
    '0.40%',
    '12%',
    '99.9%',
    '99.9%',
    '100%',
  ]);
});

test('things are counted in words, moments are UTC', () => {
  expect([counted(1, 'update'), counted(1200, 'update')]).toEqual(['1 update', '1,200 updates']);
  expect(moment('2030-01-01T10:00:00+02:00')).toBe('2030-01-01 08:00:00 UTC');
});

test.each([
  ['since 2026-11-27T15:23:52.424111Z.', 'since 2026-11-27 15:23:52 UTC.'],
  ['2026-11-27T15:23:52Z to 2026-11-27T15:24:00.5Z', '2026-11-27 15:23:52 UTC to 2026-11-27 15:24:00 UTC'],
  ['flight 2026-11-27T15:23', 'flight 2026-11-27T15:23'],
])('times in what the API says: %s', (said, shown) => {
  expect(withMoments(said)).toBe(shown);
});
