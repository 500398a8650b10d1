import { expect, test } from 'vitest';
import { lastLine, settleCounts } from './test-counts.ts';

test.each([
  [{ passed: 3, failed: 0, skipped: 0 }, '3 passed, 0 failed'],
  [{ passed: 3, failed: 1, skipped: 2 }, '3 passed, 1 failed, 2 skipped'],
])('the last line of %o is "%s"', (counts, line) => {
  expect(lastLine(counts)).toBe(line);
});

test('a run in which all passed is a success', () => {
  const counts = { passed: 3, failed: 0, skipped: 1 };
  expect(settleCounts(counts, 0)).toEqual({ counts, exitCode: 0 });
});

test('a failure is never an exit code of 0, whatever Vitest ended with', () => {
  const counts = { passed: 3, failed: 1, skipped: 0 };
  expect(settleCounts(counts, 0).exitCode).toBe(1);
  expect(settleCounts(counts, 130).exitCode).toBe(130);
});

test('a run that failed outside of any test shows a failure', () => {
  const settled = settleCounts({ passed: 3, failed: 0, skipped: 0 }, 1);
  expect(settled).toMatchObject({ counts: { passed: 3, failed: 1 }, exitCode: 1 });
});

test('a crash before the counts were written shows a failure', () => {
  expect(settleCounts(undefined, 134)).toMatchObject({ counts: { passed: 0, failed: 1 }, exitCode: 134 });
});

test('a run without a single test is a failure', () => {
  expect(settleCounts({ passed: 0, failed: 0, skipped: 2 }, 0).exitCode).toBe(1);
  expect(settleCounts(undefined, 0).exitCode).toBe(1);
});
