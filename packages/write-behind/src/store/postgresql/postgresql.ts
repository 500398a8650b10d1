/** PostgreSQL 14 and later. */
import type { DatabaseEngineDefinition } from '../engine.ts';
import { connectPostgres } from './postgres-connection.ts';
import { whatIsMissing } from './postgres-errors.ts';
import { PostgresPartitions } from './postgres-partitions.ts';
import { PostgresStore } from './postgres-store.ts';
import { sql } from './sql.generated.ts';

export const postgresql: DatabaseEngineDefinition = {
  title: 'PostgreSQL',
  createStore: (options) => new PostgresStore(options),
  createPartitions: (connection, scope) => new PostgresPartitions(connection, scope),
  connect: connectPostgres,
  missing: whatIsMissing,
  tables: sql.afterwrite,
  grants: sql.grants,
};
