/**
 * Random schedules of updates, reads, flushes, crashes between commit and ack, flushers that wake up with an old batch,
 * late acks, evictions, operators' deletions, failovers with and without loss, an emptied buffer, a clock set back, and
 * redrives, on the real servers; after every step the promises are checked on the real state.
 *
 * A failure prints its seed and path: AFTERWRITE_SEED=… repeats the run.
 */
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import { cacheSettings, type CachePorts, openPorts } from '@afterwrite/write-behind';
import {
  type BatchOutcome,
  commitBatch,
  decodeItem,
  type QueueItem,
} from '@afterwrite/write-behind/internal';
import fc from 'fast-check';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Accepted,
  brokenPromises,
  leftovers,
  type Losses,
  takeSnapshot,
} from '../support/invariants.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const FLIGHTS = 3;
const RUNS = Number(process.env.AFTERWRITE_RUNS ?? 60);
const MOST_STEPS = 30;
/** The database refuses departures from here on: see `beforeAll`. */
const REFUSED_FROM = Date.UTC(2090, 0, 1);
const ACCEPTED_FROM = Date.UTC(2030, 0, 1);

const flight = fc.integer({ min: 1, max: FLIGHTS });
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('update' as const), flight, refused: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('read' as const), flight }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('flush' as const), size: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('peek' as const), who: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('commit' as const), who: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('ack' as const), who: fc.integer({ min: 0, max: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('evictClean' as const), flight }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('operatorDeletes' as const), flight }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failover' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remember' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failoverWithLoss' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('empty' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clockBack' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redrive' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A flusher that may stop after each of its commands and go on whenever it likes. */
interface Zombie {
  items: QueueItem[];
  seenEpoch: string;
  outcome: BatchOutcome | undefined;
}

let world: World;
let ports: CachePorts;
let cache: FlightCache;
let counter = 0;

beforeAll(async () => {
  world = await makeWorld({
    flights: FLIGHTS,
    environment: { QUEUE_PARTITIONS: '1', CACHE_WAIT_MS: '500', QUEUE_LEASE_MS: '200' },
  });
  await world.db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')");
  ports = await openPorts(flightEntity, world.settings, { logger: silentLogger });
  cache = new FlightCache(flightDefinition, ports, cacheSettings(world.settings));
});
afterAll(async () => {
  await cache.close();
  await world.dispose();
});

class Schedule {
  readonly accepted: Accepted[] = [];
  readonly losses: Losses = { excused: new Set(), lossy: false, redriven: new Set() };
  readonly #zombies: (Zombie | undefined)[] = [undefined, undefined];
  #remembered: Map<string, Buffer> | undefined;

  async run(step: Step): Promise<void> {
    const valkey = world.valkey as Redis;
    const tag = world.tag(0);
    switch (step.do) {
      case 'update':
        await this.#update(step.flight, step.refused);
        return;
      case 'read':
        await cache.getFlight(step.flight);
        return;
      case 'flush':
        await cache.processQueue({ batchSize: step.size });
        return;
      case 'peek':
        await this.#peek(step.who);
        return;
      case 'commit':
        await this.#commit(step.who);
        return;
      case 'ack':
        await this.#ack(step.who);
        return;
      case 'evictClean': {
        const key = `${tag}:${String(step.flight)}`;
        if ((await valkey.pttl(key)) > 0) await valkey.del(key);
        return;
      }
      case 'operatorDeletes':
        await valkey.del(`${tag}:${String(step.flight)}`);
        return;
      case 'failover':
        if (await valkey.exists(`${tag}:seq`))
          await valkey.hset(`${tag}:seq`, 'r', `server${String(counter++)}`);
        return;
      case 'remember':
        this.#remembered = await dump(valkey, tag);
        return;
      case 'failoverWithLoss':
        await this.#lose(this.#remembered);
        return;
      case 'empty':
        await this.#lose(new Map());
        return;
      case 'clockBack':
        // The same as the clock going back by an hour: the last seq stands ahead of it.
        if (await valkey.exists(`${tag}:seq`))
          await valkey.hset(`${tag}:seq`, 's', String((Date.now() + 3_600_000) * 1000));
        return;
      case 'redrive':
        await this.#redrive();
        return;
    }
  }

  async #update(flightId: number, refused: boolean): Promise<void> {
    const index = counter++;
    const departure = new Date((refused && index % 3 === 0 ? REFUSED_FROM : ACCEPTED_FROM) + index * 1000);
    const uid = `u${String(index)}`;
    await cache.updateFlightDeparture(flightId, {
      departure,
      arrival: new Date(departure.getTime() + 3_600_000),
      user: 'test',
      comment: uid,
    });
    this.accepted.push({ uid, flightId, departure: `${departure.toISOString().slice(0, 19)}Z` });
  }

  async #peek(who: number): Promise<void> {
    const seenEpoch = await ports.store.readEpoch(0);
    const { items } = await ports.buffer.peek(0, { rows: 3, bytes: 1_000_000 });
    if (items.length > 0)
      this.#zombies[who] = { items: items.map(decodeItem), seenEpoch, outcome: undefined };
  }

  async #commit(who: number): Promise<void> {
    const zombie = this.#zombies[who];
    if (!zombie) return;
    const { items, seenEpoch } = zombie;
    zombie.outcome = await commitBatch(ports.store, {
      partition: 0,
      items,
      seenEpoch,
      deadLetterLimit: 1000,
    });
  }

  async #ack(who: number): Promise<void> {
    const outcome = this.#zombies[who]?.outcome;
    if (outcome?.kind === 'COMMITTED') await ports.buffer.ack(0, outcome);
  }

  /** The buffer comes back with what it once held; another server speaks. */
  async #lose(content: Map<string, Buffer> | undefined): Promise<void> {
    if (!content) return;
    const valkey = world.valkey as Redis;
    await restore(valkey, world.tag(0), content, `server${String(counter++)}`);
    const { queue, audit, dead } = await takeSnapshot(world);
    const held = new Set([...queue.map(({ uid }) => uid), ...audit, ...dead]);
    for (const { uid } of this.accepted) if (!held.has(uid)) this.losses.excused.add(uid);
    this.losses.lossy = true;
  }

  async #redrive(): Promise<void> {
    const before = new Set((await takeSnapshot(world)).audit);
    await cache.redrive();
    for (const uid of (await takeSnapshot(world)).audit) if (!before.has(uid)) this.losses.redriven.add(uid);
  }
}

async function dump(valkey: Redis, tag: string): Promise<Map<string, Buffer>> {
  const content = new Map<string, Buffer>();
  for (const key of await valkey.keys(`${tag}:*`)) {
    const bytes = await valkey.dumpBuffer(key);
    content.set(key, bytes);
  }
  return content;
}

async function restore(
  valkey: Redis,
  tag: string,
  content: Map<string, Buffer>,
  server: string,
): Promise<void> {
  const keys = await valkey.keys(`${tag}:*`);
  if (keys.length > 0) await valkey.unlink(...keys);
  for (const [key, bytes] of content) await valkey.restore(key, 0, bytes);
  if (content.has(`${tag}:seq`)) await valkey.hset(`${tag}:seq`, 'r', server);
}

async function reset(): Promise<void> {
  const valkey = world.valkey as Redis;
  const keys = await valkey.keys(`${world.tag(0)}:*`);
  if (keys.length > 0) await valkey.unlink(...keys);
  await world.db.query('DELETE FROM flight_log');
  await world.db.query('DELETE FROM afterwrite_dead_letters');
  await world.db.query('UPDATE afterwrite_watermarks SET dead_letters = 0');
}

describe('1 to 7, 9 random schedules', () => {
  it('keep every promise after every step, and after a drain', async () => {
    const seed = process.env.AFTERWRITE_SEED;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: MOST_STEPS }), async (steps) => {
        await reset();
        const schedule = new Schedule();
        for (const [index, each] of steps.entries()) {
          await schedule.run(each);
          const broken = await brokenPromises(world, schedule.accepted, schedule.losses);
          expect(broken, `after step ${String(index)} ${JSON.stringify(each)}`).toEqual([]);
        }
        const { remaining, stopped } = await cache.flushQueue();
        expect({ remaining, stopped }).toEqual({ remaining: 0, stopped: [] });
        expect(await brokenPromises(world, schedule.accepted, schedule.losses), 'after the drain').toEqual(
          [],
        );
        if (!schedule.losses.lossy) expect(await leftovers(world)).toEqual([]);
      }),
      { numRuns: RUNS, ...(seed === undefined ? {} : { seed: Number(seed) }) },
    );
  });
});
