/**
 * A place of its own for a test: a database with the public schema and a few flights, a namespace in Valkey, and the
 * environment by which any process finds both, as a user with the least rights. Everything goes with `dispose`.
 */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { createFlightsUser, createFlughafenSchema, FlightCache, seedFlights } from '@afterwrite/flights';
import {
  type Logger,
  parseSettings,
  type Settings,
  type SqlConnection,
  type Surroundings,
} from '@afterwrite/write-behind';
import { Cluster, Redis } from 'iovalkey';
import type { Connection } from 'mysql2/promise';
import { inject } from 'vitest';
import { capture, markedSecret, noteSecret } from './capture.ts';
import type { ServerPlace } from './engines-setup.ts';
import { type CacheServer, cacheEnvironment, FIRST_PAIR, type Pair, queueServer } from './pair.ts';
import { makeTestDatabase } from './test-database.ts';

export interface World {
  readonly environment: Readonly<Record<string, string>>;
  /** Over it: a user who may do everything, as a migration's. */
  readonly privileged: Readonly<Record<string, string>>;
  readonly settings: Settings;
  /** Straight to the servers, past the engine, whose own user may do no more than it needs. */
  readonly sql: SqlConnection;
  /** The same by mysql2's own client; only on MySQL and MariaDB. */
  readonly db: Connection;
  readonly valkey: Redis | Cluster;
  /** `{namespace.flight.n}` */
  tag(partition: number): string;
  open(changes?: Record<string, string>, surroundings?: Surroundings): Promise<FlightCache>;
  /** After this world's own MySQL was restarted. */
  reconnect(): Promise<void>;
  rows<T>(sql: string, values?: unknown[]): Promise<T[]>;
  dispose(): Promise<void>;
}

export interface WorldOptions {
  readonly flights?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cluster?: boolean;
  /** Another Valkey than the run's own. */
  readonly valkey?: { readonly host: string; readonly port: number };
  /** Default: MySQL and Valkey. */
  readonly pair?: Pair;
  /** Another server of the database than the run's own. */
  readonly mysql?: ServerPlace;
}

/** Parked and stopped are expected in these tests: what they say is checked by result; the log is searched for secrets. */
const keep = (message: string, details?: Record<string, unknown>) => {
  capture(`${message} ${inspect(details, { depth: null, breakLength: Infinity })}`);
};
export const silentLogger: Logger = { debug: keep, info: keep, warn: keep, error: keep };

export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const { cluster = false, pair = FIRST_PAIR } = options;
  const valkeyPlace = options.valkey ?? inject(cluster ? 'valkeyCluster' : queueServer(pair.cache));
  const database = await makeTestDatabase(pair.database, name, options.mysql);
  await createFlughafenSchema(database.sql, { database: name });
  await seedFlights(database.sql, { flights: options.flights ?? 500 });
  const app = { user: name, password: markedSecret('db') };
  await createFlightsUser(database.sql, app);
  const environment = {
    ...database.environment,
    DB_USER: app.user,
    DB_PASSWORD: app.password,
    ...cacheEnvironment(pair.cache),
    ...(options.valkey !== undefined || cluster
      ? {
          CACHE_HOST: valkeyPlace.host,
          CACHE_PORT: String(valkeyPlace.port),
          CACHE_CLUSTER: String(cluster),
        }
      : {}),
    // Another Valkey knows no such user.
    ...(options.valkey === undefined && userOf(pair.cache)),
    CACHE_NAMESPACE: name,
    ...options.environment,
  };
  const settings = parseSettings(environment);
  const valkey = cluster ? new Cluster([valkeyPlace]) : new Redis(valkeyPlace.port, valkeyPlace.host);
  // Some tests end their server: what they send then fails by itself.
  valkey.on('error', () => undefined);
  const opened: FlightCache[] = [];
  return {
    environment,
    privileged: {
      DB_USER: database.environment.DB_USER ?? '',
      DB_PASSWORD: database.environment.DB_PASSWORD ?? '',
    },
    settings,
    get sql() {
      return database.sql;
    },
    get db() {
      if (!database.driver) throw new Error(`mysql2 cannot speak to ${pair.database}: use sql`);
      return database.driver;
    },
    async reconnect() {
      await database.reconnect();
    },
    valkey,
    tag: (partition) => `{${name}.flight.${String(partition)}}`,
    async open(changes = {}, surroundings = { logger: silentLogger }) {
      const cache = await FlightCache.open(parseSettings({ ...environment, ...changes }), surroundings);
      opened.push(cache);
      return cache;
    },
    async rows<T>(sql: string, values: unknown[] = []) {
      return (await database.sql.rows(sql, values)) as T[];
    },
    async dispose() {
      await Promise.all(opened.map((cache) => cache.close()));
      await noteReceiptKeys(database.sql).catch(() => undefined);
      // A test that restarts its own server may have ended it; the server's data goes with its folder.
      await database.drop(name).catch((error: unknown) => {
        if (options.mysql === undefined) throw error;
      });
      const nodes = valkey instanceof Cluster ? valkey.nodes('master') : [valkey];
      for (const node of nodes) {
        const keys = await node.keys(`{${name}.*`);
        for (const key of keys) await valkey.unlink(key);
      }
      valkey.disconnect();
    },
  };
}

/** What receipts are signed with. */
async function noteReceiptKeys(sql: SqlConnection): Promise<void> {
  const rows = await sql.rows<{ id: string }>('SELECT DISTINCT store_id AS id FROM afterwrite_watermarks');
  for (const { id } of rows) noteSecret(id);
}

/** Of the queue's server: memcached knows no users. */
function userOf(cache: CacheServer): Record<string, string> {
  const { name, password } = inject('cacheUser');
  const side = cache === 'memcached' ? 'QUEUE' : 'CACHE';
  return { [`${side}_USERNAME`]: name, [`${side}_PASSWORD`]: password };
}
