/**
 * One connection past the engine, for what is done to a database before the engine opens it, or beside it: schema, seed,
 * accounts, reports. In UTC, and of a strict session. Errors are named as the engine's (`StoreError` and its kin).
 *
 * In texts `?` stands for a value on every engine; names that are words of SQL go through `quote`.
 */
import type { Variables } from '../config/variables.ts';
import type { SqlValue } from './sql-mapping.ts';

export type DatabaseEngine = Variables['DB_ENGINE'];

/** A user of the database. */
export interface DatabaseAccount {
  readonly user: string;
  /** From where, as MySQL and MariaDB match it; default `%`, from anywhere. PostgreSQL knows no such thing. */
  readonly host?: string;
}

export interface SqlConnection {
  /** To look up texts by. */
  readonly engine: DatabaseEngine;
  quote(name: string): string;
  rows<T extends object>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** How many rows it wrote. */
  run(text: string, values?: readonly unknown[]): Promise<number>;
  /** Adds rows, a few thousand in a statement. */
  insert(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): Promise<void>;
  /** Rows as they come, each as an array in the statement's order of columns. */
  stream<T extends readonly unknown[]>(text: string, values?: readonly unknown[]): AsyncIterable<T>;
  /** Begins, works, commits; rolls back and rethrows. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** The same, reading only: all that is read is of one moment. */
  snapshot<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Works while no other connection works under this name in this database; the lock ends with the connection, however that
   * ends. undefined if it was not to be had within `waitSeconds`.
   */
  locked<T>(
    name: string,
    waitSeconds: number,
    work: () => Promise<T>,
  ): Promise<{ readonly result: T } | undefined>;
  /** Makes the database where it is missing, and goes into it. */
  enterDatabase(name: string): Promise<void>;
  /** Runs statements that make what is missing, one process at a time. */
  migrate(statements: readonly string[]): Promise<void>;
  /** Makes the user where it is missing, and sets its password. What it may do is granted by `grant`. */
  createAccount(account: DatabaseAccount, password: string): Promise<void>;
  /** Runs GRANT statements that name `afterwrite_app` (see `sql/grants.schema.sql`) for this account instead. */
  grant(account: DatabaseAccount, statements: readonly string[]): Promise<void>;
  close(): Promise<void>;
  /** At once, whatever is under way. */
  destroy(): void;
}
