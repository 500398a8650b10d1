/**
 * Flights in each database, by the user with the least rights: what is read, stored, audited and found there is the same
 * everywhere, and so is the public schema.
 */
import {
  createFlightLogIndex,
  createFlughafenSchema,
  type FlightCache,
  seedFlights,
} from '@afterwrite/flights';
import { checkHistory, isClean } from '@afterwrite/flights/history';
import { type DatabaseEngine, NotFoundError } from '@afterwrite/write-behind';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRecord } from '../support/record.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const DATABASES: readonly DatabaseEngine[] = ['mysql', 'mariadb', 'postgresql'];

/** PostgreSQL fills it up: rows of one batch then lie in another order than they were written. */
const ROOM_BETWEEN_ROWS: Readonly<Record<DatabaseEngine, readonly string[]>> = {
  mysql: [],
  mariadb: [],
  postgresql: [
    `INSERT INTO flight_log SELECT log.* FROM flight_log AS log CROSS JOIN generate_series(1, 20)`,
    'DELETE FROM flight_log WHERE (ctid::text::point)[0]::int % 3 > 0',
    'VACUUM flight_log',
    'DELETE FROM flight_log',
  ],
};

describe.each(DATABASES)('%s', (database) => {
  let world: World;
  let cache: FlightCache;

  beforeAll(async () => {
    world = await makeWorld({ flights: 300, pair: { database, cache: 'valkey' } });
    cache = await world.open();
  });
  afterAll(async () => {
    await world.dispose();
  });

  it('has the columns of the public schema, in its order', async () => {
    const columns = async (table: string) =>
      (
        await world.rows<{ name: string }>(
          `SELECT column_name AS name FROM information_schema.columns
           WHERE table_schema IN ('public', ?) AND table_name = ? ORDER BY ordinal_position`,
          [world.settings.DB_NAME, table],
        )
      ).map(({ name }) => name);
    expect(await columns('flight')).toEqual([
      'flight_id',
      'flightno',
      'from',
      'to',
      'departure',
      'arrival',
      'airline_id',
      'airplane_id',
    ]);
    expect((await columns('flight_log')).length).toBe(18);
    expect(await columns('airport')).toEqual(['airport_id', 'iata', 'icao', 'name']);
    expect(await columns('airline')).toEqual(['airline_id', 'iata', 'airlinename', 'base_airport']);
    expect(await columns('airplane')).toEqual(['airplane_id', 'capacity', 'type_id', 'airline_id']);
  });

  it('is made and filled again without a change', async () => {
    await createFlughafenSchema(world.sql, { database: world.settings.DB_NAME });
    const again = await seedFlights(world.sql, { flights: 300 });
    expect(again).toMatchObject({ outcome: 'ALREADY_SEEDED', flights: 300, inserted: 0 });
    const more = await seedFlights(world.sql, { flights: 310 });
    expect(more).toMatchObject({ outcome: 'SEEDED', flights: 310, inserted: 10 });
  });

  it('gives the same flight as every other', async () => {
    const { value } = await cache.getFlight(115);
    expect(value).toEqual({
      flight_id: 115,
      flightno: 'OM4257',
      departure: '2027-08-16T21:40:00Z',
      arrival: '2027-08-17T07:45:00Z',
      airline_id: 11,
      airplane_id: 173,
      from_airport: 'ICN',
      to_airport: 'OSL',
      airlinename: 'Ottermoon Airways',
    });
    await expect(cache.getFlight(9_999_999)).rejects.toThrow(NotFoundError);
  });

  it('stores a batch, each update with its row before and after, and the trail is read in pages', async () => {
    const departures = Array.from({ length: 250 }, (_, minute) => new Date(Date.UTC(2030, 0, 1, 10, minute)));
    for (const departure of departures) {
      const arrival = new Date(departure.getTime() + 7_200_000);
      await cache.updateFlightDeparture(7, { departure, arrival, user: 'ann', comment: 'ä 1\\n\t\'"`' });
    }
    const flushed = await cache.flushQueue();
    expect(flushed).toMatchObject({ processed: 250, failed: 0, remaining: 0, stopped: [] });
    const [row] = await world.rows<{ departure: string; arrival: string }>(
      'SELECT departure, arrival FROM flight WHERE flight_id = 7',
    );
    expect(row).toEqual({ departure: '2030-01-01 14:09:00', arrival: '2030-01-01 16:09:00' });
    const { entries } = await cache.audit(7, { limit: 1000 });
    expect(entries).toHaveLength(250);
    const [newest] = entries.filter(({ departure_new }) => departure_new === '2030-01-01T14:09:00Z');
    expect(newest).toMatchObject({
      user: 'ann',
      flight_id: 7,
      departure_old: '2030-01-01T14:08:00Z',
      arrival_new: '2030-01-01T16:09:00Z',
      comment: 'ä 1\\n\t\'"`',
    });
  });

  it('10 parks what it refuses, stores the others, and redrives once the cause is gone', async () => {
    await world.sql.run('ALTER TABLE flight_log ADD CONSTRAINT nobody CHECK (flight_id <> 20)');
    for (const id of [19, 20, 21]) await cache.updateFlightDeparture(id, { ...TIMES, user: 'ann' });
    expect(await cache.flushQueue()).toMatchObject({ processed: 2, failed: 1, remaining: 0 });
    const [letter] = await cache.deadLetters();
    expect(letter).toMatchObject({ id: '20', reason: 'REFUSED', redrivable: true });
    const drop: Record<DatabaseEngine, string> = {
      mysql: 'ALTER TABLE flight_log DROP CHECK nobody',
      mariadb: 'ALTER TABLE flight_log DROP CONSTRAINT nobody',
      postgresql: 'ALTER TABLE flight_log DROP CONSTRAINT nobody',
    };
    await world.sql.run(drop[database]);
    await cache.redrive();
    expect(await cache.deadLetters()).toEqual([]);
    expect((await cache.audit(20, { limit: 10 })).entries).toHaveLength(1);
  });

  it('finds flights by their number, the newest first', async () => {
    await world.sql.run("UPDATE flight SET flightno = 'XY77' WHERE flight_id BETWEEN 60 AND 64");
    const found = await cache.findFlights({ flightno: 'XY77', limit: 3 });
    const departures = found.map(({ departure }) => departure);
    expect(departures).toEqual(departures.toSorted().toReversed());
    expect(found).toHaveLength(3);
    expect(found[0]).toHaveProperty('airlinename');
  });

  it('gets an index on the trail, once', async () => {
    expect(await createFlightLogIndex(world.sql)).toBe(true);
    expect(await createFlightLogIndex(world.sql)).toBe(false);
  });

  it('2 to 4 holds what a record says of it, in order, also where batches of several partitions go in beside each other', async () => {
    using record = makeRecord();
    for (const statement of ROOM_BETWEEN_ROWS[database]) await world.sql.run(statement);
    const move = async (index: number) => {
      const departure = new Date(Date.UTC(2031, 0, 1) + index * 60_000);
      const arrival = new Date(departure.getTime() + 3_600_000);
      const id = 100 + (index % 40);
      await record.recorder.update(cache, id, { departure, arrival, user: 'ann', comment: `c${index}` });
    };
    for (let start = 0; start < 4000; start += 40) {
      await Promise.all(Array.from({ length: 40 }, (_, index) => move(start + index)));
      if (start % 400 === 0) await cache.flushQueue();
    }
    await cache.processQueue({ batchSize: 10 });
    const report = await checkHistory({ files: [record.file], settings: world.settings });
    expect(report).toMatchObject({ acknowledged: 4000, lost: 0, doubled: 0, outOfOrder: 0, brokenChains: 0 });
    expect(isClean(report)).toBe(true);
  });
});
