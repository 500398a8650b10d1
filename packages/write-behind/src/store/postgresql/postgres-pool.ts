/**
 * Connections to PostgreSQL that are set up before their first use, bounded in number, and waited for within a limit. A
 * connection on which anything went wrong is never used again: whatever was open on it, the server rolls back.
 */
import { Pool, type PoolClient } from 'pg';
import { connectionFault, noConnection } from '../../connection-fault.ts';
import { type AfterwriteError, ConfigurationError, StoreUnavailableError } from '../../errors.ts';
import type { DatabaseSettings } from '../engine.ts';
import { clientConfig, destroyClient, PostgresClient } from './postgres-client.ts';
import { loginFault, storeError } from './postgres-errors.ts';
import { sql } from './sql.generated.ts';

/** Callers that may wait for a connection at once; more are refused. */
const MAX_WAITING = 10_000;
/** A setting that this server does not know. */
const UNKNOWN_SETTING = '42704';

/** Whether the server is a replica. */
export async function setUpSession(
  client: PostgresClient,
  limits: Pick<DatabaseSettings, 'lockWaitSeconds' | 'statementTimeoutMs' | 'idleTimeoutSeconds'>,
): Promise<{ isReplica: boolean }> {
  const { lockWaitSeconds, statementTimeoutMs, idleTimeoutSeconds } = limits;
  try {
    const ms = [lockWaitSeconds * 1000, statementTimeoutMs, idleTimeoutSeconds * 1000];
    const values = ms.map((limit) => `${String(limit)}ms`);
    const [row] = await client.rows<{ isReplica: boolean }>(sql.session, values);
    return { isReplica: row?.isReplica === true };
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    if (cause?.code !== UNKNOWN_SETTING) throw error;
    throw new ConfigurationError('PostgreSQL is too old: 14 or later is needed.', {}, error);
  }
}

/** What a connection that could not be made says, in words a person can act on where it can be mended. */
export function connectError(settings: DatabaseSettings, error: unknown): AfterwriteError {
  const { host, port, connectTimeoutMs } = settings;
  const where = `PostgreSQL at ${host}:${String(port)}`;
  if (error instanceof Error && error.message.includes('timeout')) {
    return new StoreUnavailableError(noConnection(where, connectTimeoutMs), error);
  }
  return connectionFault('DB', where, error) ?? loginFault(settings, error) ?? storeError(error);
}

export class PostgresPool {
  readonly #pool: Pool;
  readonly #settings: DatabaseSettings;
  readonly #clients = new Set<PoolClient>();
  /** Connections that are set up, with the time of their last use in ms since 1970. */
  readonly #usedAt = new WeakMap<PoolClient, number>();
  /** Calls of `use` under way. */
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(settings: DatabaseSettings) {
    this.#settings = settings;
    // Its own timer for idle connections does not run in a process that is frozen: see `#acquireFresh`.
    this.#pool = new Pool({ ...clientConfig(settings), max: settings.poolSize, idleTimeoutMillis: 0 });
    this.#pool.on('connect', (client) => {
      this.#clients.add(client);
      // Whoever uses it learns of it from the statement; one that idles is dropped by the pool.
      client.on('error', () => undefined);
    });
    this.#pool.on('remove', (client) => this.#clients.delete(client));
    this.#pool.on('error', () => undefined);
  }

  /** Gives one connection to `work`, and takes it back or destroys it. Errors come named (`storeError`). */
  async use<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    if (this.#closing) throw new StoreUnavailableError('The connections to PostgreSQL were closed.');
    const running = this.#use(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #use<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    const raw = await this.#acquireFresh();
    const client = new PostgresClient(raw, this.#settings.statementTimeoutMs);
    try {
      if (!this.#usedAt.has(raw)) await this.#setUp(client);
      const result = await work(client);
      await client.settled();
      this.#usedAt.set(raw, Date.now());
      raw.release();
      return result;
    } catch (error) {
      discard(raw);
      throw storeError(error);
    }
  }

  /** What a replica shows may be older than what was cached since, and must not be cached in its place (invariant 6). */
  async #setUp(client: PostgresClient): Promise<void> {
    const { isReplica } = await setUpSession(client, this.#settings);
    if (!isReplica) return;
    const { host, port } = this.#settings;
    throw new StoreUnavailableError(
      `PostgreSQL at ${host}:${String(port)} is a replica: what it has may be old. DB_HOST must lead to the primary; ` +
        'after a failover it does so in a moment.',
    );
  }

  /** May be repeated. A connection that the server closed before we did is no failure. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  /** First what is under way, which ends by its time-outs. A server that does not answer a farewell is not waited for. */
  async #end(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#pool.end();
    for (const client of this.#clients) destroyClient(client);
  }

  /** Not one that idled so long that the server may have closed it: after a freeze, nobody has told us yet. */
  async #acquireFresh(): Promise<PoolClient> {
    const limitMs = (this.#settings.idleTimeoutSeconds * 1000) / 2;
    for (;;) {
      const raw = await this.#acquire();
      const usedAt = this.#usedAt.get(raw);
      if (usedAt === undefined || Date.now() - usedAt < limitMs) return raw;
      discard(raw);
    }
  }

  async #acquire(): Promise<PoolClient> {
    if (this.#pool.waitingCount >= MAX_WAITING) {
      throw new StoreUnavailableError(`${String(MAX_WAITING)} callers wait for a connection to PostgreSQL.`);
    }
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw connectError(this.#settings, error);
    }
  }
}

function discard(client: PoolClient): void {
  destroyClient(client);
  client.release(true);
}
