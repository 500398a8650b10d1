/**
 * A place of its own for a test: a database with the public schema and a few flights, a namespace in Valkey, and the
 * environment by which any process finds both, as a user with the least rights. Everything goes with `dispose`.
 */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { createFlightsUser, createFlughafenSchema, FlightCache, seedFlights } from '@afterwrite/flights';
import { type Logger, parseSettings, type Settings, type Surroundings } from '@afterwrite/write-behind';
import { Cluster, Redis } from 'iovalkey';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { inject } from 'vitest';
import { capture, markedSecret, noteSecret } from './capture.ts';

export interface World {
  readonly environment: Readonly<Record<string, string>>;
  /** Over it: a user who may do everything, as a migration's. */
  readonly privileged: Readonly<Record<string, string>>;
  readonly settings: Settings;
  /** Straight to the servers, past the engine, whose own user may do no more than it needs. */
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
  /** Another MySQL than the run's own. */
  readonly mysql?: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  };
}

/** Parked and stopped are expected in these tests: what they say is checked by result; the log is searched for secrets. */
const keep = (message: string, details?: Record<string, unknown>) => {
  capture(`${message} ${inspect(details, { depth: null, breakLength: Infinity })}`);
};
export const silentLogger: Logger = { debug: keep, info: keep, warn: keep, error: keep };

export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const mysql = options.mysql ?? inject('mysql');
  const { cluster = false } = options;
  const valkeyPlace = options.valkey ?? inject(cluster ? 'valkeyCluster' : 'valkey');
  const connect = () =>
    createConnection({ ...mysql, timezone: 'Z', dateStrings: true, multipleStatements: true });
  let db = await connect();
  await createFlughafenSchema(db, { database: name });
  await seedFlights(db, { flights: options.flights ?? 500 });
  const cacheUser = inject('cacheUser');
  const app = { user: name, host: '%', password: markedSecret('db') };
  await createFlightsUser(db, app);
  const environment = {
    DB_HOST: mysql.host,
    DB_PORT: String(mysql.port),
    DB_USER: app.user,
    DB_PASSWORD: app.password,
    DB_NAME: name,
    CACHE_HOST: valkeyPlace.host,
    CACHE_PORT: String(valkeyPlace.port),
    CACHE_CLUSTER: String(cluster),
    // Another Valkey knows no such user.
    ...(options.valkey === undefined && {
      CACHE_USERNAME: cacheUser.name,
      CACHE_PASSWORD: cacheUser.password,
    }),
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
    privileged: { DB_USER: mysql.user, DB_PASSWORD: mysql.password },
    settings,
    get db() {
      return db;
    },
    async reconnect() {
      db.destroy();
      db = await connect();
      await db.query(`USE \`${name}\``);
    },
    valkey,
    tag: (partition) => `{${name}.flight.${String(partition)}}`,
    async open(changes = {}, surroundings = { logger: silentLogger }) {
      const cache = await FlightCache.open(parseSettings({ ...environment, ...changes }), surroundings);
      opened.push(cache);
      return cache;
    },
    async rows<T>(sql: string, values: unknown[] = []) {
      const [rows] = await db.query<RowDataPacket[]>(sql, values);
      return rows as T[];
    },
    async dispose() {
      await Promise.all(opened.map((cache) => cache.close()));
      await noteReceiptKeys(db).catch(() => undefined);
      // A test that restarts its own MySQL has cut this connection; the server's data goes with its folder.
      const leave = `DROP DATABASE IF EXISTS \`${name}\`; DROP USER IF EXISTS '${name}'`;
      await db.query(leave).catch((error: unknown) => {
        if (options.mysql === undefined) throw error;
      });
      db.destroy();
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
async function noteReceiptKeys(db: Connection): Promise<void> {
  const [rows] = await db.query<RowDataPacket[]>('SELECT DISTINCT store_id AS id FROM afterwrite_watermarks');
  for (const { id } of rows) noteSecret(String(id));
}
