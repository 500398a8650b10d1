/** What the engine must know of an entity; everything else about it lies in the store's mapping. */
import { ValidationError } from './errors.ts';

/** A value that JSON carries unchanged and a column can hold. */
export type Scalar = string | number | boolean | null;

/** A cached row: its fields by name. Names must not begin with `~`. */
export type FieldValues = Readonly<Record<string, Scalar>>;

/** One accepted change of an entity, as the queue holds it. */
export interface Update<Changes> {
  readonly id: string;
  readonly changes: Changes;
  readonly user: string;
  readonly comment: string | null;
  /** Of the request that it came with, for whoever follows that one. */
  readonly trace?: string | undefined;
}

export interface EntityDefinition<Value extends FieldValues, Changes extends FieldValues> {
  /** 1 to 32 of [a-z0-9_-]; part of every key and of the store's own rows. */
  readonly name: string;
  /** The id in its one canonical form, 1 to 128 of [A-Za-z0-9_.:~%-]. Throws ValidationError. */
  parseId(id: unknown): string;
  /** Checks changes and brings them into canonical form. Keys are fields of the cached value. Throws ValidationError. */
  parseChanges(changes: unknown): Changes;
  /** Marks the type of the cached value; never read. */
  readonly value?: Value;
}

/** Characters in an audit trail's `user` and `comment`, as the public schema's columns hold them. */
export const MAX_USER_LENGTH = 100;
export const MAX_COMMENT_LENGTH = 200;

/** What JSON writes as it is: a queue item takes it without another look. */
const TRACE_PATTERN = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
const ID_PATTERN = /^[\w.:~%-]{1,128}$/;

export function parseEntityId(
  definition: Pick<EntityDefinition<never, never>, 'parseId'>,
  id: unknown,
): string {
  const key: unknown = definition.parseId(id);
  // A list of one text would pass for that text here, and become another argument of a script.
  if (typeof key !== 'string' || !ID_PATTERN.test(key)) {
    throw new ValidationError('id', 'must be 1 to 128 letters, digits or _ . : ~ % -');
  }
  return key;
}

/**
 * Throws ValidationError unless these are values by name that JSON carries unchanged: it would leave out or change
 * anything else, and cache and database would differ for ever.
 */
export function checkFieldValues(values: unknown): void {
  if (Object.prototype.toString.call(values) !== '[object Object]') {
    throw new ValidationError('changes', 'must be an object of values by field name');
  }
  for (const [name, value] of Object.entries(values as object)) {
    if (name.startsWith('~')) throw new ValidationError(name, 'a field name must not begin with ~');
    if (!name.isWellFormed()) throw new ValidationError(name, 'the field name is not well-formed Unicode');
    checkScalar(name, value);
  }
}

function checkScalar(name: string, value: unknown): void {
  const isScalar = value === null || ['string', 'number', 'boolean'].includes(typeof value);
  if (!isScalar || (typeof value === 'number' && !Number.isFinite(value))) {
    throw new ValidationError(name, 'must be a text, a finite number, true, false or null');
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new ValidationError(name, 'is not well-formed Unicode');
  }
}

/** Whether this is an id in its canonical form. */
export function isEntityId(
  definition: Pick<EntityDefinition<never, never>, 'parseId'>,
  text: string,
): boolean {
  try {
    return parseEntityId(definition, text) === text;
  } catch (error) {
    if (error instanceof ValidationError) return false;
    throw error;
  }
}

export function parseTrace(trace: unknown): string | undefined {
  if (trace === undefined) return undefined;
  if (typeof trace !== 'string' || !TRACE_PATTERN.test(trace)) {
    throw new ValidationError('trace', 'must be 1 to 128 printable ASCII characters other than " and \\');
  }
  return trace;
}

/** Checks who did it and why, before anything is written. */
export function parseAttribution(user: unknown, comment: unknown): { user: string; comment: string | null } {
  if (typeof user !== 'string' || user.trim() === '') {
    throw new ValidationError('user', 'must be a text that is not empty');
  }
  checkText('user', user, MAX_USER_LENGTH);
  if (comment === undefined || comment === null) return { user, comment: null };
  if (typeof comment !== 'string') throw new ValidationError('comment', 'must be a text');
  checkText('comment', comment, MAX_COMMENT_LENGTH);
  return { user, comment };
}

/** Columns count code points, and a lone surrogate has no UTF-8: the database would refuse or change it. */
function checkText(field: string, text: string, limit: number): void {
  if (!text.isWellFormed()) throw new ValidationError(field, 'is not well-formed Unicode');
  const length = Array.from(text).length;
  if (length > limit) {
    throw new ValidationError(field, `may hold ${String(limit)} characters, this has ${String(length)}`);
  }
}
