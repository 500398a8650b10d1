/**
 * Checks of arguments at run time, also where a type says enough: a caller without types passes on what it was sent, and
 * an object in the place of a value would become SQL, a list further arguments of a script.
 */
import { ValidationError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { AuditQuery } from '../store/store.ts';

const EPOCH = /^[0-9A-Za-z]{1,32}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/;
/** The store holds a page in memory. */
const MAX_AUDIT_ENTRIES = 10_000;

export function checkWhole(field: string, value: unknown, most: number, least = 1): void {
  if (!Number.isSafeInteger(value) || Number(value) < least || Number(value) > most) {
    throw new ValidationError(field, `must be a whole number from ${String(least)} to ${String(most)}`);
  }
}

export function checkDate(field: string, value: unknown): void {
  if (value !== undefined && !(value instanceof Date && Number.isFinite(value.getTime()))) {
    throw new ValidationError(field, 'is not a date');
  }
}

export function checkPosition({ epoch, seq }: { [Name in keyof Position]: unknown }): void {
  if (typeof epoch !== 'string' || !EPOCH.test(epoch)) {
    throw new ValidationError('epoch', 'must be 1 to 32 letters and digits, as a version begins');
  }
  checkWhole('seq', seq, Number.MAX_SAFE_INTEGER, 0);
}

export function checkAuditQuery({ limit, before }: { [Name in keyof AuditQuery]: unknown }): void {
  checkWhole('limit', limit, MAX_AUDIT_ENTRIES);
  if (before === undefined) return;
  const exists = (text: string) => {
    const at = new Date(text);
    return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 19) === text.slice(0, 19);
  };
  if (typeof before !== 'string' || !TIME.test(before) || !exists(before)) {
    throw new ValidationError('before', 'must be a time such as 2027-06-01T10:30:00Z');
  }
}
