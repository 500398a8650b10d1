/**
 * Times as the application speaks them (ISO 8601, UTC, whole seconds) and as the schema's DATETIME columns hold them.
 */
import { ValidationError } from '@afterwrite/write-behind';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2})?$/i;
/** Already as we give it, in DATETIME's range, on a day that each month has: most times, and nothing more to find out. */
const CANONICAL = /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
/** DATETIME's own range. */
const YEARS = { first: 1000, last: 9999 };
const MINUTE_MS = 60_000;

/**
 * Gives `YYYY-MM-DDTHH:MM:SSZ`. A time with an offset is that instant, one without is UTC. Throws ValidationError for
 * what is no time, for a date that does not exist, and for fractions of a second, which a DATETIME would drop.
 */
export function parseTime(field: string, input: unknown): string {
  if (typeof input === 'string' && CANONICAL.test(input)) return input;
  const text = input instanceof Date && !Number.isNaN(input.getTime()) ? input.toISOString() : input;
  const match = typeof text === 'string' ? TIME.exec(text.trim()) : null;
  if (!match) throw new ValidationError(field, 'must be a time such as 2027-06-01T10:30:00Z');
  const [, year, month, day, hour, minute, second = '00', fraction, offset = 'Z'] = match;
  if (fraction !== undefined && /[1-9]/.test(fraction)) {
    throw new ValidationError(field, 'must not have fractions of a second: the database keeps whole seconds');
  }
  const parts = [year, month, day, hour, minute, second].map(Number);
  const local = new Date(0);
  local.setUTCFullYear(parts[0] ?? 0, (parts[1] ?? 0) - 1, parts[2]);
  local.setUTCHours(parts[3] ?? 0, parts[4], parts[5]);
  const shown = `${String(year)}-${String(month)}-${String(day)}T${String(hour)}:${String(minute)}:${second}`;
  if (local.toISOString().slice(0, 19) !== shown) throw new ValidationError(field, `${shown} does not exist`);
  const instant = new Date(local.getTime() - offsetMs(field, offset));
  if (instant.getUTCFullYear() < YEARS.first || instant.getUTCFullYear() > YEARS.last) {
    throw new ValidationError(field, `must lie in the years ${String(YEARS.first)} to ${String(YEARS.last)}`);
  }
  return `${instant.toISOString().slice(0, 19)}Z`;
}

function offsetMs(field: string, offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(-2));
  // ISO 8601 allows no more; real offsets end at 14 hours.
  if (hours > 23 || minutes > 59) throw new ValidationError(field, `${offset} is no offset`);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}

/** `YYYY-MM-DDTHH:MM:SSZ` as a DATETIME in UTC. */
export function toDatetime(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}

/** A DATETIME in UTC, as the driver gives it, as `YYYY-MM-DDTHH:MM:SSZ`. */
export function fromDatetime(datetime: string): string {
  return `${datetime.slice(0, 19).replace(' ', 'T')}Z`;
}
