/** One open transaction on PostgreSQL: each method a round trip at the most. `sql/` holds the texts. */
import { createHash } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import { AfterwriteError, PartitionsChangedError, StoreDataError, StoreError } from '../../errors.ts';
import type { Position } from '../../position.ts';
import type { Scope } from '../engine.ts';
import { type LetterRow, toDeadLetter } from '../rows.ts';
import type { SqlMapping, SqlWriter } from '../sql-mapping.ts';
import type { DeadLetter, NewDeadLetter, Row, RowChange, StoreTransaction, Watermark } from '../store.ts';
import type { PostgresClient } from './postgres-client.ts';
import { type Copying, MIN_COPIED_ROWS } from './postgres-copy.ts';
import { holdableText } from './postgres-values.ts';
import { sql } from './sql.generated.ts';

/** Rows of one statement of the mapping: keeps it near 1 MB. */
const MAX_STATEMENT_ROWS = 5000;
/** The column's width. */
const MAX_ERROR_LENGTH = 1000;

/** What the column for an entity's id holds; the id of an item that is not ours may be anything, and is in its bytes. */
const ID_COLUMN = /^[\x20-\x7e]{1,128}$/;

/** Names of fields of an item that is not ours may be anything. */
function asJson(fields: readonly string[]): string {
  return JSON.stringify(fields.map((field) => field.toWellFormed()));
}

/** No row has a key that its column cannot hold; a number in a key is a whole one. */
export function canBeKey(value: string | number): boolean {
  return typeof value === 'number' ? Number.isSafeInteger(value) : holdableText(value) === value;
}

type Answer = ReturnType<PostgresClient['ask']>;

/** A row that a trigger or a rule left out is in no table, though nothing was refused. */
function checkCount(changed: number, rows: number): void {
  if (changed >= rows) return;
  const left = `${String(rows - changed)} of ${String(rows)} rows were left as they were`;
  throw new StoreDataError(`PostgreSQL: ${left}, by a trigger or a rule of the table`);
}

/** Ends a write whose COPY was not let, or stored what an INSERT might not have. */
class CopyRefused extends Error {}

export class PostgresTransaction implements StoreTransaction {
  readonly #client: PostgresClient;
  readonly #scope: Scope;
  readonly #mapping: SqlMapping;
  readonly #partitions: number;
  readonly #copying: Copying;
  /** Whether `write` can be undone and repeated without a COPY. */
  #mayCopy = false;
  #hasSavepoint = false;
  /** Constraints that wait for the end of a transaction were told not to. */
  #isChecked = false;

  constructor(
    client: PostgresClient,
    given: {
      readonly scope: Scope;
      readonly mapping: SqlMapping;
      readonly partitions: number;
      readonly copying: Copying;
    },
  ) {
    this.#client = client;
    this.#scope = given.scope;
    this.#mapping = given.mapping;
    this.#partitions = given.partitions;
    this.#copying = given.copying;
  }

  get statements(): readonly string[] {
    return this.#client.statements;
  }

  async lockWatermark(partition: number): Promise<Watermark> {
    const [row] = await this.#client.rows<{
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
    const values = [...this.#scope, partition, epochs];
    const rows = await this.#client.rows<{ epoch: string; finalSeq: number }>(sql.readRetired, values);
    return new Map(rows.map(({ epoch, finalSeq }) => [epoch, finalSeq]));
  }

  retire(partition: number, epochs: readonly Position[]): Promise<void> {
    const lists = [epochs.map(({ epoch }) => epoch), epochs.map(({ seq }) => seq)];
    return this.#send(sql.retireEpochs, [...this.#scope, partition, ...lists]);
  }

  moveWatermark(partition: number, { position, deadLetters }: Watermark): Promise<void> {
    const values = [position.epoch, position.seq, deadLetters, ...this.#scope, partition];
    return this.#send(sql.moveWatermark, values);
  }

  async lockRows(ids: readonly string[]): Promise<Map<string, Row>> {
    const values = ids.map((id) => this.#mapping.idValue(id)).filter(canBeKey);
    if (values.length === 0) return new Map();
    const rows = await this.#client.rows<Row>(this.#mapping.lockSql, [values]);
    return new Map(rows.map((row) => [this.#mapping.rowId(row), row]));
  }

  savepoint(): Promise<void> {
    // One of the same name would not take the place of the older one, but lie within it.
    if (this.#hasSavepoint) this.#client.send('RELEASE SAVEPOINT attempt');
    this.#client.send('SAVEPOINT attempt');
    this.#hasSavepoint = true;
    this.#mayCopy = true;
    return Promise.resolve();
  }

  async rollbackToSavepoint(): Promise<void> {
    // What was sent after the statement that failed has failed for no other reason.
    await this.#client.settled().catch(() => undefined);
    await this.#client.run('ROLLBACK TO SAVEPOINT attempt');
  }

  async write(changes: readonly RowChange[]): Promise<void> {
    const copied: Answer[] | undefined = this.#mayCopy && this.#copying.mayCopy() ? [] : undefined;
    this.#mayCopy = false;
    try {
      await this.#attempt(changes, copied);
      return;
    } catch (error) {
      const isOther =
        error instanceof AfterwriteError && (error.retryable || error instanceof StoreDataError);
      if (!copied?.length || isOther || !(error instanceof CopyRefused || error instanceof StoreError))
        throw error;
    }
    // What is wrong, if anything is, an INSERT says as an error.
    this.#copying.pause();
    await this.rollbackToSavepoint();
    await this.#attempt(changes);
  }

  /**
   * The mapping's statements are sent as they come; what becomes of them is known at the end. `copied`: rows may go by COPY,
   * and for each of these the question is added whether an INSERT would have stored the same.
   */
  async #attempt(changes: readonly RowChange[], copied?: Answer[]): Promise<void> {
    const changed: { readonly reply: Answer; readonly rows: number }[] = [];
    const writer: SqlWriter = {
      maxRows: MAX_STATEMENT_ROWS,
      run: (text, values, rows = 0) => {
        changed.push({ reply: this.#client.ask(text, values), rows });
        return Promise.resolve();
      },
      insert: (table, columns, rows) => {
        if (!copied || rows.length < MIN_COPIED_ROWS) this.#client.sendInserts(table, columns, rows);
        else {
          this.#client.sendCopy(table, columns, rows);
          // After it, because until it ends this transaction keeps others from altering the table.
          copied.push(this.#client.ask(sql.copiedAsInserted, [escapeIdentifier(table), columns]));
        }
        return Promise.resolve();
      },
    };
    if (this.#isChecked) this.#client.send('SET CONSTRAINTS ALL DEFERRED');
    await this.#mapping.write(writer, changes);
    // Otherwise a broken one would fail the commit, and all others of the batch with it.
    await this.#client.run('SET CONSTRAINTS ALL IMMEDIATE');
    this.#isChecked = true;
    for (const { reply, rows } of changed) checkCount((await reply).rowCount ?? 0, rows);
    for (const answer of copied ?? []) {
      const [row] = (await answer).rows as { isSame: boolean }[];
      if (row?.isSame !== true) throw new CopyRefused();
    }
  }

  async park(partition: number, letters: readonly NewDeadLetter[]): Promise<number> {
    const columns = [
      letters.map(({ position }) => position?.epoch ?? ''),
      letters.map(({ position }) => position?.seq ?? 0),
      letters.map(({ position, reason, item }) =>
        position && reason !== 'UNREADABLE' ? '' : createHash('sha256').update(item).digest('hex'),
      ),
      letters.map(({ entityId = '' }) => (ID_COLUMN.test(entityId) ? entityId : null)),
      letters.map(({ item }) => item),
      letters.map(({ fields }) => asJson(fields)),
      letters.map(({ superseded }) => asJson(superseded)),
      letters.map(({ reason }) => reason),
      letters.map(({ error }) => holdableText(error.slice(0, MAX_ERROR_LENGTH))),
    ];
    const place = [...this.#scope, partition];
    this.#client.send(sql.parkLetters, [...place, ...columns]);
    const [count] = await this.#client.rows<{ letters: number }>(sql.countLetters, place);
    return count?.letters ?? 0;
  }

  async supersede(
    partition: number,
    fields: ReadonlyMap<string, ReadonlySet<string>>,
    before = Infinity,
  ): Promise<void> {
    const ids = [...fields.keys()].filter((id) => ID_COLUMN.test(id));
    if (ids.length === 0) return;
    const letters = await this.#client.rows<LetterRow>(sql.lettersOf, [...this.#scope, partition, ids]);
    for (const letter of letters) {
      if (letter.letterId >= before) continue;
      const set = fields.get(letter.entityId ?? '') ?? new Set();
      const known = new Set(letter.superseded);
      const now = letter.fields.filter((field) => known.has(field) || set.has(field));
      if (now.length > known.size) this.#client.send(sql.supersedeLetter, [asJson(now), letter.letterId]);
    }
  }

  async lockLetter(letterId: number): Promise<DeadLetter | undefined> {
    const [row] = await this.#client.rows<LetterRow>(sql.lockLetter, [...this.#scope, letterId]);
    return row && toDeadLetter(row);
  }

  markRedriven(letterId: number): Promise<void> {
    return this.#send(sql.markRedriven, [letterId]);
  }

  deleteLetter(letterId: number): Promise<void> {
    return this.#send(sql.deleteLetter, [letterId]);
  }

  /** Its error, if there is one, is that of the next method that waits, or of the commit. */
  #send(text: string, values: readonly unknown[]): Promise<void> {
    this.#client.send(text, values);
    return Promise.resolve();
  }
}
