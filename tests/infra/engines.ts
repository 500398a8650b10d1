/** What must be so of each engine that a stage may choose, as AWS documents it, said apart from the tables of infra/. */
import type { CacheEngine } from '../../infra/cache-engines.ts';
import type { DatabaseEngine } from '../../infra/database-engines.ts';

export interface Engines {
  readonly database: DatabaseEngine;
  readonly cache: CacheEngine;
}

interface DatabaseFacts {
  /** Words by which texts may call it. */
  readonly names: readonly string[];
  readonly driver: string;
  readonly port: number;
  readonly isCluster: boolean;
  readonly engine: string;
  readonly version: string;
  readonly family: string;
  readonly logs: readonly string[];
  readonly tls: { readonly name: string; readonly value: string };
  /** On which updates depend: durable commits, one character set, one time zone, the bulk path. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Which the engine has, and AWS lets nobody change there: naming one fails the deployment. */
  readonly fixed: readonly string[];
  /** Which wait for a restart. */
  readonly atRestart: readonly string[];
}

const SECURE_TRANSPORT = { name: 'require_secure_transport', value: 'ON' };
const FORCE_SSL = { name: 'rds.force_ssl', value: '1' };
const BULK = { local_infile: '1', max_allowed_packet: '67108864' };
/** In a table CloudWatch does not see it. */
const SLOW = { slow_query_log: '1', log_output: 'FILE' };
const DURABLE = { innodb_flush_log_at_trx_commit: '1', sync_binlog: '1' };
const UTF8_UTC = { character_set_server: 'utf8mb4', time_zone: 'UTC' };
const POSTGRES = {
  synchronous_commit: 'on',
  timezone: 'UTC',
  idle_in_transaction_session_timeout: '60000',
};
const POSTGRES_FIXED = ['fsync', 'full_page_writes'];

export const databases: Readonly<Record<DatabaseEngine, DatabaseFacts>> = {
  'rds-mysql': {
    names: ['MySQL'],
    driver: 'mysql',
    port: 3306,
    isCluster: false,
    engine: 'mysql',
    version: '8.4',
    family: 'mysql8.4',
    logs: ['error', 'slowquery'],
    tls: SECURE_TRANSPORT,
    // utf8mb4 is its own default.
    parameters: { ...DURABLE, ...BULK, ...SLOW, time_zone: 'UTC' },
    fixed: [],
    atRestart: [],
  },
  'rds-mariadb': {
    names: ['MariaDB'],
    driver: 'mariadb',
    port: 3306,
    isCluster: false,
    engine: 'mariadb',
    version: '11.4',
    family: 'mariadb11.4',
    logs: ['error', 'slowquery'],
    tls: SECURE_TRANSPORT,
    parameters: { ...DURABLE, ...BULK, ...SLOW, ...UTF8_UTC },
    fixed: [],
    atRestart: [],
  },
  'rds-postgresql': {
    names: ['PostgreSQL'],
    driver: 'postgresql',
    port: 5432,
    isCluster: false,
    engine: 'postgres',
    version: '17',
    family: 'postgres17',
    logs: ['postgresql'],
    tls: FORCE_SSL,
    parameters: POSTGRES,
    fixed: POSTGRES_FIXED,
    atRestart: ['max_connections'],
  },
  'aurora-mysql': {
    names: ['Aurora', 'MySQL'],
    driver: 'mysql',
    port: 3306,
    isCluster: true,
    engine: 'aurora-mysql',
    version: '8.0.mysql_aurora.3.10.3',
    family: 'aurora-mysql8.0',
    logs: ['error', 'slowquery'],
    tls: SECURE_TRANSPORT,
    parameters: { ...BULK, ...SLOW, ...UTF8_UTC },
    fixed: ['innodb_flush_log_at_trx_commit', 'sync_binlog'],
    atRestart: [],
  },
  'aurora-postgresql': {
    names: ['Aurora', 'PostgreSQL'],
    driver: 'postgresql',
    port: 5432,
    isCluster: true,
    engine: 'aurora-postgresql',
    version: '17',
    family: 'aurora-postgresql17',
    logs: ['postgresql'],
    tls: FORCE_SSL,
    parameters: POSTGRES,
    fixed: POSTGRES_FIXED,
    atRestart: ['max_connections'],
  },
};

interface CacheFacts {
  readonly names: readonly string[];
  /** Of the replication group that has the queue. */
  readonly server: { readonly engine: string; readonly engineVersion: string };
  readonly family: string;
  /** Of the variables that tell of it. */
  readonly serverPrefix: 'CACHE' | 'QUEUE';
}

export const caches: Readonly<Record<CacheEngine, CacheFacts>> = {
  valkey: {
    names: ['Valkey'],
    server: { engine: 'valkey', engineVersion: '8.1' },
    family: 'valkey8',
    serverPrefix: 'CACHE',
  },
  redis: {
    names: ['Redis'],
    server: { engine: 'redis', engineVersion: '7.1' },
    family: 'redis7',
    serverPrefix: 'CACHE',
  },
  memcached: {
    names: ['memcached', 'Valkey'],
    server: { engine: 'valkey', engineVersion: '8.1' },
    family: 'valkey8',
    serverPrefix: 'QUEUE',
  },
};

export const databaseNames = Object.keys(databases) as DatabaseEngine[];
export const cacheNames = Object.keys(caches) as CacheEngine[];

/** What each cluster-level parameter of Aurora is: named in the instances' group it fails the deployment. */
export const OF_CLUSTER: ReadonlySet<string> = new Set([
  'require_secure_transport',
  'character_set_server',
  'time_zone',
  'rds.force_ssl',
  'synchronous_commit',
  'timezone',
]);
