/**
 * Flights in MySQL, in the public schema as it is. Every update leaves one flight_log row whose `*_old` values are the
 * row before that very update, also within a batch; log_date is when it was accepted (UTC).
 */
import {
  type FieldValues,
  type MysqlMapping,
  type Row,
  type RowChange,
  StoreDataError,
} from '@afterwrite/write-behind';
import { escape, raw } from 'mysql2';
import { fromDatetime, toDatetime } from '../times.ts';
import { readFlightLog } from './flight-log.ts';
import { sql } from './sql.generated.ts';

/** A row as `lock-flights.sql` gives it; times as DATETIME text. */
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

/** As `insert-flight-log.sql` names them. */
const LOG_COLUMNS = [
  ...[
    'log_date',
    'user',
    'flight_id',
    'flightno_old',
    'flightno_new',
    'from_old',
    'to_old',
    'from_new',
    'to_new',
  ],
  ...['departure_old', 'arrival_old', 'departure_new', 'arrival_new'],
  ...['airplane_id_old', 'airplane_id_new', 'airline_id_old', 'airline_id_new', 'comment'],
];

export const mysqlFlights: MysqlMapping = {
  loadSql: sql.loadFlight,
  lockSql: sql.lockFlights,
  idValue: Number,
  rowId: (row) => String(row.flight_id),
  toValue: (row) => ({
    ...row,
    departure: fromDatetime(String(row.departure)),
    arrival: fromDatetime(String(row.arrival)),
  }),
  change(row, changes) {
    const changed: Record<string, unknown> = { ...row };
    for (const [field, value] of Object.entries(changes)) {
      if (field !== 'departure' && field !== 'arrival')
        throw new StoreDataError(`flight: nothing holds ${field}`);
      changed[field] = toDatetime(String(value));
    }
    return changed;
  },
  readAudit: readFlightLog,
  async find(select, { flightno, limit }) {
    const rows = await select(sql.findFlights, [flightno, limit]);
    return rows.map((row) => ({
      ...(row as FieldValues),
      departure: fromDatetime(String(row.departure)),
      arrival: fromDatetime(String(row.arrival)),
    }));
  },
  async write(run, changes, maxRows, load) {
    const log = logRows(changes);
    if (load) await load('flight_log', LOG_COLUMNS, log);
    else {
      for (let start = 0; start < log.length; start += maxRows) {
        await run(sql.insertFlightLog, [log.slice(start, start + maxRows)]);
      }
    }
    const last = new Map(changes.map(({ update, after }) => [update.id, asFlight(after)]));
    const rows = [...last.values()].map(
      ({ flight_id, departure, arrival }) =>
        `ROW(${[flight_id, departure, arrival].map((value) => escape(value)).join(',')})`,
    );
    for (let start = 0; start < rows.length; start += maxRows) {
      await run(sql.updateFlights, [raw(rows.slice(start, start + maxRows).join(','))]);
    }
  },
};

function logRow({ update, before, after }: RowChange, acceptedAt: string): (string | number | null)[] {
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
function logRows(changes: readonly RowChange[]) {
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
