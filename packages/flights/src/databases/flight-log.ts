/**
 * The audit trail, newest first, paged by time. flight_log has no key, so a page ends between two seconds and never
 * within one: all rows of its last second are in it, also where that is more than was asked for.
 */
import type { AuditPage, AuditQuery, FieldValues, Row, SelectRows } from '@afterwrite/write-behind';
import { fromDatetime, toDatetime } from '../times.ts';

export interface FlightLogTexts {
  readonly readFlightLog: string;
  readonly readFlightLogSecond: string;
}

/** Rows of one flight in one second; more than the engine stores of one in that time. */
const MAX_ROWS_A_SECOND = 50_000;
/** After everything. */
const END_OF_TIME = '9999-12-31 23:59:59';

export async function readFlightLog(
  texts: FlightLogTexts,
  select: SelectRows,
  id: string,
  { limit, before }: AuditQuery,
): Promise<AuditPage> {
  const until = before === undefined ? END_OF_TIME : toDatetime(before);
  const rows = await select(texts.readFlightLog, [Number(id), until, limit + 1]);
  if (rows.length <= limit) return { entries: rows.map(toEntry), next: null };
  const last = String(rows[limit - 1]?.log_date);
  const second = await select(texts.readFlightLogSecond, [Number(id), last, MAX_ROWS_A_SECOND]);
  const page = [...rows.filter(({ log_date }) => String(log_date) > last), ...second];
  return { entries: page.map(toEntry), next: fromDatetime(last) };
}

const TIMES = ['log_date', 'departure_old', 'arrival_old', 'departure_new', 'arrival_new'];

function toEntry(row: Row): FieldValues {
  const entry: Record<string, unknown> = { ...row };
  for (const name of TIMES) entry[name] = fromDatetime(String(row[name]));
  return entry as FieldValues;
}
