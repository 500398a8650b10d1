/**
 * Connections to MySQL or MariaDB that are set up before their first use, bounded in number, and waited for within a limit. A
 * connection on which anything went wrong is never used again: error 1205 leaves a transaction open, and the next
 * BEGIN on that connection would commit it.
 */
import {
  type Pool,
  type PoolConnection,
  type PoolOptions,
  createPool,
  type QueryOptions,
  type QueryResult,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import { connectionFault, noConnection } from '../../connection-fault.ts';
import { type AfterwriteError, StoreUnavailableError } from '../../errors.ts';
import type { DatabaseSettings } from '../engine.ts';
import type { MysqlDialect } from './dialect.ts';
import { checkVersion } from './mysql-checks.ts';
import { isUnknownVariable, storeError } from './mysql-errors.ts';
import { infileStream } from './mysql-infile.ts';

/**
 * TLS options as the driver takes them: verified, 1.2 at the least. Without `verifyIdentity` it takes any host's
 * certificate of a trusted authority for the server's.
 */
export function mysqlSsl({ tls, tlsCa }: Pick<DatabaseSettings, 'tls' | 'tlsCa'>): PoolOptions {
  if (!tls) return {};
  return {
    ssl: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      verifyIdentity: true,
      ...(tlsCa === undefined ? {} : { ca: tlsCa }),
    },
  };
}

/** Callers that may wait for a connection at once; more are refused. */
const MAX_WAITING = 10_000;

export class MysqlPool {
  readonly #pool: Pool;
  readonly #settings: DatabaseSettings;
  readonly #dialect: MysqlDialect;
  /** Connections that are set up, with the time of their last use in ms since 1970. */
  readonly #usedAt = new WeakMap<object, number>();
  /** Calls of `use` under way. */
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(settings: DatabaseSettings, dialect: MysqlDialect) {
    this.#settings = settings;
    this.#dialect = dialect;
    this.#pool = createPool({
      host: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.user,
      password: settings.password,
      ...mysqlSsl(settings),
      connectionLimit: settings.poolSize,
      queueLimit: MAX_WAITING,
      connectTimeout: settings.connectTimeoutMs,
      charset: 'utf8mb4_unicode_ci',
      timezone: 'Z',
      dateStrings: true,
      multipleStatements: false,
    });
  }

  /** Gives one connection to `work`, and takes it back or destroys it. Errors come named (`storeError`). */
  async use<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    if (this.#closing)
      throw new StoreUnavailableError(`The connections to ${this.#dialect.title} were closed.`);
    const running = this.#use(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #use<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    const raw = await this.#acquireFresh();
    const connection = new MysqlConnection(raw, this.#settings.statementTimeoutMs, this.#dialect);
    try {
      if (!this.#usedAt.has(raw.connection)) await this.#setUp(connection);
      const result = await work(connection);
      this.#usedAt.set(raw.connection, Date.now());
      raw.release();
      return result;
    } catch (error) {
      raw.destroy();
      throw storeError(error, this.#dialect);
    }
  }

  async #setUp(connection: MysqlConnection): Promise<void> {
    try {
      for (const { text, values } of this.#dialect.session(this.#settings))
        await connection.run(text, values);
    } catch (error) {
      // Another engine's server, or one that is too old, does not know all the variables.
      if (isUnknownVariable(error)) {
        const [row] = await connection.rows<{ version: string }>('SELECT VERSION() AS version');
        if (row) checkVersion(row.version, this.#dialect);
      }
      throw error;
    }
  }

  /** May be repeated. A connection that the server closed before we did is no failure. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  /**
   * First what is under way, which ends by its time-outs: of a connection that is destroyed while the driver waits for
   * its end, the driver never hears again.
   */
  async #end(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#pool.end().catch(() => undefined);
  }

  /**
   * Not one that idled so long that the server may have closed it: after a freeze, nobody has told us yet. mysql2's own
   * idleTimeout does nothing while maxIdle is the pool's size, and no timer runs in a frozen process.
   */
  async #acquireFresh(): Promise<PoolConnection> {
    const limitMs = (this.#settings.idleTimeoutSeconds * 1000) / 2;
    for (;;) {
      const raw = await this.#acquire();
      const usedAt = this.#usedAt.get(raw.connection);
      if (usedAt === undefined || Date.now() - usedAt < limitMs) return raw;
      raw.destroy();
    }
  }

  async #acquire(): Promise<PoolConnection> {
    const { connectTimeoutMs, host, port } = this.#settings;
    const where = `${this.#dialect.title} at ${host}:${String(port)}`;
    const pending = this.#pool.getConnection();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // Whoever comes later is given back, not lost.
        pending.then(
          (connection) => {
            connection.release();
          },
          () => undefined,
        );
        reject(new StoreUnavailableError(noConnection(where, connectTimeoutMs)));
      }, connectTimeoutMs);
    });
    try {
      return await Promise.race([pending, late]);
    } catch (error) {
      throw connectError(where, connectTimeoutMs, error, this.#dialect);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a connection that could not be made says, in words a person can act on where it can be mended. */
export function connectError(
  where: string,
  timeoutMs: number,
  error: unknown,
  dialect: MysqlDialect,
): AfterwriteError {
  const { code, syscall } = error as { code?: string; syscall?: string };
  if (code === 'ETIMEDOUT' && syscall === 'connect')
    return new StoreUnavailableError(noConnection(where, timeoutMs), error);
  return storeError(connectionFault('DB', where, error) ?? error, dialect);
}

/** Runs statements on one connection and remembers their texts. */
export class MysqlConnection {
  readonly #raw: PoolConnection;
  readonly #timeoutMs: number;
  readonly #dialect: MysqlDialect;
  readonly statements: string[] = [];

  constructor(raw: PoolConnection, timeoutMs: number, dialect: MysqlDialect) {
    this.#raw = raw;
    this.#dialect = dialect;
    this.#timeoutMs = timeoutMs;
  }

  /** Rows of a SELECT. Errors come named (`storeError`), so that the flush can tell a refused value by its class. */
  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.#query<RowDataPacket[]>(text, values)) as T[];
  }

  /** Any other statement; the count of rows that it wrote. */
  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    return (await this.#query<ResultSetHeader>(text, values)).affectedRows;
  }

  /** A `LOAD DATA LOCAL INFILE`: how many rows it wrote, and how often it warned. */
  async load(
    text: string,
    values: readonly unknown[],
    chunks: readonly Buffer[],
  ): Promise<{ rows: number; warnings: number }> {
    const infileStreamFactory = infileStream(chunks);
    const result = await this.#query<ResultSetHeader>(text, values, { infileStreamFactory });
    return { rows: result.affectedRows, warnings: result.warningStatus };
  }

  async #query<T extends QueryResult>(
    text: string,
    values: readonly unknown[],
    options: Pick<QueryOptions, 'infileStreamFactory'> = {},
  ): Promise<T> {
    this.statements.push(text);
    const query = { sql: text, values: [...values], timeout: this.#timeoutMs, ...options };
    try {
      const [result] = await this.#raw.query<T>(query);
      return result;
    } catch (error) {
      throw storeError(error, this.#dialect);
    }
  }
}
