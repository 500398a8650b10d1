/**
 * A process is stopped, and so is the one that goes on after it: pairs of points, drawn at random. Every pair is a
 * seed and a number, and the seed picks the pair of engines; AFTERWRITE_SEED=… AFTERWRITE_RUNS=… repeat a run or make it longer.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nameOf, pairOf } from '../support/pair.ts';
import { WidgetWorld } from '../support/widgets.ts';
import { scenarios } from './scenarios.ts';
import { Stage } from './stage.ts';

const RUNS = Number(process.env.AFTERWRITE_RUNS ?? 60);
const SEED = Number(process.env.AFTERWRITE_SEED ?? randomInt(2 ** 31));
const PAIR = pairOf(SEED);
/** Looking for a shorter failure ends here, and what was found is reported. */
const MOST_MS = 90_000;

let world: WidgetWorld;

beforeAll(async () => {
  world = await WidgetWorld.open(
    ['1', '2'],
    { CACHE_WAIT_MS: '150', QUEUE_LEASE_MS: '100', QUEUE_WHEN_FULL: 'help' },
    PAIR,
  );
});
afterAll(async () => {
  await world.dispose();
});

/** One of the points that there are, as a share of them, and one of the faults that it knows. */
const stop = fc.record({ point: fc.nat(9_999), fault: fc.nat(99) });
const cases = fc.record({ scenario: fc.constantFrom(...scenarios), first: stop, second: stop });

it(`1 to 7, 9, 10 on ${nameOf(PAIR)}, two stops, one after the other, break no promise`, async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ scenario, first, second }) => {
      const choose = (
        { point, fault }: typeof first,
        points: Awaited<ReturnType<typeof Stage.play>>['points'],
      ) => {
        const at = Math.floor((point / 10_000) * points.length);
        const faults = points[at]?.faults ?? [];
        return { at, fault: faults[fault % faults.length] ?? 'dies before' };
      };
      const whole = await Stage.play(world, scenario);
      const firstStop = choose(first, whole.points);
      const stopped = await Stage.play(world, scenario, [firstStop]);
      const stops = [firstStop, choose(second, stopped.later)];
      const { broken } = await Stage.play(world, scenario, stops);
      expect(broken, `${scenario.name}: ${JSON.stringify(stops)}`).toEqual([]);
    }),
    {
      numRuns: RUNS,
      interruptAfterTimeLimit: MOST_MS,
      seed: SEED,
    },
  );
});
