/** A database of its own on one of the run's servers, whichever engine it is. */
import {
  connectDatabase,
  type DatabaseEngine,
  parseSettings,
  type Row,
  type SqlConnection,
} from '@afterwrite/write-behind';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import { inject } from 'vitest';
import { asSql } from './as-sql.ts';
import type { ServerPlace } from './engines-setup.ts';

export interface TestDatabase {
  readonly name: string;
  /** As an administrator, in this database. */
  readonly sql: SqlConnection;
  /** The same connection by mysql2, which speaks to MySQL and MariaDB only. */
  readonly driver: Connection | undefined;
  /** Statements without values in one round trip: what a test does thousands of times. The rows of each. */
  batch(statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /** How commands and settings find it as that administrator. */
  readonly environment: Readonly<Record<string, string>>;
  /** After its server was restarted. */
  reconnect(): Promise<void>;
  /** With the user of this name, if there is one. */
  drop(user?: string): Promise<void>;
}

/** `place`: another server than the run's own. */
export async function makeTestDatabase(
  engine: DatabaseEngine,
  name: string,
  place: ServerPlace = inject(engine),
): Promise<TestDatabase> {
  const environment = {
    DB_ENGINE: engine,
    DB_HOST: place.host,
    DB_PORT: String(place.port),
    DB_USER: place.user,
    DB_PASSWORD: place.password,
    DB_NAME: name,
  };
  const settings = parseSettings(environment);
  const first = await connectDatabase(settings, { useDatabase: false });
  await first.enterDatabase(name);
  await first.close();
  const connect = () => CONNECT[engine](place, name);
  let hand = await connect();
  return {
    name,
    get sql() {
      return hand.sql;
    },
    get driver() {
      return hand.driver;
    },
    batch: (statements) => hand.batch(statements.join('; ')),
    environment,
    async reconnect() {
      hand.destroy();
      hand = await connect();
    },
    async drop(user) {
      hand.destroy();
      const last = await connectDatabase(settings, { useDatabase: false });
      await last.run(`DROP DATABASE IF EXISTS ${last.quote(name)}`);
      if (user !== undefined) await last.run(`DROP USER IF EXISTS ${last.quote(user)}`);
      await last.close();
    },
  };
}

interface Hand {
  readonly sql: SqlConnection;
  readonly driver: Connection | undefined;
  batch(text: string): Promise<readonly (readonly Row[])[]>;
  destroy(): void;
}

type Connect = (place: ServerPlace, database: string) => Promise<Hand>;

const connectMysql = async (
  engine: 'mysql' | 'mariadb',
  { host, port, user, password }: ServerPlace,
  database: string,
): Promise<Hand> => {
  const driver = await createConnection({
    ...{ host, port, user, password, database },
    ...{ timezone: 'Z', dateStrings: true, multipleStatements: true },
  });
  return {
    sql: asSql(driver, engine),
    driver,
    batch: async (text) => (await driver.query<RowDataPacket[][]>(text))[0],
    destroy: () => driver.destroy(),
  };
};

const connectPostgres: Connect = async ({ host, port, user, password }, database) => {
  const sql = await connectDatabase(
    parseSettings({
      ...{ DB_ENGINE: 'postgresql', DB_HOST: host, DB_PORT: String(port) },
      ...{ DB_USER: user, DB_PASSWORD: password, DB_NAME: database },
    }),
  );
  const client = new pg.Client({ host, port, user, password, database });
  client.on('error', () => undefined);
  await client.connect();
  return {
    sql,
    driver: undefined,
    // As it gives several results, which its types do not know.
    batch: async (text) =>
      ((await client.query(text)) as unknown as { rows: Row[] }[]).map(({ rows }) => rows),
    destroy() {
      sql.destroy();
      void client.end();
    },
  };
};

const CONNECT: Readonly<Record<DatabaseEngine, Connect>> = {
  mysql: (place, database) => connectMysql('mysql', place, database),
  mariadb: (place, database) => connectMysql('mariadb', place, database),
  postgresql: connectPostgres,
};
