/** The schema and the seed on a real MySQL, in a database of their own. */
import { randomBytes } from 'node:crypto';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { createFlughafenSchema } from '../schema/create-schema.ts';
import { airlines } from './airlines.ts';
import { airplanes } from './airplanes.ts';
import { airports } from './airports.ts';
import { SeedCountError } from './errors.ts';
import { maxSeededFlights, plannedFlight } from './flight-plan.ts';
import { defaultSeededFlights, seedFlights, type SeedProgress } from './seed-flights.ts';
import { asSql } from '../../../../tests/support/as-sql.ts';

let connection: Connection;
let database: string;

function connect(): Promise<Connection> {
  const { host, port, user, password } = inject('mysql');
  return createConnection({ host, port, user, password, timezone: 'Z', dateStrings: true });
}

async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values);
  return rows.map((row) => ({ ...row }));
}

/** One line per value, so that a difference reads well. */
async function linesOf(sql: string, values: unknown[] = []): Promise<string[]> {
  return (await rowsOf(sql, values)).map((row) => Object.values(row).join(' '));
}

function checksums(): Promise<string[]> {
  return linesOf('CHECKSUM TABLE airport, airline, airplane, flight, flight_log');
}

beforeEach(async () => {
  connection = await connect();
  database = `flights_test_${randomBytes(6).toString('hex')}`;
  await createFlughafenSchema(asSql(connection), { database });
});

afterEach(async () => {
  await connection.query('DROP DATABASE IF EXISTS ??', [database]);
  await connection.end();
});

describe('createFlughafenSchema', () => {
  /** Name, type and whether it may be NULL. */
  const columns = {
    airport: 'airport_id smallint NO, iata char(3) YES, icao char(4) NO, name varchar(50) NO',
    airline: 'airline_id smallint NO, iata char(2) NO, airlinename varchar(30) YES, base_airport smallint NO',
    airplane: 'airplane_id int NO, capacity mediumint unsigned NO, type_id int NO, airline_id int NO',
    flight: `flight_id int NO, flightno char(8) NO, from smallint NO, to smallint NO,
      departure datetime NO, arrival datetime NO, airline_id smallint NO, airplane_id int NO`,
    flight_log: `log_date datetime NO, user varchar(100) NO, flight_id int NO,
      flightno_old char(8) NO, flightno_new char(8) NO,
      from_old smallint NO, to_old smallint NO, from_new smallint NO, to_new smallint NO,
      departure_old datetime NO, arrival_old datetime NO, departure_new datetime NO, arrival_new datetime NO,
      airplane_id_old int NO, airplane_id_new int NO, airline_id_old smallint NO, airline_id_new smallint NO,
      comment varchar(200) YES`,
  };

  test.each(Object.entries(columns))(
    '%s has exactly the columns of the public schema',
    async (table, expected) => {
      // MariaDB and MySQL before 8.0.19 write a width behind whole numbers: smallint(6).
      const actual = await linesOf(
        `SELECT COLUMN_NAME, REGEXP_REPLACE(COLUMN_TYPE, 'int\\\\([0-9]+\\\\)', 'int'), IS_NULLABLE
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
        [database, table],
      );
      expect(actual).toEqual(expected.split(/,\s+/));
    },
  );

  test('the tables are these five, InnoDB and utf8mb4_unicode_ci, as the database is', async () => {
    const tables = await linesOf(
      `SELECT TABLE_NAME, ENGINE, TABLE_COLLATION FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME`,
      [database],
    );
    const names = Object.keys(columns).sort();
    expect(tables).toEqual(names.map((name) => `${name} InnoDB utf8mb4_unicode_ci`));
    expect(
      await linesOf('SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [
        database,
      ]),
    ).toEqual(['utf8mb4_unicode_ci']);
  });

  test('each table but the log counts its own primary key', async () => {
    const counted = await linesOf(
      `SELECT TABLE_NAME, COLUMN_NAME, COLUMN_KEY FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = ? AND EXTRA LIKE '%auto_increment%' ORDER BY TABLE_NAME`,
      [database],
    );
    const names = ['airline airline_id PRI', 'airplane airplane_id PRI', 'airport airport_id PRI'];
    expect(counted).toEqual([...names, 'flight flight_id PRI']);
  });

  test('the indexes beside the primary keys are there', async () => {
    const indexes = await linesOf(
      `SELECT TABLE_NAME, COLUMN_NAME, IF(NON_UNIQUE, 'index', 'unique') FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = ? AND INDEX_NAME <> 'PRIMARY' ORDER BY TABLE_NAME, COLUMN_NAME`,
      [database],
    );
    const flight = ['airline_id', 'airplane_id', 'arrival', 'departure', 'from', 'to'];
    expect(indexes).toEqual([
      'airline base_airport index',
      'airline iata unique',
      'airport icao unique',
      ...flight.map((column) => `flight ${column} index`),
    ]);
  });

  test('the foreign keys are there', async () => {
    const keys = await linesOf(
      `SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
         FROM information_schema.KEY_COLUMN_USAGE
        WHERE TABLE_SCHEMA = ? AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, COLUMN_NAME`,
      [database],
    );
    expect(keys).toEqual([
      'airline base_airport airport airport_id',
      'flight airline_id airline airline_id',
      'flight airplane_id airplane airplane_id',
      'flight from airport airport_id',
      'flight to airport airport_id',
    ]);
  });

  test('again, it leaves what there is as it is', async () => {
    await seedFlights(asSql(connection), { flights: 10 });
    const before = await checksums();
    await createFlughafenSchema(asSql(connection), { database });
    expect(await checksums()).toEqual(before);
  });

  test('a name with odd characters is one name', async () => {
    const odd = `${database}.a\`b`;
    try {
      await createFlughafenSchema(asSql(connection), { database: odd });
      expect(await linesOf('SELECT DATABASE()')).toEqual([odd]);
    } finally {
      await connection.query(`DROP DATABASE IF EXISTS \`${odd.replaceAll('`', '``')}\``);
    }
  });
});

describe('seedFlights', () => {
  test('writes the planned rows, 20,000 flights unless told otherwise', async () => {
    const result = await seedFlights(asSql(connection));
    expect(result).toMatchObject({ outcome: 'SEEDED', flights: defaultSeededFlights, inserted: 20_000 });
    const [flight] = await rowsOf('SELECT * FROM flight WHERE flight_id = 115');
    const { flightno, from, to, departure, arrival, airlineId, airplaneId } = plannedFlight(115);
    expect(flight).toEqual({
      flight_id: 115,
      flightno,
      from,
      to,
      departure,
      arrival,
      airline_id: airlineId,
      airplane_id: airplaneId,
    });
    expect(await linesOf('SELECT COUNT(*), MIN(flight_id), MAX(flight_id) FROM flight')).toEqual([
      '20000 1 20000',
    ]);
    expect(
      await linesOf(
        'SELECT (SELECT COUNT(*) FROM airport), (SELECT COUNT(*) FROM airline), COUNT(*) FROM airplane',
      ),
    ).toEqual([`${String(airports.length)} ${String(airlines.length)} ${String(airplanes.length)}`]);
    expect(await linesOf('SELECT name FROM airport WHERE iata = ?', ['GRU'])).toEqual([
      'São Paulo-Guarulhos International Airport',
    ]);
  });

  test('a second time writes nothing, also when fewer are asked for', async () => {
    await seedFlights(asSql(connection), { flights: 300 });
    const before = await checksums();
    const progress: SeedProgress[] = [];
    const onProgress = (step: SeedProgress) => progress.push(step);
    for (const flights of [300, 115, 0]) {
      const again = await seedFlights(asSql(connection), { flights, onProgress });
      expect(again).toMatchObject({ outcome: 'ALREADY_SEEDED', flights: 300, inserted: 0 });
    }
    expect(progress).toEqual([]);
    expect(await checksums()).toEqual(before);
  });

  test('more are added to those that are there, and the result is as if seeded at once', async () => {
    await seedFlights(asSql(connection), { flights: 120 });
    await connection.query('DELETE FROM flight WHERE flight_id IN (7, 8)');
    const grown = await seedFlights(asSql(connection), { flights: 10_500 });
    expect(grown).toMatchObject({ outcome: 'SEEDED', flights: 10_500, inserted: 10_382 });
    const checksumsGrown = (await checksums()).map((line) => line.split(' ')[1]);

    const other = `${database}_at_once`;
    try {
      await createFlughafenSchema(asSql(connection), { database: other });
      await seedFlights(asSql(connection), { flights: 10_500 });
      expect((await checksums()).map((line) => line.split(' ')[1])).toEqual(checksumsGrown);
    } finally {
      await connection.query('DROP DATABASE IF EXISTS ??', [other]);
    }
  });

  test('rows that were changed or added since stay', async () => {
    await seedFlights(asSql(connection), { flights: 120 });
    await connection.query("UPDATE flight SET departure = '2027-01-02 03:04:00' WHERE flight_id = 115");
    await connection.query("UPDATE airport SET name = 'Renamed' WHERE airport_id = 1");
    await connection.query("INSERT INTO airport (iata, icao, name) VALUES (NULL, 'ZZZZ', 'Added')");
    expect(await seedFlights(asSql(connection), { flights: 130 })).toMatchObject({
      outcome: 'SEEDED',
      inserted: 10,
    });
    expect(await linesOf('SELECT departure FROM flight WHERE flight_id = 115')).toEqual([
      '2027-01-02 03:04:00',
    ]);
    expect(await linesOf("SELECT name FROM airport WHERE airport_id = 1 OR icao = 'ZZZZ'")).toEqual([
      'Renamed',
      'Added',
    ]);
  });

  test.each([
    [
      'another airport',
      "INSERT INTO airport VALUES (1, 'ABC', 'ABCD', 'Elsewhere')",
      'airport 1 has icao ABCD, not KATL',
    ],
    [
      'airports under other ids',
      "INSERT INTO airport VALUES (900, 'ABC', 'ABCD', 'Elsewhere')",
      'airport 1 is missing',
    ],
    ['only airplanes', 'INSERT INTO airplane VALUES (1, 100, 1, 1)', 'airport 1 is missing'],
  ])('a database with %s is not touched', async (_, insert, difference) => {
    await connection.query(insert);
    const before = await checksums();
    const result = await seedFlights(asSql(connection), { flights: 120 });
    expect(result).toMatchObject({ outcome: 'FOREIGN_DATA', flights: 0, inserted: 0 });
    expect('reason' in result && result.reason).toContain(difference);
    expect(await checksums()).toEqual(before);
  });

  test.each([
    ['airline', "UPDATE airline SET iata = '99' WHERE airline_id = 3", 'airline 3 has iata 99, not SH'],
    [
      'airplane',
      'UPDATE airplane SET airline_id = 9 WHERE airplane_id = 2',
      'airplane 2 has airline_id 9, not 1',
    ],
  ])('an %s that is not ours is seen', async (_, change, difference) => {
    await seedFlights(asSql(connection), { flights: 5 });
    await connection.query(change);
    const result = await seedFlights(asSql(connection), { flights: 10 });
    expect(result).toMatchObject({ outcome: 'FOREIGN_DATA', flights: 5, inserted: 0 });
    expect('reason' in result && result.reason).toContain(difference);
  });

  test('stopped in the middle, it goes on where it was, and reports how far it is', async () => {
    const stop = new Error('stopped');
    const stopAfterTheFirst = () => {
      throw stop;
    };
    await expect(
      seedFlights(asSql(connection), { flights: 20_100, onProgress: stopAfterTheFirst }),
    ).rejects.toBe(stop);

    const progress: SeedProgress[] = [];
    const onProgress = (step: SeedProgress) => progress.push(step);
    const other = await connect();
    try {
      // Another connection: the lock of the stopped one is free.
      await other.query('USE ??', [database]);
      const result = await seedFlights(asSql(other), { flights: 20_100, onProgress });
      expect(result).toMatchObject({ outcome: 'SEEDED', flights: 20_100, inserted: 10_100 });
    } finally {
      await other.end();
    }
    expect(progress.map(({ done }) => done)).toEqual([10_000, 20_000, 20_100]);
    expect(progress.every(({ total }) => total === 20_100)).toBe(true);
  });

  test('an error of the database leaves no half-written range', async () => {
    await seedFlights(asSql(connection), { flights: 0 });
    const { flightno, departure } = plannedFlight(5_000);
    await connection.query('ALTER TABLE flight ADD CHECK (flightno <> ? OR departure <> ?)', [
      flightno,
      departure,
    ]);
    const seeding = seedFlights(asSql(connection), { flights: 6_000 });
    await expect(seeding).rejects.toMatchObject({ code: 'STORE_DATA_REFUSED' });
    // On the same connection: rows of a transaction left open would show.
    expect(await linesOf('SELECT COUNT(*) FROM flight')).toEqual(['0']);
  });

  test('two at once: one works, the other finds it done', async () => {
    const other = await connect();
    try {
      await other.query('USE ??', [database]);
      const options = { flights: 3_000 };
      const results = await Promise.all([
        seedFlights(asSql(connection), options),
        seedFlights(asSql(other), options),
      ]);
      expect(results.map(({ outcome }) => outcome).sort()).toEqual(['ALREADY_SEEDED', 'SEEDED']);
    } finally {
      await other.end();
    }
  });

  test('while another one holds the database for longer than it waits, it writes nothing', async () => {
    const other = await connect();
    try {
      await other.query('USE ??', [database]);
      await asSql(other).locked('seed-flights', 0, async () => {
        const seeding = seedFlights(asSql(connection), { flights: 1, lockWaitSeconds: 0 });
        await expect(seeding).rejects.toMatchObject({ code: 'SEED_LOCKED', retryable: true });
      });
      expect(await linesOf('SELECT COUNT(*) FROM airport')).toEqual(['0']);
    } finally {
      await other.end();
    }
  });

  test('no statement is longer than a quarter of the smallest usual max_allowed_packet', async () => {
    // What goes to the server passes here.
    const { connection: raw } = connection as unknown as {
      connection: { query: (given: unknown) => unknown };
    };
    const format = vi.spyOn(raw, 'query');
    await seedFlights(asSql(connection), { flights: 10_000 });
    const bytes = format.mock.calls.map(([given]) => {
      const { sql, values } = given as { sql: string; values: unknown[] };
      return Buffer.byteLength(connection.format(sql, values));
    });
    expect(Math.max(...bytes)).toBeGreaterThan(100_000);
    expect(Math.max(...bytes)).toBeLessThan(2 ** 18);
  });

  test.each([-1, 1.5, NaN, maxSeededFlights + 1])(
    '%d flights are refused before anything is written',
    async (flights) => {
      await expect(seedFlights(asSql(connection), { flights })).rejects.toBeInstanceOf(SeedCountError);
      expect(await linesOf('SELECT COUNT(*) FROM airport')).toEqual(['0']);
    },
  );

  test('the time it took is read from the clock it is given', async () => {
    let timeMs = 1_000;
    const nowMs = () => (timeMs += 250);
    expect(await seedFlights(asSql(connection), { flights: 1, nowMs })).toMatchObject({ durationMs: 250 });
  });
});
