/**
 * The databases that a stage may choose, plain data: all that is particular to one stands in its row, and nothing else
 * asks which one it is. docs/DEPLOY.md says what of it was never tried on AWS.
 */
export type DatabaseEngine =
  'rds-mysql' | 'rds-mariadb' | 'rds-postgresql' | 'aurora-mysql' | 'aurora-postgresql';

export interface Parameter {
  readonly name: string;
  readonly value: string;
  /** A static one waits for a restart, and RDS refuses it otherwise. */
  readonly applyMethod: 'immediate' | 'pending-reboot';
}

export interface DatabaseKind {
  /** In texts for people. */
  readonly title: string;
  /** DB_ENGINE of the functions. */
  readonly driver: 'mysql' | 'mariadb' | 'postgresql';
  /** An instance, with a standby where it is highly available; or Aurora's cluster, with a reader there. */
  readonly shape: 'instance' | 'cluster';
  /** Whose clients it takes: which of SST's components makes it. */
  readonly protocol: 'mysql' | 'postgres';
  /** As RDS names it. */
  readonly engine: 'mysql' | 'mariadb' | 'postgres' | 'aurora-mysql' | 'aurora-postgresql';
  /** Without the patch where AWS allows it: it chooses the newest, and applies later ones in the maintenance window. */
  readonly version: string;
  readonly isPatchedByAws: boolean;
  /** Of its parameter groups. */
  readonly family: string;
  readonly port: number;
  /** Of the server of this machine, in `sst dev`. */
  readonly localUser: string;
  /** To CloudWatch. */
  readonly logs: readonly string[];
  /** The instance's, or each instance's of a cluster. The whole list: SST's own turns TLS off. */
  readonly parameters: (maxConnections: number) => readonly Parameter[];
  /** Those that Aurora keeps for the whole cluster; an instance has none. */
  readonly clusterParameters: (maxConnections: number) => readonly Parameter[];
}

function atOnce(wanted: Readonly<Record<string, string>>): Parameter[] {
  return Object.entries(wanted).map(([name, value]) => ({ name, value, applyMethod: 'immediate' }));
}

function atRestart(wanted: Readonly<Record<string, string>>): Parameter[] {
  return Object.entries(wanted).map(([name, value]) => ({ name, value, applyMethod: 'pending-reboot' }));
}

const none = () => [];

const mysqlProtocol = {
  protocol: 'mysql',
  port: 3306,
  localUser: 'root',
  logs: ['error', 'slowquery'],
} as const;

/** A commit that was answered is on disk, in both logs: RDS's defaults, which nobody shall change unseen. */
const mysqlDurability = { innodb_flush_log_at_trx_commit: '1', sync_binlog: '1' } as const;

const mysqlWork = {
  // Batches are built to stay under it.
  max_allowed_packet: String(64 * 1024 * 1024),
  // Audit rows of large batches at half the cost; clients give no file unless they choose to.
  local_infile: '1',
} as const;

/** To files: RDS's own default is a table of the server, of which CloudWatch gets nothing. */
const slowQueries = { slow_query_log: '1', log_output: 'FILE' } as const;

/** The default of MySQL 8.4, and not that of the others. */
const utf8mb4 = { character_set_server: 'utf8mb4' } as const;

const postgresProtocol = {
  protocol: 'postgres',
  port: 5432,
  localUser: 'postgres',
  logs: ['postgresql'],
} as const;

function postgresParameters(maxConnections: number): Parameter[] {
  return [
    ...atOnce({
      'rds.force_ssl': '1',
      // A commit that was answered is on disk. fsync and full_page_writes are on, and nobody may change them on RDS.
      synchronous_commit: 'on',
      timezone: 'UTC',
      // The engine sets a shorter one for itself: this is for whoever else forgets a transaction, which keeps rows locked.
      idle_in_transaction_session_timeout: '60000',
      // What takes longer is logged, ms: ten seconds, as the slow query log of the others.
      log_min_duration_statement: '10000',
    }),
    ...atRestart({ max_connections: String(maxConnections) }),
  ];
}

export const databaseEngines: Readonly<Record<DatabaseEngine, DatabaseKind>> = {
  'rds-mysql': {
    ...mysqlProtocol,
    title: 'MySQL',
    driver: 'mysql',
    shape: 'instance',
    engine: 'mysql',
    version: '8.4',
    isPatchedByAws: true,
    family: 'mysql8.4',
    parameters: (maxConnections) =>
      atOnce({
        require_secure_transport: 'ON',
        max_connections: String(maxConnections),
        ...mysqlDurability,
        ...mysqlWork,
        time_zone: 'UTC',
        ...slowQueries,
      }),
    clusterParameters: none,
  },
  'rds-mariadb': {
    ...mysqlProtocol,
    title: 'MariaDB',
    driver: 'mariadb',
    shape: 'instance',
    engine: 'mariadb',
    version: '11.4',
    isPatchedByAws: true,
    family: 'mariadb11.4',
    parameters: (maxConnections) =>
      atOnce({
        require_secure_transport: 'ON',
        max_connections: String(maxConnections),
        ...mysqlDurability,
        ...mysqlWork,
        ...utf8mb4,
        time_zone: 'UTC',
        ...slowQueries,
      }),
    clusterParameters: none,
  },
  'rds-postgresql': {
    ...postgresProtocol,
    title: 'PostgreSQL',
    driver: 'postgresql',
    shape: 'instance',
    engine: 'postgres',
    version: '17',
    isPatchedByAws: true,
    family: 'postgres17',
    parameters: postgresParameters,
    clusterParameters: none,
  },
  'aurora-mysql': {
    ...mysqlProtocol,
    title: 'Aurora MySQL',
    driver: 'mysql',
    shape: 'cluster',
    engine: 'aurora-mysql',
    // The long-term release of Aurora's third version, which is MySQL 8.0. The patch is named: a newer one is deployed.
    version: '3.10.3',
    isPatchedByAws: false,
    family: 'aurora-mysql8.0',
    parameters: (maxConnections) =>
      atOnce({ max_connections: String(maxConnections), ...mysqlWork, ...slowQueries }),
    // A commit is in the storage of several zones when it is answered: innodb_flush_log_at_trx_commit is always 1 there,
    // and there is no binary log to synchronise, unless somebody turns one on.
    clusterParameters: () => atOnce({ require_secure_transport: 'ON', ...utf8mb4, time_zone: 'UTC' }),
  },
  'aurora-postgresql': {
    ...postgresProtocol,
    title: 'Aurora PostgreSQL',
    driver: 'postgresql',
    shape: 'cluster',
    engine: 'aurora-postgresql',
    version: '17',
    isPatchedByAws: true,
    family: 'aurora-postgresql17',
    parameters: none,
    clusterParameters: postgresParameters,
  },
};
