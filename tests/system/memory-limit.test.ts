/**
 * Valkey at maxmemory with volatile-lru: updates are refused whole, reads answer, draining and parking go on, and no
 * acknowledged update is missing, because a dirty entity has no TTL and so is never a candidate for eviction.
 */
import type { FlightCache } from '@afterwrite/flights';
import {
  makeTemporaryDataDir,
  type RunningEngine,
  startEngine,
  type TemporaryDataDir,
} from '@afterwrite/local-engines';
import { BufferFullError } from '@afterwrite/write-behind';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanCounts, makeRecord, type TestRecord } from '../support/record.ts';
import { makeWorld, type World } from '../support/world.ts';

const FLIGHTS = 3000;
const MAX_MEMORY = '6mb';

let folder: TemporaryDataDir;
let engine: RunningEngine;
let world: World;
let cache: FlightCache;

beforeEach(async () => {
  folder = makeTemporaryDataDir();
  const args = ['--maxmemory', MAX_MEMORY, '--maxmemory-policy', 'volatile-lru'];
  engine = await startEngine('valkey', { dataDir: folder.path, args });
  world = await makeWorld({ flights: FLIGHTS, valkey: engine, environment: { QUEUE_PARTITIONS: '4' } });
  cache = await world.open();
});
afterEach(async () => {
  await world.dispose();
  await engine.stop();
  await folder.remove();
});

function departureOf(index: number): { departure: string; arrival: string } {
  const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000).toISOString();
  const arrival = new Date(Date.UTC(2030, 0, 1, 2) + index * 1000).toISOString();
  return { departure, arrival };
}

/** Updates flights in turn until the buffer refuses one; how many were acknowledged. */
async function fill({ recorder }: TestRecord, comment: string, flights = FLIGHTS): Promise<number> {
  for (let index = 0; index < 100_000; index++) {
    const flightId = 1 + (index % flights);
    const padded = { user: 'x'.repeat(100), comment: `${comment}${String(index)}` };
    try {
      await recorder.update(cache, flightId, { ...departureOf(index), ...padded });
    } catch (error) {
      expect(error).toBeInstanceOf(BufferFullError);
      expect(error).toMatchObject({ code: 'BUFFER_FULL', retryable: true });
      return index;
    }
  }
  throw new Error('the buffer never became full');
}

describe('5 and 9 at the memory limit', () => {
  it('refuses updates, answers reads, drains and parks, and misses nothing', async () => {
    using record = makeRecord();
    const acknowledged = await fill(record, 'a');
    expect(acknowledged).toBeGreaterThan(1000);
    const waiting = await cache.queueLength();
    expect(waiting).toBe(acknowledged);

    // A dirty flight is still there; one that never was cached comes from the database.
    const dirty = await cache.getFlight(1);
    expect(dirty).toMatchObject({ source: 'CACHE_HIT', pending: true });
    const far = acknowledged < FLIGHTS ? FLIGHTS : undefined;
    if (far !== undefined) expect((await cache.getFlight(far)).source).toBe('CACHE_BYPASS');

    // Parking works too: this flight's row is gone.
    await world.db.query('DELETE FROM flight WHERE flight_id = 2');
    const parked = Math.floor((acknowledged - 2) / FLIGHTS) + 1;
    const result = await cache.flushQueue();
    expect(result).toMatchObject({
      processed: acknowledged - parked,
      failed: parked,
      remaining: 0,
      stopped: [],
    });
    const letters = await cache.deadLetters({ limit: 1000 });
    expect(letters.every(({ id }) => id === '2')).toBe(true);

    // Now there is room again.
    await cache.updateFlightDeparture(3, { ...departureOf(7), user: 'test', comment: 'again' });
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    expect(await record.check(world)).toMatchObject({
      ...cleanCounts(acknowledged),
      storedOnce: acknowledged - parked,
      dead: parked,
      unrecorded: 1,
    });
  });

  it('evicts clean flights to make room, and never a dirty one', async () => {
    for (let id = 1; id <= FLIGHTS; id++) await cache.getFlight(id);
    using record = makeRecord();
    const acknowledged = await fill(record, 'b', FLIGHTS / 10);
    const [evicted = '0'] = /evicted_keys:(\d+)/.exec(await world.valkey.info('stats'))?.slice(1) ?? [];
    expect(Number(evicted)).toBeGreaterThan(0);
    for (let id = 1; id <= FLIGHTS / 10; id++) {
      expect((await cache.getFlight(id)).value.departure.slice(0, 10)).toBe('2030-01-01');
    }
    await cache.flushQueue();
    expect(await record.check(world)).toMatchObject(cleanCounts(acknowledged));
  });
});
