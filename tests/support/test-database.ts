/** A database of its own on one of the run's servers, whichever engine it is. */
import {
  connectDatabase,
  type DatabaseEngine,
  parseSettings,
  type SqlConnection,
} from '@afterwrite/write-behind';
import { inject } from 'vitest';
import type { ServerPlace } from './engines-setup.ts';

export interface TestDatabase {
  readonly name: string;
  /** As an administrator, in this database. */
  readonly sql: SqlConnection;
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
  return {
    name,
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
      const last = await connectDatabase(settings, { useDatabase: false });
      await last.run(`DROP DATABASE IF EXISTS ${last.quote(name)}`);
      if (user !== undefined) await last.run(`DROP USER IF EXISTS ${last.quote(user)}`);
      await last.close();
    },
  };
}
