import { expect, test } from 'vitest';
import { emptyResult, type FlushResult } from './flusher/result.ts';
import { runWorker } from './worker.ts';

/** More rounds than any test here wants: the loop must end also where nothing is flushed. */
const MOST_ROUNDS = 20;

interface Seen {
  flushes: number;
  readonly errors: string[];
  readonly told: FlushResult[];
}

/** Runs until it has flushed this often. */
async function run(wanted: number, flush: () => Promise<FlushResult>, isTold = true): Promise<Seen> {
  const end = new AbortController();
  const seen: Seen = { flushes: 0, errors: [], told: [] };
  let rounds = 0;
  const quiet = () => undefined;
  await runWorker({
    cache: {
      noticeLosses: () => Promise.reject(new Error('away')),
      async flushQueue() {
        if (++seen.flushes === wanted) end.abort();
        return await flush();
      },
    },
    intervalMs: 1,
    runtime: {
      async sleep() {
        if (++rounds === MOST_ROUNDS) end.abort();
        await Promise.resolve();
      },
    },
    logger: { debug: quiet, info: quiet, warn: quiet, error: (message) => seen.errors.push(message) },
    signal: end.signal,
    ...(isTold ? { onRound: (result) => seen.told.push(result) } : {}),
  });
  return seen;
}

test.each([true, false])('it flushes in each round, whoever wants to hear of it (%s)', async (isTold) => {
  const result = emptyResult();
  const { flushes, told } = await run(3, () => Promise.resolve(result), isTold);
  expect(flushes).toBe(3);
  expect(told).toEqual(isTold ? [result, result, result] : []);
});

test('a round that fails is logged, and the next one comes', async () => {
  const { flushes, errors } = await run(2, () => Promise.reject(new Error('Valkey is away')));
  expect(flushes).toBe(2);
  expect(errors[0]).toBe('a round of the worker failed; the next one tries again');
});
