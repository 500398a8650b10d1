import { expect, test } from 'vitest';
import { looksOf, type Second } from '../../testing/looks.ts';
import { alertsOf, problemsOf } from './problems.ts';

const headings = (second: Second) =>
  looksOf([second]).map((look) => [...alertsOf(look), ...problemsOf(look)].map(({ heading }) => heading))[0];

test.each<[Second, readonly string[]]>([
  [{}, []],
  [{ queue: null }, ["The queue's server does not answer"]],
  [{ queue: { breaker: 'OPEN' } }, ['StoreAway']],
  [{ queue: { breaker: 'HALF_OPEN' } }, ['StoreAway']],
  [{ queue: { stopped: [3], deadLetters: 1 } }, ['PartitionsStopped', 'DeadLetters']],
  // The database does not answer: nobody knows.
  [{ queue: { deadLetters: null } }, []],
])('%o: %o', (second, expected) => {
  expect(headings(second)).toEqual(expected);
});
