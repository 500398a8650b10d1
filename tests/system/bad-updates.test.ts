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

describe('the audit trail of a large batch, which is loaded, and of small ones, which are inserted', () => {
  const HARD = ['\t', '\n', '\r\n', '\\', '\\N', '\\\\N', "'", '"', '\0', '\u{1F600}', 'NULL', ',', '%', 'é'];
  const texts = Array.from({ length: 200 }, (_, index) => {
    const [one, two] = [HARD[index % HARD.length], HARD[Math.floor(index / HARD.length)]];
    return `${String(index)}${one}.${two}${one}`;
  });
  const update = async (from: number) => {
    for (const [index, text] of texts.entries()) {
      await cache.updateFlightDeparture(from + index, {
        ...GOOD,
        user: text,
        comment: index % 9 ? text : null,
      });
    }
  };
  const trail = async (from: number) =>
    await world.rows<{ user: string; comment: string | null }>(
      `SELECT log.*, NULL AS log_date, log.flight_id - ? AS flight_id, flight.departure = departure_new AS is_last,
         NULL AS flightno_old, NULL AS flightno_new, NULL AS departure_old, NULL AS arrival_old
       FROM flight_log AS log JOIN flight USING (flight_id)
       WHERE flight_id BETWEEN ? AND ? ORDER BY log.flight_id`,
      [from, from, from + texts.length - 1],
    );

  it('4 is the same', async () => {
    await world.db.query('UPDATE flight SET `from` = 1, `to` = 2, airline_id = 3, airplane_id = 4');
    await update(500);
    const { queries } = await cache.flushQueue();
    expect(queries.filter((query) => query.startsWith('LOAD DATA'))).toHaveLength(1);
    await update(750);
    let inserts: readonly string[] = [];
    while ((await cache.queueLength()) > 0) {
      const flushed = await cache.processQueue({ batchSize: 50 });
      inserts = [...inserts, ...flushed.queries];
    }
    expect(inserts.some((query) => query.startsWith('INSERT INTO `flight_log`'))).toBe(true);
    expect(inserts.some((query) => query.startsWith('LOAD DATA'))).toBe(false);
    const loaded = await trail(500);
    expect(loaded.map(({ user }) => user)).toEqual(texts);
    expect(loaded.map(({ comment }, index) => comment ?? texts[index])).toEqual(texts);
    expect(await trail(750)).toEqual(loaded);
  });

  it('9 parks the update whose comment no column holds, and stores the others', async () => {
    await world.db.query('DELETE FROM flight_log; ALTER TABLE flight_log MODIFY comment VARCHAR(20) NULL');
    for (let id = 200; id < 400; id++) {
      const comment = id === 333 ? 'c'.repeat(21) : 'c'.repeat(20);
      await cache.updateFlightDeparture(id, { ...GOOD, comment });
    }
    expect(await cache.flushQueue()).toMatchObject({ processed: 199, failed: 1, batches: 1 });
    expect(await cache.deadLetters()).toMatchObject([{ id: '333', reason: 'REFUSED' }]);
    expect(
      await world.rows('SELECT COUNT(*) AS count, SUM(flight_id = 333) AS refused FROM flight_log'),
    ).toEqual([{ count: 199, refused: '0' }]);
    await world.db.query(
      'DELETE FROM afterwrite_dead_letters; UPDATE afterwrite_watermarks SET dead_letters = 0',
    );
    await world.db.query('ALTER TABLE flight_log MODIFY comment VARCHAR(200) NULL');
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
