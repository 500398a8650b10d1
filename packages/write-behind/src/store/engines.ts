/** The one place that chooses the database: a further one is a further line. */
import type { DatabaseEngineDefinition } from './engine.ts';
import { mariadb } from './mariadb/mariadb.ts';
import { mysql } from './mysql/mysql.ts';
import { postgresql } from './postgresql/postgresql.ts';
import type { DatabaseEngine } from './sql-connection.ts';

export const databaseEngines: Readonly<Record<DatabaseEngine, DatabaseEngineDefinition>> = {
  mysql,
  mariadb,
  postgresql,
};
