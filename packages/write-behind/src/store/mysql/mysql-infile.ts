/**
 * Rows as the text that `LOAD DATA LOCAL INFILE` reads (`sql/load-rows.sql`), sent from memory: no file is ever opened,
 * whatever name the server asks for.
 *
 * A load must store what an INSERT of the same rows would, or nothing. With LOCAL a value that does not fit is changed, and a
 * row that may not be is left out, with no more than a warning: who loads must look at both counts (`MysqlTransaction`).
 * And there is what the server does not even warn of: columns that are left out and have no default become 0 or ''; so do
 * nulls where none may be, if the table has a trigger; and a number becomes a text on its way. Those `isSameByLoad` tells.
 */
import { Readable } from 'node:stream';
import type { SqlValue } from '../sql-mapping.ts';

/** The name in the statement: the server gives it back when it asks for the rows. */
const INFILE_NAME = 'rows';

/** Each chunk is a packet, which `max_allowed_packet` bounds; larger ones are not faster. */
const MAX_CHUNK_CHARACTERS = 60_000;
/** Writes after a failure that do without, so that no more than one in a thousand is spent on finding out. */
const PAUSE_WRITES = 1000;

/** Whether a store may load: the server says so, and nothing between us and it has failed at it lately. */
export class Loading {
  #isOn = false;
  #pause = 0;

  /** What a check of the server says: nothing of what stands in between, so a pause lasts, unless it was off until now. */
  set(isOn: boolean): void {
    if (isOn && !this.#isOn) this.#pause = 0;
    this.#isOn = isOn;
  }

  /** Asked once for each write that is worth it. */
  mayLoad(): boolean {
    if (this.#pause === 0) return this.#isOn;
    this.#pause--;
    return false;
  }

  pause(): void {
    this.#pause = PAUSE_WRITES;
  }
}

/** What a column gets in any of the rows. */
export interface Kinds {
  isNull: boolean;
  isText: boolean;
  isWhole: boolean;
  /** A fraction, or what is no value at all. */
  isOther: boolean;
}

export function kindsOf(rows: readonly (readonly SqlValue[])[], columns: number): readonly Kinds[] {
  const kinds = Array.from({ length: columns }, (): Kinds => {
    return { isNull: false, isText: false, isWhole: false, isOther: false };
  });
  for (const row of rows) {
    for (const [index, kind] of kinds.entries()) {
      const value: unknown = row[index];
      if (typeof value === 'string') kind.isText = true;
      else if (value === null) kind.isNull = true;
      else if (Number.isSafeInteger(value)) kind.isWhole = true;
      else kind.isOther = true;
    }
  }
  return kinds;
}

/** A row of `columns-of-table.sql`. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly isNullable: number;
  readonly isFilled: number;
}

const WHOLE = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const TEXT = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'datetime', 'date']);

/** Whether a load into these columns of a table, as the server describes it, stores what an INSERT would. */
export function isSameByLoad(
  table: readonly Column[],
  columns: readonly string[],
  kinds: readonly Kinds[],
): boolean {
  const known = new Map(table.map((column) => [column.name.toLowerCase(), column]));
  const fits = columns.every((name, index) => {
    const column = known.get(name.toLowerCase());
    const kind = kinds[index];
    if (!column || !kind || kind.isOther) return false;
    known.delete(name.toLowerCase());
    return (
      (!kind.isNull || column.isNullable === 1) &&
      (!kind.isText || TEXT.has(column.type)) &&
      (!kind.isWhole || WHOLE.has(column.type))
    );
  });
  return fits && [...known.values()].every(({ isFilled }) => isFilled === 1);
}

const SPECIAL = /[\t\n\\\0]/;
const ALL_SPECIAL = /[\t\n\\\0]/g;
const ESCAPED: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\\': '\\\\', '\0': '\\0' };

/** Chunks of whole rows: a tab between values, a newline after each row, NULL as \N, a backslash before what is special. */
export function infileChunks(rows: readonly (readonly SqlValue[])[]): Buffer[] {
  const chunks: Buffer[] = [];
  let text = '';
  for (const row of rows) {
    let separator = '';
    for (const value of row) {
      text += separator + infileText(value);
      separator = '\t';
    }
    text += '\n';
    if (text.length > MAX_CHUNK_CHARACTERS) {
      chunks.push(Buffer.from(text));
      text = '';
    }
  }
  if (text !== '') chunks.push(Buffer.from(text));
  return chunks;
}

function infileText(value: SqlValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  return SPECIAL.test(value) ? value.replace(ALL_SPECIAL, (special) => ESCAPED[special] ?? special) : value;
}

/** Gives the chunks, once, to a server that asks for what the statement named, and nothing to any other question. */
export function infileStream(chunks: readonly Buffer[]): (name: string) => Readable {
  return (name) =>
    name === INFILE_NAME
      ? Readable.from(chunks)
      : Readable.from([]).destroy(new Error(`The database asked for a file, ${name}: it gets none.`));
}
