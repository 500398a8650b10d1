/** What the view Flight says, and what it takes: without a page around it. */
import type { ConsistencyAnswer, Flight, LettersAnswer, LogEntry } from '@afterwrite/client';
import { counted, duration } from '../live/words.ts';
import { reasonWords } from './queue-words.ts';

export type Search =
  | { readonly kind: 'EMPTY' }
  | { readonly kind: 'ID'; readonly id: number }
  | { readonly kind: 'NUMBER'; readonly flightno: string }
  | { readonly kind: 'WRONG'; readonly reason: string };

const MAX_ID = 2_147_483_647;

/** Digits alone are an id; a flight number begins with its airline's code. `sa 2133` and `SA-2133` are SA2133. */
export function parseSearch(text: string): Search {
  const found = text.trim();
  if (found === '') return { kind: 'EMPTY' };
  if (/^\d+$/.test(found)) {
    const id = Number(found);
    if (id >= 1 && id <= MAX_ID) return { kind: 'ID', id };
    return { kind: 'WRONG', reason: `An id is a number from 1 to ${MAX_ID}.` };
  }
  const flightno = found.replaceAll(/[\s-]/g, '').toUpperCase();
  if (/^[A-Z0-9]{2,8}$/.test(flightno)) return { kind: 'NUMBER', flightno };
  return { kind: 'WRONG', reason: 'Enter an id, such as 115, or a flight number, such as OM4257.' };
}

/** Largest delay that the form takes: a week. */
const MAX_DELAY_MINUTES = 7 * 24 * 60;

/** The minutes, or why they are none. */
export function parseMinutes(text: string): number | string {
  const minutes = /^[+-]?\d{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(minutes)) return 'Enter whole minutes, such as 30, or -15 for earlier.';
  if (minutes === 0) return 'A delay of 0 minutes changes nothing.';
  if (Math.abs(minutes) > MAX_DELAY_MINUTES) return `At most ${MAX_DELAY_MINUTES} minutes, a week.`;
  return minutes;
}

export type Times = Pick<Flight, 'departure' | 'arrival'>;

export function delayed({ departure, arrival }: Times, minutes: number): Times {
  const later = (time: string) =>
    `${new Date(Date.parse(time) + minutes * 60_000).toISOString().slice(0, 19)}Z`;
  return { departure: later(departure), arrival: later(arrival) };
}

export function isSameTimes(a: Times, b: Times): boolean {
  return a.departure === b.departure && a.arrival === b.arrival;
}

/** `2 h 5 min later`, `15 min earlier`. */
export function shift(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const parts = [...(hours > 0 ? [`${hours} h`] : []), ...(rest > 0 || hours === 0 ? [`${rest} min`] : [])];
  return `${parts.join(' ')} ${minutes < 0 ? 'earlier' : 'later'}`;
}

export interface Verdict {
  /** GOOD: all is as it should be. WAITS: it will be by itself. BAD: somebody may have to act. UNKNOWN: it cannot be told. */
  readonly tone: 'GOOD' | 'WAITS' | 'BAD' | 'UNKNOWN';
  readonly title: string;
  readonly meaning: string;
  /** What to do; null where nothing is. */
  readonly advice: string | null;
}

type Compared = Pick<ConsistencyAnswer, 'reason' | 'cache' | 'database' | 'pending' | 'pendingUpdates'>;

/** `oldestMs`: of the flight's partition; null where it is not known. */
export function verdictOf(answer: Compared, oldestMs: number | null): Verdict {
  const { reason, pending, pendingUpdates } = answer;
  const waiting = `${counted(pendingUpdates, 'update')} of it ${pendingUpdates === 1 ? 'waits' : 'wait'}`;
  switch (reason) {
    case 'EQUAL':
      return {
        tone: 'GOOD',
        title: 'Equal',
        meaning: pending
          ? `Cache and database hold the same, although ${waiting}: they end where the database already is.`
          : 'Cache and database hold the same. Nothing waits.',
        advice: null,
      };
    case 'NOT_CACHED':
      return {
        tone: 'GOOD',
        title: 'Not cached',
        meaning: 'Nothing can differ: the next read takes it from the database and caches it.',
        advice: null,
      };
    case 'PENDING':
      return {
        tone: 'WAITS',
        title: 'Pending: will be stored',
        meaning: `${pendingUpdates === 0 ? 'Its updates are being stored right now' : waiting}, and explains the whole difference.${sinceWhen(oldestMs)}`,
        advice: null,
      };
    case 'DIFFERENT':
      return differentVerdict(answer, waiting);
    case 'UNDECIDED':
      return {
        tone: 'UNKNOWN',
        title: 'Undecided',
        meaning: 'It changed at every attempt to compare, or more waits than is looked through.',
        advice: 'Nothing to do yet: it is compared again by itself.',
      };
  }
}

/** The API answers 404 then, not a comparison. */
export const NO_SUCH_FLIGHT: Verdict = {
  tone: 'UNKNOWN',
  title: 'There is no such flight',
  meaning: 'Neither the cache nor the database has it.',
  advice: 'Look at the id, or search by flight number. What was stored of it before is in its audit trail.',
};

/** As many dead letters of a flight are asked for. */
export const LETTERS_SHOWN = 20;

/** What it means that updates of the flight are dead letters; null where none is. */
export function lettersVerdict(letters: LettersAnswer['deadLetters']): Verdict | null {
  const reasons = [...new Set(letters.map(({ reason }) => reasonWords(reason).title))];
  const isPast = letters.every(({ superseded }) => superseded.length > 0);
  if (reasons.length === 0) return null;
  const found = letters.length;
  const many = `${found >= LETTERS_SHOWN ? 'At least ' : ''}${counted(found, 'update')} of this flight`;
  return {
    tone: isPast ? 'UNKNOWN' : 'BAD',
    title: `${many} ${found === 1 ? 'is a dead letter' : 'are dead letters'}`,
    meaning: `Acknowledged, and not stored: ${reasons.join('; ')}. Readers see the database's value.`,
    advice: isPast
      ? 'Nothing to mend: newer values of the same fields have been stored since.'
      : 'Mend the cause, then redrive.',
  };
}

function sinceWhen(oldestMs: number | null): string {
  return oldestMs === null ? '' : ` The oldest update in its partition has waited for ${duration(oldestMs)}.`;
}

function differentVerdict({ cache, database, pendingUpdates }: Compared, waiting: string): Verdict {
  const besides =
    pendingUpdates === 0 ? 'No update waits that explains it' : `${waiting}, but that is not all`;
  const meaning = () => {
    if (!database)
      return `${besides}: the row is gone from the database, and readers of the cache still see it.`;
    if (!cache)
      return `${besides}: the cache remembers that there is no such flight, and the row is there now.`;
    return `${besides}: something changed the row past the cache. Readers of the cache see the cache's value.`;
  };
  return {
    tone: 'BAD',
    title: 'Really different',
    meaning: meaning(),
    advice: 'It ends by itself when the cached value expires. To end it now, drop it from the cache:',
  };
}

export interface FieldRow {
  readonly name: string;
  readonly label: string;
  readonly cache: string | null;
  readonly database: string | null;
  readonly differs: boolean;
}

/** In this order: what an update changes comes first. */
const FIELDS: readonly (readonly [keyof Flight, string])[] = [
  ['departure', 'Departure'],
  ['arrival', 'Arrival'],
  ['flightno', 'Flight number'],
  ['from_airport', 'From'],
  ['to_airport', 'To'],
  ['airlinename', 'Airline'],
  ['airline_id', 'Airline id'],
  ['airplane_id', 'Airplane id'],
];

export function fieldRows({ cache, database, differing }: ConsistencyAnswer): FieldRow[] {
  return FIELDS.map(([name, label]) => ({
    name,
    label,
    cache: fieldText(cache, name),
    database: fieldText(database, name),
    differs: differing.includes(name),
  }));
}

function fieldText(flight: Flight | null, name: keyof Flight): string | null {
  if (!flight) return null;
  const value = flight[name];
  if (value === null) return 'none';
  return name === 'departure' || name === 'arrival' ? clockTime(String(value)) : String(value);
}

/** 2027-08-16 21:40:00, where UTC stands beside it. */
export function clockTime(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}

/** `{flight.4}:115` -> 4. */
export function partitionOf(cacheKey: string): number | null {
  const [, partition] = /\.(\d+)\}/.exec(cacheKey) ?? [];
  return partition === undefined ? null : Number(partition);
}

export interface LogChange {
  readonly label: string;
  readonly before: string;
  readonly after: string;
  readonly changed: boolean;
}

/** Departure and arrival always, and what else changed. */
export function changesOf(entry: LogEntry): LogChange[] {
  const rows: readonly (readonly [string, string | number, string | number])[] = [
    ['Departure', clockTime(entry.departure_old), clockTime(entry.departure_new)],
    ['Arrival', clockTime(entry.arrival_old), clockTime(entry.arrival_new)],
    ['Flight number', entry.flightno_old, entry.flightno_new],
    ['From airport', entry.from_old, entry.from_new],
    ['To airport', entry.to_old, entry.to_new],
    ['Airplane', entry.airplane_id_old, entry.airplane_id_new],
    ['Airline', entry.airline_id_old, entry.airline_id_new],
  ];
  return rows
    .map(([label, before, after]) => ({
      label,
      before: String(before),
      after: String(after),
      changed: before !== after,
    }))
    .filter(({ changed }, index) => changed || index < 2);
}

/** How many entries of a page just read are not among those shown; both are newest first, and entries have no names. */
export function newEntries(page: readonly LogEntry[], shown: readonly LogEntry[]): number {
  const newest = shown[0];
  if (!newest) return page.length;
  const ofSecond = (entries: readonly LogEntry[]) =>
    entries.filter(({ log_date }) => log_date === newest.log_date).length;
  const later = page.filter(({ log_date }) => log_date > newest.log_date).length;
  return later + Math.max(0, ofSecond(page) - ofSecond(shown));
}
