import { expect, test } from 'vitest';
import { endPoints, withBreaks } from './chart-data.ts';

const seconds = (...at: readonly number[]) => at.map((second) => second * 1000);

test('a stretch without values stays one, however steep what is at its ends', () => {
  const values = [0, null, null, null, 1, 1];
  expect(withBreaks(seconds(1, 2, 3, 4, 5, 6), [values]).lines).toEqual([values]);
});

test('one missing second is passed over, at the ends there is nothing to join', () => {
  const values = [null, 3, null, 4, null];
  expect(withBreaks([1000, 2010, 3000, 4180, 5000], [values]).lines).toEqual([[null, 3, undefined, 4, null]]);
  expect(withBreaks(seconds(0, 3, 6), [[3, null, 4]]).lines).toEqual([[3, null, 4]]);
});

test('looks that did not come break every line, those of AWS each 3 s do not', () => {
  const times = seconds(0, 3, 6, 36, 39);
  expect(withBreaks(times, [[5, 5, 5, 0, 0]])).toEqual({
    times: [0, 3000, 6000, 35_999, 36_000, 39_000],
    lines: [[5, 5, 5, null, 0, 0]],
  });
});

test('where a line begins and ends there is a point, so that one alone is seen', () => {
  expect(endPoints([1, null, 2, 3, null, null, 4, undefined, 5, null, 6, 7, 8])).toEqual([
    0, 2, 3, 6, 8, 10, 12,
  ]);
  expect(endPoints([null, undefined, null])).toEqual([]);
});
