/**
 * Whose flights a load moves, and by how much. Write-through and cache-aside write rows past the write-behind cache, so
 * the highest ids are theirs, and the load by write-behind takes the lowest.
 */
import type { Flight, FlightChanges } from '@afterwrite/flights';
import type { Settings } from '@afterwrite/write-behind';
import { withDatabase } from '../database.ts';

export interface LoadFlights {
  readonly writeBehind: readonly string[];
  readonly writeThrough: readonly string[];
  readonly cacheAside: readonly string[];
}

/** All of them are read into the cache first, which takes about a second. */
const WRITE_BEHIND_FLIGHTS = 1000;
/** As many for each of the other two. */
const PATTERN_FLIGHTS = 10;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Throws where there are fewer than three flights. */
export async function pickFlights(settings: Settings): Promise<LoadFlights> {
  return await withDatabase(settings, { useDatabase: true }, async (connection) => {
    const ids = async (order: 'ASC' | 'DESC', limit: number) => {
      const sql = `SELECT flight_id FROM flight ORDER BY flight_id ${order} LIMIT ?`;
      const rows = await connection.rows<{ flight_id: number }>(sql, [limit]);
      return rows.map((row) => String(row.flight_id));
    };
    const lowest = await ids('ASC', WRITE_BEHIND_FLIGHTS + 2 * PATTERN_FLIGHTS);
    // Of few flights, two thirds are the load's.
    const each = Math.min(PATTERN_FLIGHTS, Math.floor(lowest.length / 6) || 1);
    if (lowest.length < 3) {
      throw new Error(
        `The database ${settings.DB_NAME} has ${lowest.length} flights; a load needs three: \`npm run seed\`.`,
      );
    }
    const highest = await ids('DESC', 2 * each);
    const taken = new Set(highest);
    return {
      writeBehind: lowest.filter((id) => !taken.has(id)).slice(0, WRITE_BEHIND_FLIGHTS),
      writeThrough: highest.slice(0, each),
      cacheAside: highest.slice(each),
    };
  });
}

/**
 * The nth move: to another minute of the hour in which it departs. So no flight ever leaves its hour, however many loads
 * there were, and it takes as long as before.
 */
export function moved(
  { departure, arrival }: Pick<Flight, 'departure' | 'arrival'>,
  n: number,
): FlightChanges {
  const departureMs = Date.parse(departure);
  const lengthMs = Date.parse(arrival) - departureMs;
  const movedMs = Math.floor(departureMs / HOUR_MS) * HOUR_MS + (n % MINUTES) * MINUTE_MS;
  return { departure: textOf(movedMs), arrival: textOf(movedMs + lengthMs) };
}

function textOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
