import { expect, test } from 'vitest';
import { answered, type Check, failed, inOrder, titleOf, UNASKED } from './health-state.ts';

const check = (name: Check['name'], ok: boolean): Check => ({ name, ok, detail: '' });

test('silence lasts since the first question without an answer, and keeps what was known', () => {
  const before = answered({ ok: true, checks: [] }, 1000);
  const silent = failed(failed(before, 'No answer in time.', 4000), 'The server cannot be reached.', 9000);
  expect(silent).toEqual({
    answer: { ok: true, checks: [] },
    answeredAt: 1000,
    silence: { sinceMs: 4000, reason: 'The server cannot be reached.' },
  });
  expect(failed(UNASKED, 'x', 7).answer).toBeNull();
  expect(answered({ ok: false, checks: [] }, 12_000).silence).toBeNull();
});

test('what is not well comes first, otherwise in the order of the answer', () => {
  const checks = [
    check('buffer', true),
    check('store', false),
    check('losses', true),
    check('breaker', false),
  ];
  expect(inOrder(checks).map(({ name }) => name)).toEqual(['store', 'breaker', 'buffer', 'losses']);
});

test('a check that only a newer server knows keeps its name', () => {
  expect([titleOf('store'), titleOf('moonPhase')]).toEqual(['Database', 'moonPhase']);
});
