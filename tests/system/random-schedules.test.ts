/**
 * Random schedules of updates and reads, at once and in slow motion, flushes, crashes between commit and ack, flushers
 * that wake up with an old batch, late acks, evictions, operators' deletions, failovers with and without loss, an emptied
 * buffer, a clock set back, causes of refusals mended and broken again, and redrives, on the real servers; after every
 * step the promises are checked on the real state.
 *
 * The seed picks the pair of engines. A failure prints its seed and path: AFTERWRITE_SEED=… repeats the run, AFTERWRITE_RUNS=… makes it longer or shorter.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Schedule } from '../support/schedule.ts';
import { IDS, schedules } from '../support/schedule-steps.ts';
import { nameOf, pairOf } from '../support/pair.ts';
import { WidgetWorld } from '../support/widgets.ts';

const RUNS = Number(process.env.AFTERWRITE_RUNS ?? 200);
const SEED = Number(process.env.AFTERWRITE_SEED ?? randomInt(2 ** 31));
const PAIR = pairOf(SEED);
/** Making a failing schedule shorter ends here, and what was found is reported. */
const MOST_MS = 90_000;

let world: WidgetWorld;

beforeAll(async () => {
  world = await WidgetWorld.open(IDS, {}, PAIR);
});
afterAll(async () => {
  await world.dispose();
});

describe(`1 to 7, 9 random schedules on ${nameOf(PAIR)}`, () => {
  it('keep every promise after every step, and after a drain', async () => {
    await fc.assert(
      fc.asyncProperty(schedules, async (steps) => {
        const schedule = await Schedule.begin(world);
        for (const [index, step] of steps.entries()) {
          expect(await schedule.run(step), `after step ${index} ${JSON.stringify(step)}`).toEqual([]);
        }
        expect(await schedule.end(), 'after the drain').toEqual([]);
      }),
      {
        numRuns: RUNS,
        interruptAfterTimeLimit: MOST_MS,
        seed: SEED,
      },
    );
  });
});
