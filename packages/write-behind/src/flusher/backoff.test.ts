import { describe, expect, test } from 'vitest';
import { withRetries } from './backoff.ts';

const LIMITS = { attempts: 6, firstMs: 100, mostMs: 500 };
const FOREVER = { deadlineAt: Infinity, retryable: () => true };

/** A clock that only sleeping moves. */
function fakeRuntime(random: () => number) {
  const slept: number[] = [];
  let now = 1000;
  return {
    slept,
    now: () => now,
    random,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
}

const failing = (attempts: number[]) => async (attempt: number) => {
  attempts.push(attempt);
  throw new Error(`attempt ${attempt}`);
};

describe('withRetries', () => {
  test('gives the answer of the first attempt that succeeds', async () => {
    const runtime = fakeRuntime(() => 0.5);
    const answer = await withRetries(runtime, { ...LIMITS, ...FOREVER }, async (attempt) => {
      if (attempt < 3) throw new Error('not yet');
      return attempt;
    });
    expect(answer).toBe(3);
    expect(runtime.slept).toEqual([50, 100]);
  });

  test('doubles the bound of the wait up to the most, and stops after the last attempt with its error', async () => {
    const runtime = fakeRuntime(() => 1);
    const attempts: number[] = [];
    await expect(withRetries(runtime, { ...LIMITS, ...FOREVER }, failing(attempts))).rejects.toThrow(
      'attempt 6',
    );
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
    expect(runtime.slept).toEqual([100, 200, 400, 500, 500]);
  });

  test('spreads the waits over all of it, from nothing on', async () => {
    const rolls = [0, 0.25, 0.999, 0.5, 0.1];
    const runtime = fakeRuntime(() => rolls.shift()!);
    await expect(withRetries(runtime, { ...LIMITS, ...FOREVER }, failing([]))).rejects.toThrow();
    expect(runtime.slept).toEqual([0, 50, 399.6, 250, 50]);
  });

  test('does not wait past the deadline', async () => {
    const runtime = fakeRuntime(() => 1);
    const attempts: number[] = [];
    const limits = { ...LIMITS, ...FOREVER, deadlineAt: 1000 + 100 + 200 };
    await expect(withRetries(runtime, limits, failing(attempts))).rejects.toThrow('attempt 2');
    expect(runtime.slept).toEqual([100]);
  });

  test('throws what is not worth a retry at once', async () => {
    const runtime = fakeRuntime(() => 1);
    const attempts: number[] = [];
    const limits = { ...LIMITS, ...FOREVER, retryable: (error: unknown) => !String(error).includes('2') };
    await expect(withRetries(runtime, limits, failing(attempts))).rejects.toThrow('attempt 2');
    expect(runtime.slept).toEqual([100]);
  });

  test('with one attempt never waits', async () => {
    const runtime = fakeRuntime(() => 1);
    const limits = { ...LIMITS, ...FOREVER, attempts: 1 };
    await expect(withRetries(runtime, limits, failing([]))).rejects.toThrow('attempt 1');
    expect(runtime.slept).toEqual([]);
  });
});
