/**
 * Flights in the public schema as it is. Every update leaves one flight_log row whose `*_old` values are the row before
 * that very update, also within a batch; log_date is when it was accepted (UTC). What differs between databases is given.
 */
import {
  type FieldValues,
  type Row,
  type RowChange,
  type SqlMapping,
  type SqlValue,
  type SqlWriter,
  StoreDataError,
} from '@afterwrite/write-behind';
import { fromDatetime, toDatetime } from '../times.ts';
import { type FlightLogTexts, readFlightLog } from './flight-log.ts';

/** A row as `lock-flights.sql` gives it; times as `YYYY-MM-DD HH:MM:SS`. */
interface FlightRow {
  readonly flight_id: number;
  readonly flightno: string;
  readonly from: number;
  readonly to: number;
  readonly departure: string;
  readonly arrival: string;
  readonly airline_id: number;
  readonly airplane_id: number;
}

/** The texts of `sql/` that every database has. */
export interface FlightTexts extends FlightLogTexts {
  readonly loadFlight: string;
  readonly lockFlights: string;
  readonly findFlights: string;
}

/** What an update leaves in `flight`. */
export type ChangedFlight = Pick<FlightRow, 'flight_id' | 'departure' | 'arrival'>;

/** Writes these rows of `flight`; at most `writer.maxRows`. */
export type WriteFlights = (writer: SqlWriter, flights: readonly ChangedFlight[]) => Promise<void>;

/** Of `flight_log`, all. */
export const LOG_COLUMNS = [
  ...['log_date', 'user', 'flight_id', 'flightno_old', 'flightno_new'],
  ...['from_old', 'to_old', 'from_new', 'to_new'],
  ...['departure_old', 'arrival_old', 'departure_new', 'arrival_new'],
  ...['airplane_id_old', 'airplane_id_new', 'airline_id_old', 'airline_id_new', 'comment'],
];

export function flightsMapping(texts: FlightTexts, writeFlights: WriteFlights): SqlMapping {
  return {
    loadSql: texts.loadFlight,
    lockSql: texts.lockFlights,
    idValue(id) {
      const value = Number(id);
      return Number.isSafeInteger(value) ? value : NaN;
    },
    rowId: (row) => String(row.flight_id),
    toValue: withTimes,
    change(row, changes) {
      const changed: Record<string, unknown> = { ...row };
      for (const [field, value] of Object.entries(changes)) {
        if (field !== 'departure' && field !== 'arrival')
          throw new StoreDataError(`flight: nothing holds ${field}`);
        changed[field] = toDatetime(String(value));
      }
      return changed;
    },
    readAudit: (select, id, query) => readFlightLog(texts, select, id, query),
    async find(select, { flightno, limit }) {
      const rows = await select(texts.findFlights, [flightno, limit]);
      return rows.map(withTimes);
    },
    async write(writer, changes) {
      await writer.insert('flight_log', LOG_COLUMNS, logRows(changes));
      const last = [...new Map(changes.map(({ update, after }) => [update.id, asFlight(after)])).values()];
      for (let start = 0; start < last.length; start += writer.maxRows) {
        await writeFlights(writer, last.slice(start, start + writer.maxRows));
      }
    },
  };
}

function withTimes(row: Row): FieldValues {
  return {
    ...(row as FieldValues),
    departure: fromDatetime(String(row.departure)),
    arrival: fromDatetime(String(row.arrival)),
  };
}

function logRow({ update, before, after }: RowChange, acceptedAt: string): SqlValue[] {
  const was = asFlight(before);
  const is = asFlight(after);
  return [
    acceptedAt,
    update.user,
    is.flight_id,
    was.flightno,
    is.flightno,
    was.from,
    was.to,
    is.from,
    is.to,
    was.departure,
    was.arrival,
    is.departure,
    is.arrival,
    was.airplane_id,
    is.airplane_id,
    was.airline_id,
    is.airline_id,
    update.comment,
  ];
}

/** Neighbours in a queue were mostly accepted in the same second. */
function logRows(changes: readonly RowChange[]): SqlValue[][] {
  let second = NaN;
  let datetime = '';
  return changes.map((change) => {
    const seconds = Math.floor(change.update.acceptedUs / 1_000_000);
    if (seconds !== second) {
      second = seconds;
      datetime = toDatetime(new Date(seconds * 1000).toISOString());
    }
    return logRow(change, datetime);
  });
}

function asFlight(row: Row): FlightRow {
  return row as unknown as FlightRow;
}
