/** One open transaction on MySQL or MariaDB: each method one statement, or a few where said. `sql/` holds the texts. */
import { createHash } from 'node:crypto';
import { escapeId } from 'mysql2';
import { AfterwriteError, PartitionsChangedError, StoreDataError } from '../../errors.ts';
import { isReply } from './mysql-errors.ts';
import type { Position } from '../../position.ts';
import type { Scope } from '../engine.ts';
import { type LetterRow, toDeadLetter } from '../rows.ts';
import type { SqlMapping, SqlValue, SqlWriter } from '../sql-mapping.ts';
import type { DeadLetter, NewDeadLetter, Row, RowChange, StoreTransaction, Watermark } from '../store.ts';
import { type Column, infileChunks, isSameByLoad, kindsOf, type Loading } from './mysql-infile.ts';
import type { MysqlConnection } from './mysql-pool.ts';
import { sql } from './sql.generated.ts';

/** Rows of one INSERT or UPDATE: keeps a statement near 1 MB, far below max_allowed_packet. */
const MAX_STATEMENT_ROWS = 2000;
/** Rows of one locking SELECT; longer lists make the optimizer give up its range access. */
const MAX_LOCKED_IDS = 5000;
/** The column's width. */
const MAX_ERROR_LENGTH = 1000;

/** What the column for an entity's id holds; the id of an item that is not ours may be anything, and is in its bytes. */
const ID_COLUMN = /^[\x20-\x7e]{1,128}$/;

/** Names of fields of an item that is not ours may be anything; a JSON column refuses lone surrogates. */
function asJson(fields: readonly string[]): string {
  return JSON.stringify(fields.map((field) => field.toWellFormed()));
}

/** Below it the one more round trip of a load costs more than it saves. */
const MIN_LOADED_ROWS = 100;

function isRetryable(error: unknown): boolean {
  return error instanceof AfterwriteError && error.retryable;
}

/** Ends a mapping's `write` that has loaded what the server did not take as it was. */
class LoadRefused extends Error {}

export class MysqlTransaction implements StoreTransaction {
  readonly #connection: MysqlConnection;
  readonly #scope: Scope;
  readonly #mapping: SqlMapping;
  readonly #partitions: number;
  readonly #loading: Loading;
  /** Whether `write` can be undone and repeated without a load, and none was refused yet. */
  #mayLoad = false;
  #wasRefused = false;

  constructor(
    connection: MysqlConnection,
    given: {
      readonly scope: Scope;
      readonly mapping: SqlMapping;
      readonly partitions: number;
      readonly loading: Loading;
    },
  ) {
    this.#connection = connection;
    this.#scope = given.scope;
    this.#mapping = given.mapping;
    this.#partitions = given.partitions;
    this.#loading = given.loading;
  }

  get statements(): readonly string[] {
    return this.#connection.statements;
  }

  async lockWatermark(partition: number): Promise<Watermark> {
    const [row] = await this.#connection.rows<{
      epoch: string;
      seq: number;
      deadLetters: number;
      partitions: number;
    }>(sql.lockWatermark, [...this.#scope, partition]);
    if (!row)
      throw new Error(
        `afterwrite_watermarks has no row for partition ${String(partition)}: open the store first`,
      );
    if (row.partitions !== this.#partitions) {
      throw new PartitionsChangedError(row.partitions, this.#partitions);
    }
    return { position: { epoch: row.epoch, seq: row.seq }, deadLetters: row.deadLetters };
  }

  async readRetired(partition: number, epochs: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.#connection.rows<{ epoch: string; finalSeq: number }>(sql.readRetired, [
      ...this.#scope,
      partition,
      epochs,
    ]);
    return new Map(rows.map(({ epoch, finalSeq }) => [epoch, finalSeq]));
  }

  async retire(partition: number, epochs: readonly Position[]): Promise<void> {
    const rows = epochs.map(({ epoch, seq }) => [...this.#scope, partition, epoch, seq]);
    await this.#connection.run(sql.retireEpochs, [rows]);
  }

  async moveWatermark(partition: number, { position, deadLetters }: Watermark): Promise<void> {
    const values = [position.epoch, position.seq, deadLetters, ...this.#scope, partition];
    await this.#connection.run(sql.moveWatermark, values);
  }

  async lockRows(ids: readonly string[]): Promise<Map<string, Row>> {
    // An item that is not ours may have an id that is no number: as SQL, NaN would be the name of a column.
    // Sorted as a whole, so that two transactions lock in the same order also across statements.
    const values = ids
      .map((id) => this.#mapping.idValue(id))
      .filter((value) => typeof value === 'string' || Number.isFinite(value))
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const rows = new Map<string, Row>();
    for (let start = 0; start < values.length; start += MAX_LOCKED_IDS) {
      const chunk = values.slice(start, start + MAX_LOCKED_IDS);
      for (const row of await this.#connection.rows<Row>(this.#mapping.lockSql, [chunk])) {
        rows.set(this.#mapping.rowId(row), row);
      }
    }
    return rows;
  }

  async savepoint(): Promise<void> {
    await this.#connection.run('SAVEPOINT attempt');
    this.#mayLoad = !this.#wasRefused;
  }

  async rollbackToSavepoint(): Promise<void> {
    await this.#connection.run('ROLLBACK TO SAVEPOINT attempt');
  }

  async write(changes: readonly RowChange[]): Promise<void> {
    const loads = this.#mayLoad && changes.length >= MIN_LOADED_ROWS && this.#loading.mayLoad();
    this.#mayLoad = false;
    const writer: SqlWriter = {
      maxRows: MAX_STATEMENT_ROWS,
      run: async (text, values) => {
        await this.#connection.run(text, values);
      },
      insert: (table, columns, rows) => this.#insert(table, columns, rows),
    };
    try {
      await this.#mapping.write(
        loads ? { ...writer, insert: (table, columns, rows) => this.#load(table, columns, rows) } : writer,
        changes,
      );
      return;
    } catch (error) {
      if (!(error instanceof LoadRefused)) throw error;
    }
    // What is wrong, if anything is, the plain statements say as an error.
    this.#wasRefused = true;
    await this.rollbackToSavepoint();
    await this.#mapping.write(writer, changes);
  }

  async #insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
  ): Promise<void> {
    const text = `INSERT INTO ${escapeId(table, true)} (${columns.map((name) => escapeId(name, true)).join(', ')}) VALUES ?`;
    for (let start = 0; start < rows.length; start += MAX_STATEMENT_ROWS) {
      await this.#connection.run(text, [rows.slice(start, start + MAX_STATEMENT_ROWS)]);
    }
  }

  /** Throws LoadRefused unless it is known that an INSERT would have stored the same. */
  async #load(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
  ): Promise<void> {
    const kinds = kindsOf(rows, columns.length);
    if (kinds.some(({ isOther }) => isOther)) throw new LoadRefused();
    let loaded;
    try {
      loaded = await this.#connection.load(sql.loadRows, [table, columns], infileChunks(rows));
    } catch (error) {
      // What stands in between may know it not and cut the connection: the next attempts do without.
      if (isRetryable(error) && !isReply(error)) this.#loading.pause();
      if (isRetryable(error)) throw error;
      // Switched off since, or a fault of the table's: until a check says otherwise.
      if (!(error instanceof StoreDataError)) this.#loading.set(false);
      throw new LoadRefused();
    }
    if (loaded.warnings > 0 || loaded.rows !== rows.length) throw new LoadRefused();
    // Afterwards, because until it ends this transaction keeps others from altering the table.
    const described = await this.#connection.rows<Column>(sql.columnsOfTable, [table]);
    if (isSameByLoad(described, columns, kinds)) return;
    this.#loading.pause();
    throw new LoadRefused();
  }

  async park(partition: number, letters: readonly NewDeadLetter[]): Promise<number> {
    const rows = letters.map((letter) => [
      ...this.#scope,
      partition,
      letter.position?.epoch ?? '',
      letter.position?.seq ?? 0,
      letter.position && letter.reason !== 'UNREADABLE'
        ? ''
        : createHash('sha256').update(letter.item).digest('hex'),
      ID_COLUMN.test(letter.entityId ?? '') ? letter.entityId : null,
      letter.item,
      asJson(letter.fields),
      asJson(letter.superseded),
      letter.reason,
      letter.error.slice(0, MAX_ERROR_LENGTH),
    ]);
    await this.#connection.run(sql.parkLetters, [rows]);
    const [count] = await this.#connection.rows<{ letters: number }>(sql.countLetters, [
      ...this.#scope,
      partition,
    ]);
    return count?.letters ?? 0;
  }

  async supersede(
    partition: number,
    fields: ReadonlyMap<string, ReadonlySet<string>>,
    before = Infinity,
  ): Promise<void> {
    if (fields.size === 0) return;
    const values = [...this.#scope, partition, [...fields.keys()]];
    const letters = await this.#connection.rows<LetterRow>(sql.lettersOf, values);
    for (const letter of letters) {
      if (letter.letterId >= before) continue;
      const set = fields.get(letter.entityId ?? '') ?? new Set();
      const known = new Set(letter.superseded);
      const now = letter.fields.filter((field) => known.has(field) || set.has(field));
      if (now.length > known.size) {
        await this.#connection.run(sql.supersedeLetter, [asJson(now), letter.letterId]);
      }
    }
  }

  async lockLetter(letterId: number): Promise<DeadLetter | undefined> {
    const [row] = await this.#connection.rows<LetterRow>(sql.lockLetter, [...this.#scope, letterId]);
    return row && toDeadLetter(row);
  }

  async markRedriven(letterId: number): Promise<void> {
    await this.#connection.run(sql.markRedriven, [letterId]);
  }

  async deleteLetter(letterId: number): Promise<void> {
    await this.#connection.run(sql.deleteLetter, [letterId]);
  }
}
