/** MySQL 8.0 and later. */
import type { DatabaseEngineDefinition } from '../engine.ts';
import { connectMysql } from './mysql-connection.ts';
import { whatIsMissing } from './mysql-errors.ts';
import { MysqlPartitions } from './mysql-partitions.ts';
import { MysqlStore } from './mysql-store.ts';
import { sql } from './sql.generated.ts';

export const mysql: DatabaseEngineDefinition = {
  title: 'MySQL',
  createStore: (options) => new MysqlStore(options),
  createPartitions: (connection, scope) => new MysqlPartitions(connection, scope),
  connect: (settings, options) => connectMysql('mysql', settings, options),
  missing: whatIsMissing,
  tables: sql.afterwrite,
  grants: sql.grants,
};
