/** MariaDB 10.6 and later: MySQL's code and statements, with what differs here and in `sql/`. */
import { engineOf, type MysqlDialect } from '../mysql/dialect.ts';
import { sql } from './sql.generated.ts';

/** Numbers are those of MariaDB's own list: above 1800 they name other errors than MySQL's. */
export const mariadbDialect: MysqlDialect = {
  engine: 'mariadb',
  title: 'MariaDB',
  session: ({ lockWaitSeconds, idleTimeoutSeconds, statementTimeoutMs }) => [
    // As a statement of its own, because the variable's name is another before 11.1 than after it.
    { text: sql.isolation, values: [] },
    { text: sql.session, values: [lockWaitSeconds, idleTimeoutSeconds, statementTimeoutMs] },
  ],
  serverSettings: sql.serverSettings,
  isOwn: (version) => /mariadb/i.test(version),
  // JSON_TABLE came with it, from which a mapping locks rows in order; what is older is not maintained any more.
  oldest: [10, 6, 0],
  retry: new Map([
    [1020, 'row was changed since it was read'],
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
    [1927, 'connection was killed'],
    [1969, 'statement took too long'],
  ]),
  // Truncated. A check constraint (4025) and a text for a number (1366) are of class 22 and 23 here.
  refusals: new Set([1265]),
};

export const mariadb = engineOf(mariadbDialect);
