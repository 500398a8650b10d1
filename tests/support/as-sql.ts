/** A test's own connection of mysql2, as what schema and seed take. */
import type { SqlConnection } from '@afterwrite/write-behind';
import { mysqlDialect, mysqlSqlConnection } from '@afterwrite/write-behind/internal';
import type { Connection as Raw } from 'mysql2';
import type { Connection } from 'mysql2/promise';

export function asSql(connection: Connection): SqlConnection {
  return mysqlSqlConnection(mysqlDialect, (connection as unknown as { connection: Raw }).connection);
}
