/** `SqlConnection` on MySQL and MariaDB. */
import { type Connection, createConnection, escape } from 'mysql2';
import type { ConnectOptions, DatabaseSettings } from '../engine.ts';
import type { DatabaseAccount, DatabaseEngine, SqlConnection } from '../sql-connection.ts';
import type { SqlValue } from '../sql-mapping.ts';
import type { MysqlDialect } from './dialect.ts';
import { storeError } from './mysql-errors.ts';
import { connectError, mysqlSsl } from './mysql-pool.ts';

const SESSION =
  "SET time_zone = '+00:00', sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES')";
/** Rows of one INSERT. */
const INSERT_ROWS = 2000;
/** The account that the files in `sql/` name. */
const NAMED = "'afterwrite_app'@'%'";
/** Names of locks hold for the whole server and have 64 characters at the most: hence a digest of the database's name. */
const LOCK_NAME = "CONCAT(?, '.', LEFT(SHA2(CONCAT(DATABASE(), ?), 256), 40))";

export async function connectMysql(
  dialect: MysqlDialect,
  settings: DatabaseSettings,
  { useDatabase = true }: ConnectOptions = {},
): Promise<SqlConnection> {
  const raw = createConnection({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    ...(useDatabase ? { database: settings.database } : {}),
    ...mysqlSsl(settings),
    connectTimeout: settings.connectTimeoutMs,
    charset: 'utf8mb4_unicode_ci',
    timezone: 'Z',
    dateStrings: true,
  });
  // One that is lost while nothing is asked of it would end the process; the next statement says so.
  raw.on('error', () => undefined);
  try {
    await raw.promise().query(SESSION);
  } catch (error) {
    raw.destroy();
    const where = `${dialect.title} at ${settings.host}:${String(settings.port)}`;
    throw connectError(where, settings.connectTimeoutMs, error, dialect);
  }
  return new MysqlSqlConnection(dialect, raw);
}

/** A connection that somebody else has opened, and closes. */
export function mysqlSqlConnection(dialect: MysqlDialect, raw: Connection): SqlConnection {
  return new MysqlSqlConnection(dialect, raw);
}

class MysqlSqlConnection implements SqlConnection {
  readonly engine: DatabaseEngine;
  readonly #dialect: MysqlDialect;
  readonly #raw: Connection;

  constructor(dialect: MysqlDialect, raw: Connection) {
    this.engine = dialect.engine;
    this.#dialect = dialect;
    this.#raw = raw;
  }

  quote(name: string): string {
    return quoteName(name);
  }

  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.#query(text, values)) as T[];
  }

  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    return ((await this.#query(text, values)) as { affectedRows?: number }).affectedRows ?? 0;
  }

  async insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
  ): Promise<void> {
    const text = `INSERT INTO ${quoteName(table)} (${columns.map(quoteName).join(', ')}) VALUES ?`;
    for (let start = 0; start < rows.length; start += INSERT_ROWS) {
      await this.run(text, [rows.slice(start, start + INSERT_ROWS)]);
    }
  }

  async *stream<T extends readonly unknown[]>(
    text: string,
    values: readonly unknown[] = [],
  ): AsyncGenerator<T> {
    const query = this.#raw.query({ sql: text, values: [...values], rowsAsArray: true });
    try {
      for await (const row of query.stream()) yield row as T;
    } catch (error) {
      throw storeError(error, this.#dialect);
    }
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    return await this.#between('START TRANSACTION', work);
  }

  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    await this.run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    return await this.#between('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY', work);
  }

  async locked<T>(
    name: string,
    waitSeconds: number,
    work: () => Promise<T>,
  ): Promise<{ result: T } | undefined> {
    const [row] = await this.rows<{ locked: number | null }>(`SELECT GET_LOCK(${LOCK_NAME}, ?) AS locked`, [
      name,
      name,
      waitSeconds,
    ]);
    if (row?.locked !== 1) return undefined;
    try {
      return { result: await work() };
    } finally {
      // It fails only on a lost connection, and then the server has released the lock.
      await this.run(`DO RELEASE_LOCK(${LOCK_NAME})`, [name, name]).catch(() => undefined);
    }
  }

  async enterDatabase(name: string): Promise<void> {
    const quoted = quoteName(name);
    await this.run(
      `CREATE DATABASE IF NOT EXISTS ${quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
    );
    await this.run(`USE ${quoted}`);
  }

  async migrate(statements: readonly string[]): Promise<void> {
    // Two at once do each other no harm: CREATE TABLE IF NOT EXISTS waits.
    for (const statement of statements) await this.run(statement);
  }

  async createAccount({ user, host = '%' }: DatabaseAccount, password: string): Promise<void> {
    await this.run('CREATE USER IF NOT EXISTS ?@? IDENTIFIED BY ?', [user, host, password]);
    await this.run('ALTER USER ?@? IDENTIFIED BY ?', [user, host, password]);
  }

  async grant({ user, host = '%' }: DatabaseAccount, statements: readonly string[]): Promise<void> {
    for (const text of statements) {
      await this.run(text.replaceAll(NAMED, () => `${escape(user)}@${escape(host)}`));
    }
  }

  async close(): Promise<void> {
    await this.#raw.promise().end();
  }

  destroy(): void {
    this.#raw.destroy();
  }

  async #between<T>(begin: string, work: () => Promise<T>): Promise<T> {
    await this.run(begin);
    try {
      const result = await work();
      await this.run('COMMIT');
      return result;
    } catch (error) {
      // When the connection is gone, the server rolls back by itself: the first error is the one to show.
      await this.run('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async #query(text: string, values: readonly unknown[]): Promise<unknown> {
    try {
      const [result] = await this.#raw.promise().query({ sql: text, values: [...values] });
      return result;
    } catch (error) {
      throw storeError(error, this.#dialect);
    }
  }
}

/** mysql2's own `escapeId` would take a name with a dot in it for two names. */
function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
