/**
 * What differs between stages, as plain numbers with their reasons, and what whoever deploys decides. `production` is one
 * stage; every other name is a small stage that can be removed. docs/DEPLOY.md says what each costs.
 */
import type { FunctionName } from '../functions/catalog.ts';
import type { CacheEngine } from './cache-engines.ts';
import type { DatabaseEngine } from './database-engines.ts';

export interface StageSettings {
  readonly removal: 'remove' | 'retain';
  /** `sst remove` is refused. */
  readonly isProtected: boolean;
  readonly network: {
    /** Availability zones with a subnet each. */
    readonly zones: number;
    /** Of these, those with an interface endpoint, which costs by the hour and zone. */
    readonly endpointZones: number;
  };
  readonly cache: {
    readonly engine: CacheEngine;
    /** Of what has the queue: the cache itself, or a server of its own beside memcached. */
    readonly instance: string;
    readonly shards: number;
    readonly replicas: number;
    readonly snapshotDays: number;
    /** Of the one node that has the clean values where `engine` is memcached. */
    readonly memcachedInstance: string;
  };
  readonly database: {
    /** Another one is another, empty database: nothing moves the rows. */
    readonly engine: DatabaseEngine;
    /** Of RDS; Aurora has `capacity`. */
    readonly instance: string;
    /** Of Aurora's instances, between which it moves by itself, in units of 2 GB of memory. */
    readonly capacity: { readonly min: number; readonly max: number };
    /** May grow to this on RDS, which starts at 20 GB. Aurora grows by itself and raises an alarm there. */
    readonly storageGb: number;
    /** Set, not left to RDS's formula, so that the limits of the functions below can be counted against it. */
    readonly maxConnections: number;
    /** A standby in another zone; on Aurora a reader that takes the writer's place. */
    readonly isMultiAz: boolean;
    readonly backupDays: number;
    readonly isDeletionProtected: boolean;
  };
  /** Made by the first deployment in a database without flights, so that there is something to call; 0: none. */
  readonly seededFlights: number;
  readonly api: {
    /** Requests a second and burst, over all callers; past it the answer is 429. */
    readonly requestsPerSecond: number;
    readonly burst: number;
  };
  /** Environments of a function at most; unset: only the account's own limit. */
  readonly reservedConcurrency: Readonly<Partial<Record<FunctionName, number>>>;
  /** Further variables of every function, such as those of docs/CONFIGURATION.md. */
  readonly variables: Readonly<Record<string, string>>;
  readonly logRetention: '1 week' | '3 months';
  /** Days for which a deleted secret can be restored. */
  readonly secretRecoveryDays: 0 | 7;
}

const dev: StageSettings = {
  removal: 'remove',
  isProtected: false,
  // RDS asks for two zones even when it uses one. One endpoint is reached from both.
  network: { zones: 2, endpointZones: 1 },
  // A failure of the one node loses what is queued: nothing in this stage is anybody's data.
  cache: {
    engine: 'valkey',
    instance: 't4g.micro',
    shards: 1,
    replicas: 0,
    snapshotDays: 0,
    memcachedInstance: 't4g.micro',
  },
  database: {
    engine: 'rds-mysql',
    instance: 't4g.micro',
    // Never 0, which pauses it when nobody is connected: the schedule connects every minute.
    capacity: { min: 0.5, max: 2 },
    storageGb: 20,
    // 1 GB of memory: RDS's own formula gives about the same.
    maxConnections: 80,
    isMultiAz: false,
    backupDays: 1,
    isDeletionProtected: false,
  },
  seededFlights: 1000,
  api: { requestsPerSecond: 50, burst: 100 },
  // A new account has ten environments in all and reserving any of them is refused.
  reservedConcurrency: {},
  // A flush that lingers for the minute costs about $35 a month; without, an update waits for up to a minute.
  variables: { FLUSH_LINGER_SECONDS: '0' },
  logRetention: '1 week',
  secretRecoveryDays: 0,
};

const production: StageSettings = {
  removal: 'retain',
  isProtected: true,
  // The endpoints stay when a zone is lost.
  network: { zones: 2, endpointZones: 2 },
  // A queue must outlive its node: each shard has a replica in another zone. Two shards, so that one failover stops half of
  // the writes at most. 3 GB each hold some ten million updates.
  cache: {
    engine: 'valkey',
    instance: 'm7g.large',
    shards: 2,
    replicas: 1,
    snapshotDays: 7,
    // The largest generation for which AWS's guide names TLS.
    memcachedInstance: 'm6g.large',
  },
  database: {
    engine: 'rds-mysql',
    instance: 'm7g.large',
    // 4 GB, with which the reader's connections cost no more than half of it, to 32 GB.
    capacity: { min: 2, max: 16 },
    storageGb: 200,
    // 8 GB of memory: RDS's own formula gives about 630.
    maxConnections: 600,
    isMultiAz: true,
    backupDays: 14,
    isDeletionProtected: true,
  },
  // The tables are made; their rows are yours.
  seededFlights: 0,
  api: { requestsPerSecond: 2000, burst: 1000 },
  // Times the connections of one environment these stay below maxConnections (tests/infra counts it), and the functions
  // that people poll cannot take the places of those that the application needs. At 10 ms an update 60 answer 6,000 a second.
  reservedConcurrency: {
    'get-flight': 60,
    'update-flight': 60,
    // Each reads the whole table, where that has no index on flightno.
    'find-flights': 5,
    'flight-consistency': 5,
    'flight-log': 10,
    'write-receipt': 10,
    queue: 2,
    health: 2,
    // One scheduled, one called because the queue is long, and their successors.
    flush: 4,
    migrate: 1,
    reconcile: 1,
  },
  variables: {},
  logRetention: '3 months',
  secretRecoveryDays: 7,
};

export function settingsOf(stage: string): StageSettings {
  return stage === 'production' ? production : dev;
}

/** Unsafe to forget, so nothing of it is a default of a stage; read from the environment of `sst deploy`. */
export interface DeployOptions {
  /** Tokens of this issuer for this audience; null: callers sign with IAM. */
  readonly jwt: { readonly issuer: string; readonly audiences: readonly string[] } | null;
  /** Web pages that may call the API; empty: none. */
  readonly corsOrigins: readonly string[];
  readonly alarmEmail: string | null;
  /** Connections go through RDS Proxy: for accounts where many environments come and go. */
  readonly hasProxy: boolean;
  /** An index on flight_log, the application's own table, by which one flight's trail is read quickly. */
  readonly hasFlightLogIndex: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws an Error that names the variable. */
export function readDeployOptions(environment: Environment): DeployOptions {
  const { JWT_ISSUER, JWT_AUDIENCE, CORS_ORIGINS, ALARM_EMAIL, DB_PROXY, FLIGHT_LOG_INDEX } = environment;
  if (Boolean(JWT_ISSUER) !== Boolean(JWT_AUDIENCE))
    throw new Error('JWT_ISSUER and JWT_AUDIENCE go together: set both, or neither for IAM.');
  if (JWT_ISSUER && !/^https:\/\/[^/]/.test(JWT_ISSUER))
    throw new Error(`JWT_ISSUER is ${JWT_ISSUER}; API Gateway needs an https:// address.`);
  const corsOrigins = list(CORS_ORIGINS);
  if (corsOrigins.includes('*')) throw new Error('CORS_ORIGINS is *: name the pages that may call the API.');
  return {
    jwt: JWT_ISSUER ? { issuer: JWT_ISSUER, audiences: list(JWT_AUDIENCE) } : null,
    corsOrigins,
    alarmEmail: ALARM_EMAIL === undefined || ALARM_EMAIL === '' ? null : ALARM_EMAIL,
    hasProxy: flag('DB_PROXY', DB_PROXY),
    hasFlightLogIndex: flag('FLIGHT_LOG_INDEX', FLIGHT_LOG_INDEX),
  };
}

function list(text = ''): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function flag(name: string, value: string | undefined): boolean {
  if (value === undefined || value === '' || value === '0') return false;
  if (value === '1') return true;
  throw new Error(`${name} is ${value}; it must be 0 or 1.`);
}
