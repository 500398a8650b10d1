/** What an observer throws, however odd; that the flush goes on is in tests/system/observer.test.ts. */
import { expect, test } from 'vitest';
import { tell } from './observer.ts';

/** Of these `String` throws by itself. */
const withoutText = [Object.create(null), { toString: () => Symbol('no text') }] as readonly unknown[];

test.each(withoutText)('what has no text is logged, thrown or rejected with', async (thrown) => {
  const said: unknown[] = [];
  const drop = () => undefined;
  const error = (_: string, details?: Record<string, unknown>) => said.push(details?.error);
  const told = { observer: {}, logger: { debug: drop, info: drop, warn: drop, error } };
  tell(told, () => {
    throw thrown;
  });
  expect(said).toEqual([expect.any(String)]);
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what others reject with is not ours to choose
  tell(told, () => Promise.reject(thrown));
  await expect.poll(() => said).toHaveLength(2);
});
