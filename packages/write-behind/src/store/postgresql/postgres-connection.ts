/** `SqlConnection` on PostgreSQL. */
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { StoreError } from '../../errors.ts';
import type { ConnectOptions, DatabaseSettings } from '../engine.ts';
import type { DatabaseAccount, SqlConnection } from '../sql-connection.ts';
import type { SqlValue } from '../sql-mapping.ts';
import { clientConfig, destroyClient, PostgresClient } from './postgres-client.ts';
import { migrateTables } from './postgres-migrate.ts';
import { connectError, setUpSession } from './postgres-pool.ts';
import { numbered } from './postgres-values.ts';

/** Every server has it. */
const EVERYWHERE = 'postgres';
/** Rows of one message of a stream. */
const STREAMED_ROWS = 2000;
/** Rows of one COPY: what of them is text is held in memory once more. */
const COPIED_ROWS = 5000;
/** The account that the files in `sql/` name. */
const NAMED = /\bafterwrite_app\b/g;
const LOCK_KEY = 'hashtextextended($1, 0)';
/** Somebody else was faster: the database is there. */
const MADE_ALREADY = new Set(['42P04', '23505']);
const LOCK_TIMEOUT = '55P03';
/** No limit. */
const UNLIMITED = { lockWaitSeconds: 0, statementTimeoutMs: 0, idleTimeoutSeconds: 0 };

export async function connectPostgres(
  settings: DatabaseSettings,
  { useDatabase = true }: ConnectOptions = {},
): Promise<SqlConnection> {
  const database = useDatabase ? settings.database : EVERYWHERE;
  return new PostgresSqlConnection(settings, await connectClient({ ...settings, database }));
}

async function connectClient(settings: DatabaseSettings): Promise<Client> {
  const raw = new Client(clientConfig(settings));
  // Whoever uses it learns of it from the statement.
  raw.on('error', () => undefined);
  try {
    await raw.connect();
    await setUpSession(new PostgresClient(raw, settings.connectTimeoutMs), UNLIMITED);
    return raw;
  } catch (error) {
    destroyClient(raw);
    throw connectError(settings, error);
  }
}

function stateOf(error: unknown): string {
  return (error as { cause?: { code?: string } }).cause?.code ?? '';
}

class PostgresSqlConnection implements SqlConnection {
  readonly engine = 'postgresql';
  readonly #settings: DatabaseSettings;
  #raw: Client;
  #client: PostgresClient;
  /** Names of cursors are those of the whole transaction. */
  #streams = 0;

  constructor(settings: DatabaseSettings, raw: Client) {
    this.#settings = settings;
    this.#raw = raw;
    this.#client = new PostgresClient(raw);
  }

  quote(name: string): string {
    return escapeIdentifier(name);
  }

  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return await this.#client.rows<T>(numbered(text), values);
  }

  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    return await this.#client.run(numbered(text), values);
  }

  async insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
  ): Promise<void> {
    for (let start = 0; start < rows.length; start += COPIED_ROWS) {
      this.#client.sendCopy(table, columns, rows.slice(start, start + COPIED_ROWS));
      await this.#client.settled();
    }
  }

  async *stream<T extends readonly unknown[]>(
    text: string,
    values: readonly unknown[] = [],
  ): AsyncGenerator<T> {
    // A cursor lives in a transaction; whose it is, ends it.
    const cursor = `streamed_${String(++this.#streams)}`;
    const isOwn = this.#raw.getTransactionStatus() === 'I';
    if (isOwn) await this.run('START TRANSACTION READ ONLY');
    try {
      await this.#client.run(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${numbered(text)}`, values);
      for (;;) {
        const rows = await this.#client.arrays<T>(`FETCH ${String(STREAMED_ROWS)} FROM ${cursor}`);
        yield* rows;
        if (rows.length < STREAMED_ROWS) break;
      }
    } finally {
      // After an error nothing else is taken, and a rollback ends the cursor, too.
      await this.#client.run(isOwn ? 'ROLLBACK' : `CLOSE ${cursor}`).catch(() => undefined);
    }
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    return await this.#between('START TRANSACTION', work);
  }

  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    return await this.#between('START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY', work);
  }

  async locked<T>(
    name: string,
    waitSeconds: number,
    work: () => Promise<T>,
  ): Promise<{ result: T } | undefined> {
    if (!(await this.#lock(name, waitSeconds))) return undefined;
    try {
      return { result: await work() };
    } finally {
      // It fails only on a lost connection, and then the server has released the lock.
      await this.#client.run(`SELECT pg_advisory_unlock(${LOCK_KEY})`, [name]).catch(() => undefined);
    }
  }

  async enterDatabase(name: string): Promise<void> {
    if (this.#raw.database === name) return;
    const known = await this.#client.rows('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (known.length === 0) {
      // From the one that nobody changes, because another encoding than a template's is refused.
      await this.#made(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`);
    }
    const raw = await connectClient({ ...this.#settings, database: name });
    destroyClient(this.#raw);
    this.#raw = raw;
    this.#client = new PostgresClient(raw);
  }

  async migrate(statements: readonly string[]): Promise<void> {
    await migrateTables(this.#client, statements);
  }

  async createAccount({ user }: DatabaseAccount, password: string): Promise<void> {
    const role = escapeIdentifier(user);
    await this.#alone(async () => {
      const known = await this.#client.rows('SELECT FROM pg_roles WHERE rolname = $1', [user]);
      const verb = known.length === 0 ? 'CREATE' : 'ALTER';
      await this.#client.run(`${verb} ROLE ${role} LOGIN PASSWORD ${escapeLiteral(password)}`);
    });
  }

  async grant({ user }: DatabaseAccount, statements: readonly string[]): Promise<void> {
    const role = escapeIdentifier(user);
    await this.#alone(async () => {
      const [place] = await this.#client.rows<{ schema: string | null }>('SELECT current_schema() AS schema');
      if (!place?.schema) throw new StoreError('PostgreSQL: no schema of the search_path is there');
      await this.#client.run(`GRANT USAGE ON SCHEMA ${escapeIdentifier(place.schema)} TO ${role}`);
      for (const text of statements) await this.#client.run(text.replaceAll(NAMED, () => role));
    });
  }

  async close(): Promise<void> {
    await this.#client.settled();
    await this.#raw.end();
  }

  destroy(): void {
    destroyClient(this.#raw);
  }

  async #lock(name: string, waitSeconds: number): Promise<boolean> {
    if (waitSeconds <= 0) {
      const text = `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS locked`;
      const [row] = await this.#client.rows<{ locked: boolean }>(text, [name]);
      return row?.locked === true;
    }
    const setTimeout = "SELECT set_config('lock_timeout', $1, false)";
    await this.#client.run(setTimeout, [`${String(Math.ceil(waitSeconds * 1000))}ms`]);
    try {
      await this.#client.run(`SELECT pg_advisory_lock(${LOCK_KEY})`, [name]);
      return true;
    } catch (error) {
      if (stateOf(error) !== LOCK_TIMEOUT) throw error;
      return false;
    } finally {
      // It fails only on a lost connection.
      await this.#client.run(setTimeout, ['0']).catch(() => undefined);
    }
  }

  /** Two that change the same role or the same rights in one moment: one would fail. */
  async #alone(work: () => Promise<void>): Promise<void> {
    await this.transaction(async () => {
      await this.#client.run(`SELECT pg_advisory_xact_lock(${LOCK_KEY})`, ['afterwrite account']);
      await work();
    });
  }

  async #made(text: string): Promise<void> {
    try {
      await this.#client.run(text);
    } catch (error) {
      if (!MADE_ALREADY.has(stateOf(error))) throw error;
    }
  }

  async #between<T>(begin: string, work: () => Promise<T>): Promise<T> {
    await this.#client.run(begin);
    try {
      const result = await work();
      await this.#client.commit();
      return result;
    } catch (error) {
      // When the connection is gone, the server rolls back by itself: the first error is the one to show.
      await this.#client.settled().catch(() => undefined);
      await this.#client.run('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}
