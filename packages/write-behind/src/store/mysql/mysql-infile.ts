/**
 * Rows as the text that `LOAD DATA LOCAL INFILE` reads, sent from memory: no file is ever opened, whatever name the server
 * asks for. The statement must name the format, because some of it depends on the session:
 *
 *   LOAD DATA LOCAL INFILE 'rows' INTO TABLE … CHARACTER SET utf8mb4
 *   FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\' LINES STARTING BY '' TERMINATED BY '\n' (column, …)
 *
 * With LOCAL a value that does not fit is changed, and a row that may not be is left out, with no more than a warning: who
 * loads must look at both counts (`MysqlTransaction`).
 */
import { Readable } from 'node:stream';

export type InfileValue = string | number | null;

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

  set(isOn: boolean): void {
    this.#isOn = isOn;
    this.#pause = 0;
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

const SPECIAL = /[\t\n\\\0]/;
const ALL_SPECIAL = /[\t\n\\\0]/g;
const ESCAPED: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\\': '\\\\', '\0': '\\0' };

/** Chunks of whole rows: a tab between values, a newline after each row, NULL as \N, a backslash before what is special. */
export function infileChunks(rows: readonly (readonly InfileValue[])[]): Buffer[] {
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

function infileText(value: InfileValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') {
    return SPECIAL.test(value) ? value.replace(ALL_SPECIAL, (special) => ESCAPED[special] ?? special) : value;
  }
  // As a text it would be stored as that text.
  if (!Number.isFinite(value)) throw new TypeError(`${String(value)} cannot be loaded as a column's value.`);
  return String(value);
}

/** Gives the chunks, once, to a server that asks for what the statement named, and nothing to any other question. */
export function infileStream(chunks: readonly Buffer[]): (name: string) => Readable {
  return (name) =>
    name === INFILE_NAME
      ? Readable.from(chunks)
      : Readable.from([]).destroy(new Error(`MySQL asked for a file, ${name}: it gets none.`));
}
