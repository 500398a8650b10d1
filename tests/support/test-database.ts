/** A database of its own on one of the run's servers, whichever engine it is. */
import {
  connectDatabase,
  type DatabaseEngine,
  parseSettings,
  type Row,
  type SqlConnection,
} from '@afterwrite/write-behind';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import { inject } from 'vitest';
import type { ServerPlace } from './engines-setup.ts';

export interface TestDatabase {
  readonly name: string;
  /** As an administrator, in this database. */
  readonly sql: SqlConnection;
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
  let sql = await connectDatabase(settings, { useDatabase: false });
  await sql.enterDatabase(name);
  let batches: Promise<Batches> | undefined;
  return {
    name,
    async batch(statements) {
      batches ??= BATCHES[engine](place, name);
      return await (await batches).run(statements.join('; '));
    },
    get sql() {
      return sql;
    },
    environment,
    async reconnect() {
      sql.destroy();
      sql = await connectDatabase(settings);
    },
    async drop(user) {
      sql.destroy();
      await (await batches)?.end();
      const last = await connectDatabase(settings, { useDatabase: false });
      await last.run(`DROP DATABASE IF EXISTS ${last.quote(name)}`);
      if (user !== undefined) await last.run(`DROP USER IF EXISTS ${last.quote(user)}`);
      await last.close();
    },
  };
}

interface Batches {
  run(text: string): Promise<readonly (readonly Row[])[]>;
  end(): Promise<void>;
}

async function mysqlBatches(place: ServerPlace, database: string): Promise<Batches> {
  const connection = await createConnection({ ...place, database, timezone: 'Z', multipleStatements: true });
  return {
    run: async (text) => (await connection.query<RowDataPacket[][]>(text))[0],
    end: () => connection.end(),
  };
}

async function postgresBatches(place: ServerPlace, database: string): Promise<Batches> {
  const client = new pg.Client({ ...place, database });
  await client.connect();
  return {
    // As it gives several results, which its types do not know.
    run: async (text) => ((await client.query(text)) as unknown as { rows: Row[] }[]).map(({ rows }) => rows),
    end: () => client.end(),
  };
}

const BATCHES: Readonly<Record<DatabaseEngine, typeof mysqlBatches>> = {
  mysql: mysqlBatches,
  mariadb: mysqlBatches,
  postgresql: postgresBatches,
};
