/** How an entity lies in an SQL database: the few statements that the domain writes, and how their rows are read. */
import type { FieldValues } from '../entity.ts';
import type { AuditPage, AuditQuery, Row, RowChange } from './store.ts';

/** What a column can hold on its way: times as text. */
export type SqlValue = string | number | null;

/** Runs a SELECT and gives its rows. Texts and values are as the engine's driver takes them: see `SqlMapping`. */
export type SelectRows = (text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** Writes in the open transaction. */
export interface SqlWriter {
  /**
   * One statement of the mapping's own. `rows`: how many rows it changes, for a database that may leave some out without an
   * error, as triggers and rules of PostgreSQL do: StoreDataError then.
   */
  run(text: string, values: readonly unknown[], rows?: number): Promise<void>;
  /**
   * Adds rows, in their order and any number of them, by the fastest way that the database has and that stores what an
   * INSERT would. StoreDataError if one of them is refused.
   */
  insert(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): Promise<void>;
  /** Most rows that one `run` should carry. */
  readonly maxRows: number;
}

/**
 * One for each database engine. Values in texts are written as the engine's driver takes them: on MySQL and MariaDB `?`,
 * where `(?)` with a list becomes `(a, b, …)`; on PostgreSQL `$1`, where a list is an array.
 */
export interface SqlMapping {
  /** Reads one row: takes the id, gives at most one row. */
  readonly loadSql: string;
  /**
   * Locks rows, `FOR UPDATE`: takes a list of ids, in the order of the primary key, and must lock in that order, and no other
   * row, however the optimizer reads the table; no plain read of other tables.
   */
  readonly lockSql: string;
  /** The id as the column holds it; NaN where no row can have it. */
  idValue(id: string): string | number;
  /** The id of a row of `lockSql`, in its canonical form. */
  rowId(row: Row): string;
  /** A row of `loadSql` as the cached value. */
  toValue(row: Row): FieldValues;
  /** A row of `lockSql` as changes leave it. Throws StoreDataError for a field that no column holds. */
  change(row: Row, changes: FieldValues): Row;
  /**
   * Writes one audit row for each change, in their order, and each changed row once, as its last change left it.
   * A handful of statements whatever the number. It may be undone and called again for the same changes, and must write
   * the same then.
   */
  write(writer: SqlWriter, changes: readonly RowChange[]): Promise<void>;
  /** Reads the audit trail, newest first. Where it is left out there is none to read. */
  readAudit?(select: SelectRows, id: string, query: AuditQuery): Promise<AuditPage>;
  /** Finds entities by something other than their id; criteria are the mapping's business. Where it is left out: by id only. */
  find?(select: SelectRows, criteria: FieldValues): Promise<readonly FieldValues[]>;
}
