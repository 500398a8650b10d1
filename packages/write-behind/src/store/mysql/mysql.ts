/** MySQL 8.0 and later. */
import { engineOf, type MysqlDialect } from './dialect.ts';
import { sql } from './sql.generated.ts';

/** Numbers are those of the MySQL Server Error Reference. */
export const mysqlDialect: MysqlDialect = {
  engine: 'mysql',
  title: 'MySQL',
  session: ({ lockWaitSeconds, idleTimeoutSeconds, statementTimeoutMs }) => [
    { text: sql.session, values: [lockWaitSeconds, idleTimeoutSeconds, statementTimeoutMs] },
  ],
  serverSettings: sql.serverSettings,
  isOwn: (version) => !/mariadb/i.test(version),
  // VALUES as a table came with it.
  oldest: [8, 0, 19],
  retry: new Map([
    [1040, 'too many connections'],
    [1053, 'server is shutting down'],
    [1158, 'network read error'],
    [1159, 'network read timeout'],
    [1160, 'network write error'],
    [1161, 'network write timeout'],
    [1203, 'too many connections of this user'],
    [1205, 'lock wait timeout'],
    [1213, 'deadlock'],
    [1226, 'resource limit of this user'],
    [1317, 'query was interrupted'],
    [1792, 'transaction is read-only'],
    [1836, 'server is read-only'],
    [3024, 'statement took too long'],
    [3032, 'server is in offline mode'],
    [3168, 'server is not available'],
    [4031, 'server closed an idle connection'],
  ]),
  // Truncated, wrong for the column, check constraint.
  refusals: new Set([1265, 1366, 3819]),
};

export const mysql = engineOf(mysqlDialect);
