/**
 * What readers and writers of one flight may leave behind, whichever of them takes its next step: a cached value that is
 * the row, or none; and each update once in the audit trail, in the order of the commits. Every order of one reader and
 * one writer is played, and of two writers; with a lease that ends somewhere in between, drawn at random.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomFrom } from '../../../tests/support/random.ts';
import {
  makePatternWorld,
  type Pattern,
  PATTERNS,
  type PatternWorld,
  timesOf,
} from '../testing/pattern-world.ts';
import { Actor, interleavings, type Table } from '../testing/turns.ts';

/** Steps of a caller where nobody comes in between. */
const READER = 4; // read, lease, load, fill
/** Until the row's lock is free again, and after it. */
const WRITER = {
  'cache-aside': { locked: 2, after: 1 }, // begin, commit; invalidate
  'write-through': { locked: 3, after: 2 }, // begin, seize, commit; load, fill
};
const RANDOM_RUNS = Number(process.env.AFTERWRITE_RUNS ?? 25);
const SEED = Number(process.env.AFTERWRITE_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** The actor that ends the lease. */
const CLOCK = -1;

let place: PatternWorld;
let minute = 0;
beforeAll(async () => {
  place = await makePatternWorld();
});
afterAll(() => place.dispose());

interface Run {
  readonly pattern: Pattern;
  readonly flight: number;
  readonly callers: readonly ('reader' | 'writer')[];
  /** Whether the flight is cached before. */
  readonly isCached: boolean;
  /** Whose turn it is, in order; afterwards all run to their ends. */
  readonly order: readonly number[];
}

async function play({ pattern, flight, callers, isCached, order }: Run): Promise<void> {
  await place.ports[pattern].buffer.invalidate(String(flight));
  // Also opens the partition: nobody asks the database for that then.
  await place.over(pattern).get(flight);
  if (!isCached) await place.ports[pattern].buffer.invalidate(String(flight));
  const before = await place.departureOf(flight);
  const trailBefore = (await place.trailOf(flight)).length;

  const table: Table = { locked: false };
  const actors = callers.map(() => new Actor(table, place.ports[pattern]));
  const stored: string[] = [];
  for (const [index, actor] of actors.entries()) {
    const cache = place.over(pattern, actor.ports);
    const changes = timesOf(minute++ % 720);
    await actor.start(async () => {
      if (callers[index] === 'reader') return await cache.get(flight);
      const updated = await cache.update(flight, changes, { user: 'test' });
      stored.push(changes.departure);
      return updated;
    });
  }
  for (const turn of order) {
    if (turn === CLOCK) await place.endLease(pattern, flight);
    else await actors[turn]!.step();
  }
  for (const actor of actors) actor.free();
  for (const actor of actors) await actor.finish();

  const said = actors.map(({ steps }) => steps.join(' ')).join(' | ') + `, order ${order.join('')}`;
  const now = await place.departureOf(flight);
  const cached = await place.ports[pattern].buffer.read(String(flight));
  if (cached) expect(cached.value?.departure, said).toBe(now);
  expect((await place.over(pattern).get(flight)).value.departure, said).toBe(now);
  const trail = (await place.trailOf(flight)).slice(trailBefore);
  expect(stored, said).toHaveLength(callers.filter((caller) => caller === 'writer').length);
  expect(trail.map(({ after }) => at(after)).toSorted(), said).toEqual(stored.toSorted());
  // Each began where the one before had ended.
  expect(
    trail.map(({ before: was }) => at(was)),
    said,
  ).toEqual([before, ...trail.map(({ after }) => at(after))].slice(0, -1));
}

const at = (datetime: string) => `${datetime.replace(' ', 'T')}Z`;

describe.each(PATTERNS)('6 %s, one reader and one writer', (pattern) => {
  const { locked, after } = WRITER[pattern];
  test.each([false, true])('in every order, cached before: %s', async (isCached) => {
    // Before the first of them nothing has happened but that the row is locked.
    for (const order of interleavings([locked + after - 1, READER])) {
      const callers = ['writer', 'reader'] as const;
      await play({ pattern, flight: 1, callers, isCached, order: [0, ...order] });
    }
  });
});

describe.each(PATTERNS)('2 6 %s, two writers', (pattern) => {
  const { locked, after } = WRITER[pattern];
  test('in every order that the lock allows', async () => {
    for (const order of interleavings([after, locked + after])) {
      const callers = ['writer', 'writer'] as const;
      const first = new Array<number>(locked).fill(0);
      await play({ pattern, flight: 2, callers, isCached: true, order: [...first, ...order] });
    }
  });

  test(`with two readers and a lease that ends, at random (AFTERWRITE_SEED=${String(SEED)})`, async () => {
    const random = randomFrom(SEED);
    for (let run = 0; run < RANDOM_RUNS; run++) {
      const order = Array.from({ length: 30 }, () => random.pick([0, 0, 1, 1, 2, 3, CLOCK]));
      const callers = ['writer', 'writer', 'reader', 'reader'] as const;
      await play({ pattern, flight: 3, callers, isCached: random.chance(0.5), order });
    }
  });
});
