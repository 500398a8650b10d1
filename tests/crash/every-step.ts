/**
 * A process is made to fail at every one of its commands, in every way: it dies before it or after it, its connection
 * is lost before or after, it stands still while others go on. Then another goes on, and every promise is checked on
 * the real servers. Points are counted at run time, so a new command is tried by itself.
 *
 * One file for each pair of engines that it is run for: they run beside each other.
 *
 * A failure names itself; AFTERWRITE_STOP='flush: one batch/5/dies after' plays that one alone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fault, FAULTS, type Point } from '../support/fault-points.ts';
import { nameOf, type Pair } from '../support/pair.ts';
import { WidgetWorld } from '../support/widgets.ts';
import { readAwaits } from './awaits.ts';
import { scenarios, type Scenario } from './scenarios.ts';
import { Stage } from './stage.ts';

const ONE = process.env.AFTERWRITE_STOP;
/** At a command that one scenario has sent more often than this, it only dies. */
const TRIED_ALL_WAYS = 1;
const DEATHS: readonly Fault[] = ['dies before', 'dies after'];
/** A broken scenario breaks in many ways: the first say enough. */
const MOST_FAILURES = 5;

/** Waits for what this process itself has under way, each command of which is a point. */
const WITHOUT_POINT: readonly string[] = [
  'cache/loader.ts: await underWay',
  'cache/loader.ts: await load',
  'cache/loader.ts: await underWay.catch(() => undefined)',
  'cache/write-behind-cache.ts: await this.#closing.catch(() => undefined)',
  'cache/write-behind-cache.ts: await this.#closing',
  'flusher/flusher.ts: await Promise.all(lanes)',
  'flusher/flusher.ts: await Promise.allSettled(this.#running)',
  'flusher/flusher.ts: await running',
];

let world: WidgetWorld;
let stops = 0;
/** Where points were, over all scenarios. */
const reached = new Set<string>();

/** What happened, shortly: the commands up to the stop. */
function timeline(points: readonly Point[], at: number): string {
  return points
    .slice(Math.max(0, at - 8), at + 1)
    .map(({ name, site }, index, shown) => `  ${index === shown.length - 1 ? '>' : ' '} ${name} (${site})`)
    .join('\n');
}

/** Transactions whose first command is not the one that locks the watermark. */
function lockedTooLate(points: readonly Point[]): string[] {
  return points.flatMap(({ name }, index) => {
    if (name !== 'store.commit') return [];
    const first = points.slice(index).find((point) => point.name.startsWith('transaction.'));
    return first === undefined || first.name === 'transaction.lockWatermark'
      ? []
      : [`2 ${first.name} comes before the watermark's lock (${first.site})`];
  });
}

async function stopAt(
  scenario: Scenario,
  counted: readonly Point[],
  at: number,
  fault: Fault,
): Promise<string[]> {
  stops++;
  const { broken, points, later } = await Stage.play(world, scenario, [{ at, fault }]);
  for (const { site } of [...points, ...later]) if (site !== '') reached.add(site);
  if (broken.length === 0) return [];
  return [`${scenario.name}/${at}/${fault}\n  ${broken.join('\n  ')}\n${timeline(counted, at)}`];
}

export function describeEveryStep(pair: Pair): void {
  beforeAll(async () => {
    const settings = { CACHE_WAIT_MS: '150', QUEUE_LEASE_MS: '100', QUEUE_WHEN_FULL: 'help' };
    world = await WidgetWorld.open(['1', '2'], settings, pair);
  });
  afterAll(async () => {
    const where = `${nameOf(pair)}: ${stops} stops in ${scenarios.length} scenarios`;
    console.log(`${where}, at ${reached.size} lines of the engine`);
    await world.dispose();
  });
  describe.each(scenarios)('$name', (scenario) => {
    it('keeps every promise wherever and however it is stopped', async () => {
      const { broken, points } = await Stage.play(world, scenario);
      expect(broken).toEqual([]);
      expect(points).not.toEqual([]);
      expect(lockedTooLate(points)).toEqual([]);
      for (const { site } of points) reached.add(site);
      const failures: string[] = [];
      const seen = new Map<string, number>();
      for (const [at, { name, site, faults }] of points.entries()) {
        const times = (seen.get(`${name} ${site}`) ?? 0) + 1;
        seen.set(`${name} ${site}`, times);
        const tried = times <= TRIED_ALL_WAYS ? FAULTS : DEATHS;
        for (const fault of tried.filter((each) => faults.includes(each))) {
          if (ONE !== undefined && ONE !== `${scenario.name}/${at}/${fault}`) continue;
          if (failures.length < MOST_FAILURES) failures.push(...(await stopAt(scenario, points, at, fault)));
        }
      }
      expect(failures, failures.join('\n\n')).toEqual([]);
    });
  });

  describe('the points', () => {
    const { commands, others } = readAwaits();

    it('are at every command that the engine sends', () => {
      expect([...commands].filter((site) => !reached.has(site))).toEqual([]);
    });

    it('are at everything that the engine waits for', () => {
      expect(others).toEqual(WITHOUT_POINT);
    });
  });
}
