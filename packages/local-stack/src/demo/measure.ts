/**
 * What a write costs here: the median of write-behind updates of one flight beside the median of the same change made
 * directly in the database. Both write the times that the flight has, so the data stays as it was; it even has less to do
 * then, as the row does not change. The direct writes are committed, because the commit is what a write waits for.
 */
import { type Flight, type FlightCache, LOG_COLUMNS } from '@afterwrite/flights';
import type { FlushResult, Settings, SqlConnection } from '@afterwrite/write-behind';
import { withDatabase } from '../database.ts';

/** Enough for a steady median, few enough to take no longer than a second on a slow disk. */
const UPDATES = 50;
const DATABASE_WRITES = 20;

export interface Sample {
  readonly count: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

interface LockedRow {
  readonly flightno: string;
  readonly from: number;
  readonly to: number;
  readonly departure: string;
  readonly arrival: string;
  readonly airline_id: number;
  readonly airplane_id: number;
}

export interface Measured {
  readonly update: Sample;
  readonly databaseWrite: Sample;
  /** How the measured updates were stored afterwards. */
  readonly flush: FlushResult;
}

export interface MeasureOptions {
  readonly cache: FlightCache;
  readonly settings: Settings;
  readonly flight: Flight;
  readonly user: string;
  readonly signal: AbortSignal;
}

export async function measureWrites(options: MeasureOptions): Promise<Measured> {
  const { cache, settings, flight, user, signal } = options;
  const { flight_id, departure, arrival } = flight;
  const update = await sample(UPDATES, signal, async () => {
    const comment = 'demo: measured write-behind update';
    await cache.updateFlightDeparture(flight_id, { departure, arrival, user, comment });
  });
  const flush = await cache.flushQueue();
  const databaseWrite = await withDatabase(settings, { useDatabase: true, signal }, (connection) =>
    sample(DATABASE_WRITES, signal, () => writeDirectly(connection, flight, user)),
  );
  return { update, databaseWrite, flush };
}

async function sample(count: number, signal: AbortSignal, write: () => Promise<void>): Promise<Sample> {
  const durations: number[] = [];
  for (let index = 0; index < count; index++) {
    signal.throwIfAborted();
    const startMs = performance.now();
    await write();
    durations.push(performance.now() - startMs);
  }
  durations.sort((a, b) => a - b);
  const at = (share: number) => durations[Math.min(count - 1, Math.floor(count * share))] ?? 0;
  return { count, medianMs: at(0.5), p95Ms: at(0.95) };
}

const LOCK_ROW = `SELECT * FROM flight WHERE flight_id = ? FOR UPDATE`;
const UPDATE_ROW = 'UPDATE flight SET departure = ?, arrival = ? WHERE flight_id = ?';

/** The statements of one direct write, in order; each is a round trip. */
export const DIRECT_WRITE = [
  'START TRANSACTION',
  LOCK_ROW,
  UPDATE_ROW,
  `INSERT INTO flight_log (${LOG_COLUMNS.join(', ')}) VALUES (…)`,
  'COMMIT',
] as const;

/** What an application without a cache would do: the row locked, changed and audited in one transaction. */
async function writeDirectly(connection: SqlConnection, flight: Flight, user: string): Promise<void> {
  const [departure = '', arrival = ''] = [flight.departure, flight.arrival].map(asDatetime);
  await connection.transaction(async () => {
    const [row] = await connection.rows<LockedRow>(LOCK_ROW, [flight.flight_id]);
    if (!row) throw new Error(`Flight ${String(flight.flight_id)} is gone.`);
    await connection.run(UPDATE_ROW, [departure, arrival, flight.flight_id]);
    const { flightno, from, to, airplane_id, airline_id } = row;
    await connection.insert('flight_log', LOG_COLUMNS, [
      [
        ...[asDatetime(new Date().toISOString()), user, flight.flight_id, flightno, flightno],
        ...[from, to, from, to],
        ...[row.departure, row.arrival, departure, arrival],
        ...[airplane_id, airplane_id, airline_id, airline_id, 'demo: measured database write'],
      ],
    ]);
  });
}

function asDatetime(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}
