/** How an entity lies in MySQL: the few statements that the domain writes, and how their rows are read. */
import type { FieldValues } from '../../entity.ts';
import type { AuditPage, AuditQuery, Row, RowChange } from '../store.ts';
import type { InfileValue } from './mysql-infile.ts';

/** Runs one statement in the open transaction. `?` stands for a value, `(?)` with a list for `(a, b, …)`. */
export type RunStatement = (text: string, values: readonly unknown[]) => Promise<void>;

/** Runs a SELECT and gives its rows. */
export type SelectRows = (text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** Does what `INSERT INTO table (columns) VALUES rows` would, or is refused: see mysql-infile.ts. */
export type LoadRows = (
  table: string,
  columns: readonly string[],
  rows: readonly (readonly InfileValue[])[],
) => Promise<void>;

export interface MysqlMapping {
  /** Reads one row: takes the id, gives at most one row. */
  readonly loadSql: string;
  /**
   * Locks rows, `FOR UPDATE`: takes a list of ids, in the order of the primary key, and must lock in that order, and no other
   * row, however the optimizer reads the table; no plain read of other tables.
   */
  readonly lockSql: string;
  /** The id as the column holds it. */
  idValue(id: string): string | number;
  /** The id of a row of `lockSql`, in its canonical form. */
  rowId(row: Row): string;
  /** A row of `loadSql` as the cached value. */
  toValue(row: Row): FieldValues;
  /** A row of `lockSql` as changes leave it. Throws StoreDataError for a field that no column holds. */
  change(row: Row, changes: FieldValues): Row;
  /**
   * Writes one audit row for each change, in their order, and each changed row once, as its last change left it.
   * A handful of statements whatever the number; each stays below `maxRows` rows.
   *
   * `load`, where it is given, may be used for what would be an INSERT, with any number of rows: it costs the server a
   * third. Where it is refused anything, `write` is undone and called again without it, so it must write the same then.
   */
  write(run: RunStatement, changes: readonly RowChange[], maxRows: number, load?: LoadRows): Promise<void>;
  /** Reads the audit trail, newest first. Where it is left out there is none to read. */
  readAudit?(select: SelectRows, id: string, query: AuditQuery): Promise<AuditPage>;
  /** Finds entities by something other than their id; criteria are the mapping's business. Where it is left out: by id only. */
  find?(select: SelectRows, criteria: FieldValues): Promise<readonly FieldValues[]>;
}
