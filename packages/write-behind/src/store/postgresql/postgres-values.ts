/**
 * Values on their way to PostgreSQL and back. What it cannot hold is refused as the data that it is, and nothing is changed
 * on the way: half of a pair of surrogates, which has no UTF-8, would otherwise become another character.
 */
import { types } from 'pg';
import { StoreDataError } from '../../errors.ts';

/** As the driver takes it. */
export type Parameter = string | Buffer | null;

/** A value, or a list of them, as a parameter: what type it is of, the server knows. */
export function parameter(value: unknown): Parameter {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return wellFormed(value);
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return wellFormed(arrayText(value));
  return scalarText(value);
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new StoreDataError('PostgreSQL: half of a surrogate pair is no text');
  return text;
}

function scalarText(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  throw new TypeError(`PostgreSQL: ${typeof value} is no value of a column`);
}

const QUOTED = /["\\]/;
const ALL_QUOTED = /["\\]/g;

function arrayText(values: readonly unknown[]): string {
  let text = '';
  let separator = '{';
  for (const value of values) {
    text += separator + elementText(value);
    separator = ',';
  }
  return text === '' ? '{}' : `${text}}`;
}

function elementText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') return `"${QUOTED.test(value) ? value.replace(ALL_QUOTED, '\\$&') : value}"`;
  if (Buffer.isBuffer(value)) return `"\\\\x${value.toString('hex')}"`;
  return scalarText(value);
}

/** Each chunk is a message; larger ones are not faster. */
const MAX_CHUNK_CHARACTERS = 60_000;
const SPECIAL = /[\t\n\r\\]/;
const ALL_SPECIAL = /[\t\n\r\\]/g;
const ESCAPED: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };

/** Rows as COPY reads them: a tab between values, a newline after each row, NULL as \N, a backslash before what is special. */
export function copyChunks(rows: readonly (readonly unknown[])[]): Buffer[] {
  const chunks: Buffer[] = [];
  let text = '';
  for (const row of rows) {
    let separator = '';
    for (const value of row) {
      text += separator + copyText(value);
      separator = '\t';
    }
    text += '\n';
    if (text.length > MAX_CHUNK_CHARACTERS) {
      chunks.push(Buffer.from(wellFormed(text)));
      text = '';
    }
  }
  if (text !== '') chunks.push(Buffer.from(wellFormed(text)));
  return chunks;
}

function copyText(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value !== 'string') return scalarText(value);
  return SPECIAL.test(value) ? value.replace(ALL_SPECIAL, (special) => ESCAPED[special] ?? special) : value;
}

/** Text that PostgreSQL holds, whatever it was: for our own columns, which must take anything. */
export function holdableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Strings, comments and names, or a `?` that stands for a value. */
const TOKENS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|\?/g;

/** `?` for values as `$1`, `$2` … */
export function numbered(text: string): string {
  let count = 0;
  return text.replace(TOKENS, (token) => (token === '?' ? `$${String(++count)}` : token));
}

const { builtins } = types;
type TypeId = Parameters<typeof types.getTypeParser>[0];
const parserOf: (id: TypeId) => (value: string) => unknown = types.getTypeParser;

/** Texts as the server writes them: a time of JavaScript knows neither UTC days nor microseconds. */
const AS_TEXT: ReadonlySet<TypeId> = new Set([
  builtins.DATE,
  builtins.TIME,
  builtins.TIMETZ,
  builtins.TIMESTAMP,
  builtins.TIMESTAMPTZ,
  builtins.INTERVAL,
]);

/** Columns of rows: whole numbers as numbers (ours stay below 2^53), times as text, the rest as the driver has it. */
export const columnTypes = {
  getTypeParser(id: TypeId): (value: string) => unknown {
    if (id === builtins.INT8) return Number;
    return AS_TEXT.has(id) ? String : parserOf(id);
  },
};
