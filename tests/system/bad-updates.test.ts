/** Bad input is refused before anything is written; what only the database can refuse is parked alone. */
import { AfterwriteError, NotFoundError, ValidationError } from '@afterwrite/write-behind';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FlightCache } from '@afterwrite/flights';
import { makeWorld, type World } from '../support/world.ts';

const FLIGHTS = 1000;
const GOOD = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };

let world: World;
let cache: FlightCache;

beforeAll(async () => {
  world = await makeWorld({ flights: FLIGHTS, environment: { QUEUE_PARTITIONS: '1' } });
  await world.db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')");
});
afterAll(() => world.dispose());
beforeEach(async () => {
  cache = await world.open();
});
afterEach(() => cache.close());

async function nothingWritten(): Promise<void> {
  expect(await cache.queueLength()).toBe(0);
  expect(await world.valkey.exists(`${world.tag(0)}:pending`)).toBe(0);
}

describe('1 refused before anything is written', () => {
  it.each([
    ['departure', { ...GOOD, departure: '2030-02-30T10:00:00Z' }],
    ['departure', { ...GOOD, departure: '2030-01-01T10:00:00.5Z' }],
    ['departure', { ...GOOD, departure: 'tomorrow' }],
    ['arrival', { ...GOOD, arrival: GOOD.departure }],
    ['arrival', { ...GOOD, arrival: '2030-01-01T09:00:00Z' }],
    ['comment', { ...GOOD, comment: 'x'.repeat(201) }],
    ['user', { ...GOOD, user: 'x'.repeat(101) }],
    ['user', { ...GOOD, user: '' }],
    ['idempotencyKey', { ...GOOD, idempotencyKey: 'a\nb' }],
  ])('%s', async (field, update) => {
    const error = await cache.updateFlightDeparture(1, update).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({
      code: 'VALIDATION',
      field,
      message: expect.stringContaining(field) as string,
    });
    await nothingWritten();
  });

  it.each([0, -1, 1.5, 2_147_483_648, '1e3', '0115', ' 1', 'x', '1;DROP TABLE flight'])(
    'flight id %s',
    async (id) => {
      await expect(cache.updateFlightDeparture(id, GOOD)).rejects.toMatchObject({ field: 'flightId' });
      await expect(cache.getFlight(id)).rejects.toMatchObject({ field: 'flightId' });
      await nothingWritten();
    },
  );

  it('an unknown flight is a typed not-found, also when it is remembered', async () => {
    for (let round = 0; round < 2; round++) {
      await expect(cache.updateFlightDeparture(FLIGHTS + 1, GOOD)).rejects.toBeInstanceOf(NotFoundError);
      await expect(cache.getFlight(FLIGHTS + 2)).rejects.toBeInstanceOf(NotFoundError);
    }
    await nothingWritten();
  });

  it('takes exactly the longest comment and user, in characters and not in bytes', async () => {
    const comment = '😀'.repeat(200);
    await cache.updateFlightDeparture(2, { ...GOOD, user: 'ü'.repeat(100), comment });
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, failed: 0 });
    expect(await world.rows('SELECT comment FROM flight_log WHERE flight_id = 2')).toEqual([{ comment }]);
  });
});

describe('9 bad updates in the middle of a batch of 1,000', () => {
  it('stores 998 and parks two with their reasons, in one transaction', async () => {
    await world.db.query('DELETE FROM flight_log');
    for (let id = 1; id <= FLIGHTS; id++) {
      const departure = id === 600 ? '2091-01-01T10:00:00Z' : GOOD.departure;
      const arrival = id === 600 ? '2091-01-01T12:00:00Z' : GOOD.arrival;
      await cache.updateFlightDeparture(id, { ...GOOD, departure, arrival, comment: `u${String(id)}` });
    }
    await world.db.query('DELETE FROM flight WHERE flight_id = 400');
    const result = await cache.processQueue({ batchSize: FLIGHTS });
    expect(result).toMatchObject({
      processed: 998,
      failed: 2,
      skipped: 0,
      remaining: 0,
      batches: 1,
      stopped: [],
    });
    expect(result.queries.filter((query) => query === 'COMMIT')).toHaveLength(1);

    const letters = await cache.deadLetters();
    expect(letters.map(({ id, reason }) => ({ id, reason }))).toEqual([
      { id: '400', reason: 'MISSING_ROW' },
      { id: '600', reason: 'REFUSED' },
    ]);
    expect(letters[1]!.error).toContain("Check constraint 'times' is violated");
    expect(letters[1]!.update).toMatchObject({ user: 'test', comment: 'u600' });
    expect(
      await world.rows('SELECT COUNT(DISTINCT comment) AS updates, COUNT(*) AS count FROM flight_log'),
    ).toEqual([{ updates: 998, count: 998 }]);
    // Readers see the database's truth, not what it refused.
    const [row] = await world.rows<{ departure: string }>(
      'SELECT departure FROM flight WHERE flight_id = 600',
    );
    const { value, source } = await cache.getFlight(600);
    expect(source).toBe('CACHE_MISS');
    expect(value.departure).toBe(`${row!.departure.replace(' ', 'T')}Z`);
    await expect(cache.getFlight(400)).rejects.toBeInstanceOf(NotFoundError);

    await world.db.query('ALTER TABLE flight DROP CHECK times');
    expect(await cache.redrive()).toMatchObject([
      { kind: 'REFUSED', letterId: letters[0]!.letterId },
      { kind: 'REDRIVEN', letterId: letters[1]!.letterId },
    ]);
    expect((await cache.getFlight(600)).value.departure).toBe('2091-01-01T10:00:00Z');
    await world.db.query('DELETE FROM afterwrite_dead_letters');
    await world.db.query('UPDATE afterwrite_watermarks SET dead_letters = 0');
  });
});

describe('10 an error that is nobody’s data', () => {
  it('stops the partition, says why, parks nothing, and goes on once it is mended', async () => {
    await world.db.query('RENAME TABLE flight_log TO flight_log_away');
    await cache.updateFlightDeparture(7, GOOD);
    const result = await cache.flushQueue();
    expect(result).toMatchObject({ processed: 0, failed: 0, remaining: 1 });
    expect(result.stopped).toMatchObject([{ partition: 0, code: 'STORE_ERROR', retryable: false }]);
    expect(result.stopped[0]!.message).toContain('flight_log');
    const status = await cache.queueStatus();
    expect(status).toMatchObject({ queueLength: 1, deadLetters: 0 });
    expect(status.partitions[0]!.stopped).toMatchObject({ code: 'STORE_ERROR' });
    expect((await cache.getFlight(7)).value.departure).toBe(GOOD.departure);

    await world.db.query('RENAME TABLE flight_log_away TO flight_log');
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0, stopped: [] });
    expect((await cache.queueStatus()).partitions[0]!.stopped).toBeNull();
  });
});

describe('queue items that are not ours', () => {
  it('are parked with their bytes, and the rest goes on', async () => {
    const garbage = Buffer.from([0x5b, 0xff, 0x00, 0x31]);
    await cache.updateFlightDeparture(8, { ...GOOD, comment: 'first' });
    await world.valkey.rpush(`${world.tag(0)}:queue`, garbage);
    await world.valkey.rpush(`${world.tag(0)}:queue`, '{"not":"ours"}');
    await cache.updateFlightDeparture(8, { ...GOOD, comment: 'second' });
    expect(await cache.flushQueue()).toMatchObject({ processed: 2, failed: 2, remaining: 0 });
    const letters = await cache.deadLetters();
    expect(letters.map(({ reason, redrivable }) => ({ reason, redrivable }))).toEqual([
      { reason: 'UNREADABLE', redrivable: false },
      { reason: 'UNREADABLE', redrivable: false },
    ]);
    expect(letters[0]!.item.equals(garbage)).toBe(true);
  });
});

describe('foreign types under our keys', () => {
  it('give a clear error and nothing half written', async () => {
    await cache.getFlight(9);
    await world.valkey.set(`${world.tag(0)}:seq`, 'not a hash');
    const before = await world.valkey.hgetall(`${world.tag(0)}:9`);
    const error = await cache.updateFlightDeparture(9, GOOD).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AfterwriteError);
    expect(error).toMatchObject({ code: 'FOREIGN_KEY_TYPE' });
    expect(await world.valkey.hgetall(`${world.tag(0)}:9`)).toEqual(before);
    expect(await cache.queueLength()).toBe(0);
  });
});
