/** What outlives a mistake and a machine. */
import { missing, type Rule } from '../stack.ts';

export const durability: readonly Rule[] = [
  {
    name: 'somebody’s data outlives a mistake and a machine',
    isForProduction: true,
    check: (stack) => {
      const mysql = stack.one('rds/instance');
      const valkey = stack.one('elasticache/replicationGroup');
      const { removal, protect } = stack.app;
      return [
        ...missing('`sst remove` is not refused', protect === true),
        ...missing('what is removed from the stack is deleted', removal === 'retain'),
        ...missing("MySQL's deletion protection is off", mysql.deletionProtection === true),
        ...missing(
          'MySQL is deleted without a final snapshot',
          mysql.skipFinalSnapshot === false && mysql.finalSnapshotIdentifier,
        ),
        ...missing(
          "MySQL's backups are kept for less than a week",
          mysql.backupRetentionPeriod >= 7 && mysql.deleteAutomatedBackups === false,
        ),
        ...missing('MySQL is in one zone only', mysql.multiAz === true),
        ...missing(
          'Valkey has no replica in another zone',
          valkey.multiAzEnabled === true &&
            valkey.automaticFailoverEnabled === true &&
            valkey.replicasPerNodeGroup > 0,
        ),
      ];
    },
    breaks: {
      'a stack that anybody removes': (stack) => (stack.app.protect = false),
      'data that goes with the stack': (stack) => (stack.app.removal = 'remove'),
      'no deletion protection': (stack) => (stack.one('rds/instance').deletionProtection = false),
      'no final snapshot': (stack) => (stack.one('rds/instance').skipFinalSnapshot = true),
      'no backups': (stack) => (stack.one('rds/instance').backupRetentionPeriod = 0),
      'one zone': (stack) => (stack.one('rds/instance').multiAz = false),
      'no replica': (stack) => (stack.one('elasticache/replicationGroup').replicasPerNodeGroup = 0),
    },
  },
  {
    name: 'a commit is on disk when it is answered, on MySQL 8.4',
    check: (stack) => [
      ...missing('MySQL is not 8.4', stack.one('rds/instance').engineVersion === '8.4'),
      ...['innodb_flush_log_at_trx_commit', 'sync_binlog'].flatMap((name) =>
        missing(`${name} is not 1`, stack.parameter(name)?.value === '1'),
      ),
    ],
    breaks: {
      'another version': (stack) => (stack.one('rds/instance').engineVersion = '8.0.40'),
      'commits in memory': (stack) => (stack.parameter('sync_binlog').value = '0'),
    },
  },
];
