/** What both patterns do for their callers while everything works: as write-behind, as far as it fits. */
import type { FlightCache } from '@afterwrite/flights';
import { parseSettings } from '@afterwrite/write-behind';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../tests/support/world.ts';
import { makePatternWorld, PATTERNS, type PatternWorld, timesOf } from '../testing/pattern-world.ts';
import { Actor } from '../testing/turns.ts';
import { openCacheAsideFlights, openWriteThroughFlights } from './index.ts';

const OPEN = { 'cache-aside': openCacheAsideFlights, 'write-through': openWriteThroughFlights };
/** The least: one connection more than flushes use. */
const LITTLE = { DB_POOL_SIZE: '2', QUEUE_FLUSH_CONCURRENCY: '1', DB_CONNECT_TIMEOUT_MS: '2000' };
const BY = { user: 'dispatcher', comment: 'late inbound aircraft' };

let place: PatternWorld;
let behind: FlightCache;
beforeAll(async () => {
  place = await makePatternWorld();
  behind = await place.world.open();
});
afterAll(() => place.dispose());

describe.each(PATTERNS)('%s', (pattern) => {
  test('a read is a miss once, then a hit; after an update it is the new value', async () => {
    const cache = place.over(pattern);
    const first = await cache.get(7);
    expect(first).toMatchObject({ source: 'CACHE_MISS', value: { flight_id: 7 }, pending: false });
    expect(await cache.get('7')).toMatchObject({ source: 'CACHE_HIT', version: first.version, query: null });

    const updated = await cache.update(7, timesOf(1), BY);
    const step = pattern === 'cache-aside' ? 'DROPPED' : 'CACHED';
    expect(updated).toMatchObject({ cache: step, durability: 'stored', cacheKey: first.cacheKey });
    expect(await place.departureOf(7)).toBe(timesOf(1).departure);
    const read = await cache.get(7);
    expect(read).toMatchObject({ value: { ...first.value, ...timesOf(1) } });
    expect(read.source).toBe(step === 'CACHED' ? 'CACHE_HIT' : 'CACHE_MISS');
    if ('version' in updated) expect(read.version).toBe(updated.version);
  });

  test('row and audit trail are those of the flusher', async () => {
    const columns = async () => {
      const rows = await place.world.rows<Record<string, unknown>>(
        'SELECT * FROM flight_log WHERE flight_id = 8',
      );
      return rows.map(({ log_date, ...row }) => {
        const ageMs = Date.now() - Date.parse(`${String(log_date).replace(' ', 'T')}Z`);
        expect(Math.abs(ageMs)).toBeLessThan(30_000);
        return row;
      });
    };
    const reset =
      "UPDATE flight SET departure = '2029-01-01', arrival = '2029-01-02' WHERE flight_id = 8; DELETE FROM flight_log WHERE flight_id = 8";
    await place.world.db.query(reset);
    await behind.update(8, timesOf(1), BY);
    await behind.update(8, timesOf(2), { user: 'Zoë' });
    await behind.flushQueue();
    const flushed = await columns();
    expect(flushed).toHaveLength(2);
    const row = await place.world.rows('SELECT * FROM flight WHERE flight_id = 8');

    await place.world.db.query(reset);
    const cache = place.over(pattern);
    await cache.update(8, timesOf(1), BY);
    await cache.update(8, timesOf(2), { user: 'Zoë' });
    expect(await columns()).toEqual(flushed);
    expect(await place.world.rows('SELECT * FROM flight WHERE flight_id = 8')).toEqual(row);
  });

  test('what is wrong with a call is said as write-behind says it, and nothing is written', async () => {
    const cache = place.over(pattern);
    const calls: [id: unknown, changes: unknown, options: unknown][] = [
      ['x', timesOf(1), BY],
      [0, timesOf(1), BY],
      [9, null, BY],
      [9, { ...timesOf(1), arrival: '2000-01-01T00:00:00Z' }, BY],
      [9, { ...timesOf(1), flightno: 'AF1' }, BY],
      [9, timesOf(1), { user: '' }],
      [9, timesOf(1), { user: 'x'.repeat(101) }],
      [9, timesOf(1), { user: 'x', comment: 7 }],
      [2_000_000, timesOf(1), BY],
    ];
    const saidBy = async (call: () => Promise<unknown>) => {
      const error: unknown = await call().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(Error);
      const { code, message } = error as { code: string; message: string };
      return { code, message };
    };
    for (const [id, changes, options] of calls) {
      const said = await saidBy(() => cache.update(id, changes, options as typeof BY));
      expect(said).toEqual(await saidBy(() => behind.update(id, changes, options as typeof BY)));
    }
    expect(await saidBy(() => cache.get(2_000_000))).toEqual(await saidBy(() => behind.get(2_000_000)));
    for (const option of [{ idempotencyKey: 'k' }, { ifVersion: 'v' }]) {
      const call = cache.update(9, timesOf(1), { ...BY, ...option });
      await expect(call).rejects.toMatchObject({ code: 'VALIDATION', field: Object.keys(option)[0] });
    }
    expect(await place.trailOf(9)).toEqual([]);
  });

  test('what the database refuses is rolled back, and readers wait for nobody', async () => {
    const { db } = place.world;
    await db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')");
    onTestFinished(() => db.query('ALTER TABLE flight DROP CHECK times').then(() => undefined));
    const cache = place.over(pattern);
    const { value } = await cache.get(10);
    const refused = cache.update(
      10,
      { departure: '2095-01-01T10:00:00Z', arrival: '2095-01-02T10:00:00Z' },
      BY,
    );
    await expect(refused).rejects.toMatchObject({ code: 'STORE_DATA_REFUSED', retryable: false });
    expect(await cache.get(10)).toMatchObject({ source: 'CACHE_HIT', value });
    expect(await place.trailOf(10)).toEqual([]);
  });

  test("its keys are its own: write-behind's values stay as they are", async () => {
    const { version, value } = await behind.get(11);
    const queued = await behind.update(12, timesOf(5), BY);
    // The number of partitions is write-behind's affair as well.
    const settings = parseSettings({ ...place.world.environment, QUEUE_PARTITIONS: '8' });
    const cache = await OPEN[pattern](settings, { logger: silentLogger });
    onTestFinished(() => cache.close());
    for (const id of [11, 12]) {
      await cache.get(id);
      await cache.update(id, timesOf(6), BY);
    }
    expect(await behind.get(11)).toMatchObject({ source: 'CACHE_HIT', version, value });
    expect(await behind.get(12)).toMatchObject({ value: timesOf(5), version: queued.version, pending: true });
    expect((await cache.get(12)).cacheKey).toContain(`.flight-${pattern}.`);
    await behind.flushQueue();
  });

  test('many writers at once on a partition that nobody used yet, with two connections to the database', async () => {
    const environment = {
      ...place.world.environment,
      CACHE_NAMESPACE: `${place.world.settings.DB_NAME}-new`,
    };
    const settings = parseSettings({ ...environment, ...LITTLE });
    const cache = await OPEN[pattern](settings, { logger: silentLogger });
    onTestFinished(() => cache.close());
    const ids = Array.from({ length: 24 }, (_, index) => 20 + (index % 12));
    const updated = await Promise.all(ids.map((id, index) => cache.update(id, timesOf(index), BY)));
    expect(updated).toHaveLength(24);
    for (const id of new Set(ids)) {
      expect((await cache.get(id)).value.departure).toBe(await place.departureOf(id));
    }
    const keys = await place.world.valkey.keys(`{${settings.CACHE_NAMESPACE}.*`);
    await place.world.valkey.unlink(...keys);
  });

  test('closing waits for the cache step of an update under way, and takes no more calls', async () => {
    const { ports } = await place.connect(pattern, place.world.settings);
    const actor = new Actor({ locked: false }, ports);
    const cache = place.over(pattern, actor.ports);
    await place.over(pattern).get(13);
    await actor.start(() => cache.update(13, timesOf(7), BY));
    await actor.stepUntil(pattern === 'cache-aside' ? 'invalidate' : 'fill');
    let isClosed = false;
    const closing = cache.close().then(() => (isClosed = true));
    await expect(cache.get(13)).rejects.toMatchObject({ code: 'CLOSED' });
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    await actor.finish();
    await closing;
    expect((await place.over(pattern).get(13)).value).toMatchObject(timesOf(7));
  });
});
