/** The one place that chooses the database: a further one is a further line. */
import type { DatabaseEngineDefinition } from './engine.ts';
import { mysql } from './mysql/mysql.ts';
import type { DatabaseEngine } from './sql-connection.ts';

export const databaseEngines: Readonly<Record<DatabaseEngine, DatabaseEngineDefinition>> = {
  mysql,
  // Until they are here.
  mariadb: mysql,
  postgresql: mysql,
};
