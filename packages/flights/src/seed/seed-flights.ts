/**
 * Fills the public schema with a data set that is the same everywhere and at all times.
 *
 * Rows that exist are never changed or deleted: a flight that was moved since stays moved, and data that others
 * loaded is not touched at all. Airports, airlines and airplanes are written in one transaction, before any
 * flight; flights follow in transactions of a fixed range of ids. Seeding may therefore be killed at any point
 * and called again, and it goes on where it was.
 */
import type { SqlConnection, SqlValue } from '@afterwrite/write-behind';
import { airlines } from './airlines.ts';
import { airplanes } from './airplanes.ts';
import { airports } from './airports.ts';
import { SeedCountError, SeedLockedError } from './errors.ts';
import { maxSeededFlights, plannedFlight } from './flight-plan.ts';
import { ownershipOf } from './ownership.ts';

export const defaultSeededFlights = 20_000;

/** Large enough that a commit's disk flush does not count, small enough to be lost without regret. */
const flightsPerTransaction = 10_000;
/** Seeding half a million flights, the most anybody waits for, takes less than a minute. */
const defaultLockWaitSeconds = 120;

export interface SeedProgress {
  /** Flights with ids from 1 that are there now. */
  readonly done: number;
  /** Flights asked for. */
  readonly total: number;
}

export interface SeedFlightsOptions {
  /** Flights 1..flights exist afterwards; 0..maxSeededFlights, 20,000 if not given. */
  readonly flights?: number;
  /** Called after each transaction. Not called when there is nothing to do. */
  readonly onProgress?: (progress: SeedProgress) => void;
  /** How long to wait for another seeding of this database; 120 if not given. */
  readonly lockWaitSeconds?: number;
  /** A clock for `durationMs`. */
  readonly nowMs?: () => number;
}

interface SeedFigures {
  /** Rows in the table `flight` at the end, whoever wrote them. */
  readonly flights: number;
  /** Flights that this call wrote. */
  readonly inserted: number;
  readonly durationMs: number;
}

export type SeedResult =
  /** Flights were missing and are there now; or none was asked for, and airports, airlines and airplanes are there now. */
  | (SeedFigures & { readonly outcome: 'SEEDED' })
  /** All flights asked for were there; nothing was written. */
  | (SeedFigures & { readonly outcome: 'ALREADY_SEEDED' })
  /** The database holds other data; nothing was written. `reason` is one line that says how that shows. */
  | (SeedFigures & { readonly outcome: 'FOREIGN_DATA'; readonly reason: string });

/** What was done, before it is counted and timed. */
type SeedStep =
  | { readonly outcome: 'SEEDED' | 'ALREADY_SEEDED'; readonly inserted: number }
  | { readonly outcome: 'FOREIGN_DATA'; readonly inserted: 0; readonly reason: string };

/**
 * Makes flights 1..`flights` exist, with the airports, airlines and airplanes they need. Asking for more than
 * there are adds the missing ones; asking for fewer changes nothing.
 *
 * `connection` has the database as its current one, with the schema's tables, and no transaction open. Several
 * processes may seed one database at once: one works, the others wait for it.
 *
 * Throws SeedCountError, SeedLockedError, and as `SqlConnection` does; what was committed before
 * such an error stays, and the next call goes on from there.
 */
export async function seedFlights(
  connection: SqlConnection,
  options: SeedFlightsOptions = {},
): Promise<SeedResult> {
  const { flights = defaultSeededFlights, onProgress, lockWaitSeconds = defaultLockWaitSeconds } = options;
  const { nowMs = () => performance.now() } = options;
  if (!Number.isInteger(flights) || flights < 0 || flights > maxSeededFlights)
    throw new SeedCountError(flights);
  const startedMs = nowMs();
  // One at a time: two would both miss the same flights, and one of them would fail on duplicate keys.
  const done = await connection.locked('seed-flights', lockWaitSeconds, () =>
    seedStep(connection, flights, onProgress),
  );
  if (!done) throw new SeedLockedError(lockWaitSeconds);
  const total = await countFlights(connection);
  return { ...done.result, flights: total, durationMs: nowMs() - startedMs };
}

async function seedStep(
  connection: SqlConnection,
  flights: number,
  onProgress: SeedFlightsOptions['onProgress'],
): Promise<SeedStep> {
  const ownership = await ownershipOf(connection);
  if (ownership.owner === 'OTHERS') {
    const reason = `the database holds data that was not seeded here (${ownership.difference}); nothing was changed`;
    return { outcome: 'FOREIGN_DATA', inserted: 0, reason };
  }
  if (ownership.owner === 'NOBODY') await insertReferences(connection);
  else if ((await countFlights(connection, flights)) === flights)
    return { outcome: 'ALREADY_SEEDED', inserted: 0 };

  let inserted = 0;
  for (let firstId = 1; firstId <= flights; firstId += flightsPerTransaction) {
    const lastId = Math.min(firstId + flightsPerTransaction - 1, flights);
    inserted += await insertMissingFlights(connection, firstId, lastId);
    onProgress?.({ done: lastId, total: flights });
  }
  return { outcome: 'SEEDED', inserted };
}

async function insertReferences(connection: SqlConnection): Promise<void> {
  const airportIds = new Map(airports.map((airport, index) => [airport.iata, index + 1]));
  await connection.transaction(async () => {
    await connection.insert(
      'airport',
      ['airport_id', 'iata', 'icao', 'name'],
      airports.map((airport, index) => [index + 1, airport.iata, airport.icao, airport.name]),
    );
    await connection.insert(
      'airline',
      ['airline_id', 'iata', 'airlinename', 'base_airport'],
      airlines.map((airline, index) => [
        index + 1,
        airline.iata,
        airline.name,
        airportIds.get(airline.base) ?? null,
      ]),
    );
    await connection.insert(
      'airplane',
      ['airplane_id', 'capacity', 'type_id', 'airline_id'],
      airplanes.map((plane) => [plane.airplaneId, plane.capacity, plane.typeId, plane.airlineId]),
    );
  });
}

/** Inserts those of firstId..lastId that are missing, in one transaction; gives how many. */
async function insertMissingFlights(
  connection: SqlConnection,
  firstId: number,
  lastId: number,
): Promise<number> {
  const present = await connection.rows<{ flight_id: number }>(
    'SELECT flight_id FROM flight WHERE flight_id BETWEEN ? AND ?',
    [firstId, lastId],
  );
  const presentIds = new Set(present.map((row) => row.flight_id));
  const rows: SqlValue[][] = [];
  for (let id = firstId; id <= lastId; id += 1) {
    if (presentIds.has(id)) continue;
    const { flightno, from, to, departure, arrival, airlineId, airplaneId } = plannedFlight(id);
    rows.push([id, flightno, from, to, departure, arrival, airlineId, airplaneId]);
  }
  if (rows.length === 0) return 0;
  const columns = [
    'flight_id',
    'flightno',
    'from',
    'to',
    'departure',
    'arrival',
    'airline_id',
    'airplane_id',
  ];
  await connection.transaction(() => connection.insert('flight', columns, rows));
  return rows.length;
}

/** Rows of `flight`, or those of them with an id in 1..lastId. */
async function countFlights(connection: SqlConnection, lastId?: number): Promise<number> {
  const count = 'SELECT COUNT(*) AS flights FROM flight';
  const [row] =
    lastId === undefined
      ? await connection.rows<{ flights: number }>(count)
      : await connection.rows<{ flights: number }>(`${count} WHERE flight_id BETWEEN 1 AND ?`, [lastId]);
  return Number(row?.flights);
}
