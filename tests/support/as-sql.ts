/** A test's own connection of mysql2, as what schema and seed take. */
import type { SqlConnection } from '@afterwrite/write-behind';
import { mariadbDialect, mysqlDialect, mysqlSqlConnection } from '@afterwrite/write-behind/internal';
import type { Connection as Raw } from 'mysql2';
import type { Connection } from 'mysql2/promise';

const DIALECTS = { mysql: mysqlDialect, mariadb: mariadbDialect };

export function asSql(connection: Connection, engine: keyof typeof DIALECTS = 'mysql'): SqlConnection {
  return mysqlSqlConnection(DIALECTS[engine], (connection as unknown as { connection: Raw }).connection);
}
