/** Reads the environment, once and on demand, and makes settings of it; every mistake is named with its variable. */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseEnv } from 'node:util';
import { ConfigurationError } from '../errors.ts';
import { hideSecrets } from './hide-secrets.ts';
import { type Environment, type Variables, variables } from './variables.ts';

export type CacheEngine = Variables['CACHE_ENGINE'];

type Placed = 'DB_PORT' | 'DB_USER' | 'DB_PASSWORD' | 'DB_TLS' | 'CACHE_PORT' | 'CACHE_TLS' | 'QUEUE_TLS';

export interface Settings extends Omit<Variables, Placed> {
  readonly DB_PORT: number;
  readonly DB_USER: string;
  readonly DB_PASSWORD: string;
  readonly DB_TLS: boolean;
  readonly CACHE_PORT: number;
  readonly CACHE_TLS: boolean;
  readonly QUEUE_TLS: boolean;
}

/** Where nobody says otherwise; the user on this machine only. */
const DATABASES = {
  mysql: { port: 3306, user: 'root' },
  mariadb: { port: 3306, user: 'root' },
  postgresql: { port: 5432, user: 'postgres' },
} as const;
const CACHES: Readonly<Record<CacheEngine, { port: number; keepsQueue: boolean }>> = {
  valkey: { port: 6379, keepsQueue: true },
  redis: { port: 6379, keepsQueue: true },
  memcached: { port: 11_211, keepsQueue: false },
};

/** The environment over what `file` says; a missing file is no mistake. Changes nothing. */
export function readEnvironment(file = '.env', environment: Environment = process.env): Environment {
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return { ...fromFile, ...environment };
}

/** Throws ConfigurationError, which lists every mistake. Empty variables count as not set. */
export function parseSettings(environment: Environment): Settings {
  const given = Object.keys(variables.shape).flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const { error } = variables.safeParse(Object.fromEntries(given));
  const issues = error?.issues ?? [];
  const refused = new Set(issues.map(({ path }) => String(path[0])));
  // What was refused counts as not set from here on, so that the other mistakes are found too.
  const data = variables.parse(Object.fromEntries(given.filter(([name]) => !refused.has(name))));
  const { settings, missing } = withDefaultsOfPlace(data, environment);
  const mistakes = [
    ...issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...missing,
    ...contradictions(settings, refused),
  ];
  if (mistakes.length > 0) throw wrong(mistakes);
  return hideSecrets(settings);
}

function wrong(mistakes: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    `The configuration is not right.\n${mistakes.map((line) => `  ${line}`).join('\n')}`,
    {
      mistakes,
    },
  );
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Defaults that are only safe on this machine, and what is missing where they are not. */
function withDefaultsOfPlace(
  data: Variables,
  environment: Environment,
): { settings: Settings; missing: string[] } {
  const atHome = isLoopback(data.DB_HOST);
  const user = data.DB_USER ?? (atHome ? DATABASES[data.DB_ENGINE].user : undefined);
  // A password may be empty on purpose.
  const password = environment.DB_PASSWORD ?? (atHome ? 'password' : undefined);
  const settings = {
    ...data,
    DB_PORT: data.DB_PORT ?? DATABASES[data.DB_ENGINE].port,
    DB_USER: user ?? '',
    DB_PASSWORD: password ?? '',
    DB_TLS: data.DB_TLS ?? !atHome,
    CACHE_PORT: data.CACHE_PORT ?? CACHES[data.CACHE_ENGINE].port,
    CACHE_TLS: data.CACHE_TLS ?? !isLoopback(data.CACHE_HOST),
    QUEUE_TLS: data.QUEUE_TLS ?? !isLoopback(data.QUEUE_HOST ?? 'localhost'),
  };
  const missing = [
    ...(user === undefined ? ['DB_USER'] : []),
    ...(password === undefined ? ['DB_PASSWORD'] : []),
  ].map((name) => `${name}: must be set for a database that is not on this machine`);
  return { settings, missing };
}

type Check = (names: readonly (keyof Settings)[], holds: boolean, mistake: string) => void;

/** What keeps the queue: with memcached as the cache a server of its own, otherwise the cache itself. */
function checkQueueServer(settings: Settings, check: Check): void {
  const hasOwn = !CACHES[settings.CACHE_ENGINE].keepsQueue;
  check(
    ['QUEUE_HOST', 'CACHE_ENGINE'],
    hasOwn || settings.QUEUE_HOST === undefined,
    `must not be set with CACHE_ENGINE=${settings.CACHE_ENGINE}: the queue is in the cache's own server`,
  );
  check(
    ['QUEUE_HOST', 'CACHE_ENGINE'],
    !hasOwn || settings.QUEUE_HOST !== undefined,
    'must name a Valkey or a Redis with CACHE_ENGINE=memcached: memcached can keep neither a queue nor anything else that ' +
      'must survive, and an update must be accepted in one step',
  );
  for (const name of ['CACHE_USERNAME', 'CACHE_PASSWORD'] as const) {
    check(
      [name, 'CACHE_ENGINE'],
      !hasOwn || settings[name] === undefined,
      `must not be set with CACHE_ENGINE=memcached, which is not asked for one; that of the queue's server is QUEUE_${name.slice('CACHE_'.length)}`,
    );
  }
  check(
    ['CACHE_CLUSTER', 'CACHE_ENGINE'],
    !hasOwn || !settings.CACHE_CLUSTER,
    'must not be true with CACHE_ENGINE=memcached',
  );
  for (const prefix of ['CACHE', 'QUEUE'] as const) {
    check(
      [`${prefix}_PASSWORD`, `${prefix}_USERNAME`],
      settings[`${prefix}_USERNAME`] === undefined || settings[`${prefix}_PASSWORD`] !== undefined,
      `must be set where ${prefix}_USERNAME is`,
    );
    check(
      [`${prefix}_TLS_CA`, `${prefix}_TLS`],
      settings[`${prefix}_TLS`] || settings[`${prefix}_TLS_CA`] === undefined,
      `has no effect while ${prefix}_TLS is false`,
    );
  }
}

/** Between variables none of which was refused by itself. */
function contradictions(settings: Settings, refused: ReadonlySet<string>): string[] {
  const mistakes: string[] = [];
  const check: Check = (names, holds, mistake) => {
    if (!holds && !names.some((name) => refused.has(name))) mistakes.push(`${names[0] ?? ''}: ${mistake}`);
  };
  check(
    ['QUEUE_FLUSH_CONCURRENCY', 'DB_POOL_SIZE'],
    settings.QUEUE_FLUSH_CONCURRENCY < settings.DB_POOL_SIZE,
    'must be less than DB_POOL_SIZE, or flushes leave reads no connection',
  );
  check(
    ['QUEUE_BATCH_SIZE', 'QUEUE_BATCH_ROWS'],
    settings.QUEUE_BATCH_SIZE <= settings.QUEUE_BATCH_ROWS,
    'must not be over QUEUE_BATCH_ROWS',
  );
  check(
    ['QUEUE_ITEM_BYTES', 'QUEUE_BATCH_BYTES'],
    settings.QUEUE_ITEM_BYTES <= settings.QUEUE_BATCH_BYTES,
    'must not be over QUEUE_BATCH_BYTES',
  );
  checkQueueServer(settings, check);
  check(
    ['DB_TLS_CA', 'DB_TLS'],
    settings.DB_TLS || settings.DB_TLS_CA === undefined,
    'has no effect while DB_TLS is false',
  );
  check(
    ['DB_HOST', 'DB_TLS'],
    !settings.DB_TLS || isIP(settings.DB_HOST) === 0 || isLoopback(settings.DB_HOST),
    'must be a name while DB_TLS is on: the certificate is compared with it',
  );
  check(
    ['QUEUE_LEASE_MS', 'CACHE_WAIT_MS'],
    settings.QUEUE_LEASE_MS < settings.CACHE_WAIT_MS,
    "must be less than CACHE_WAIT_MS, or a killed flusher's claim makes calls wait in vain",
  );
  check(
    ['DB_LOCK_WAIT_SECONDS', 'DB_STATEMENT_TIMEOUT_MS'],
    settings.DB_LOCK_WAIT_SECONDS * 1000 < settings.DB_STATEMENT_TIMEOUT_MS,
    'must be less than DB_STATEMENT_TIMEOUT_MS, or a lock wait looks like a lost connection',
  );
  return mistakes;
}
