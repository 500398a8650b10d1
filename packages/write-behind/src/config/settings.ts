/** Reads the environment, once and on demand, and makes settings of it; every mistake is named with its variable. */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseEnv } from 'node:util';
import { ConfigurationError } from '../errors.ts';
import { hideSecrets } from './hide-secrets.ts';
import { type Environment, type Variables, variables } from './variables.ts';

export interface Settings extends Omit<Variables, 'DB_USER' | 'DB_PASSWORD' | 'DB_TLS' | 'CACHE_TLS'> {
  readonly DB_USER: string;
  readonly DB_PASSWORD: string;
  readonly DB_TLS: boolean;
  readonly CACHE_TLS: boolean;
}

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
    ...unbuilt(settings),
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
  const user = data.DB_USER ?? (atHome ? 'root' : undefined);
  // A password may be empty on purpose.
  const password = environment.DB_PASSWORD ?? (atHome ? 'password' : undefined);
  const settings = {
    ...data,
    DB_USER: user ?? '',
    DB_PASSWORD: password ?? '',
    DB_TLS: data.DB_TLS ?? !atHome,
    CACHE_TLS: data.CACHE_TLS ?? !isLoopback(data.CACHE_HOST),
  };
  const missing = [
    ...(user === undefined ? ['DB_USER'] : []),
    ...(password === undefined ? ['DB_PASSWORD'] : []),
  ].map((name) => `${name}: must be set for a database that is not on this machine`);
  return { settings, missing };
}

function unbuilt({ CACHE_ENGINE }: Settings): string[] {
  return [
    ...(CACHE_ENGINE === 'valkey' ? [] : [`CACHE_ENGINE: ${CACHE_ENGINE} is not built yet; use valkey`]),
  ];
}

/** Between variables none of which was refused by itself. */
function contradictions(settings: Settings, refused: ReadonlySet<string>): string[] {
  const mistakes: string[] = [];
  const check = (names: readonly string[], holds: boolean, mistake: string) => {
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
  check(
    ['CACHE_PASSWORD', 'CACHE_USERNAME'],
    settings.CACHE_USERNAME === undefined || settings.CACHE_PASSWORD !== undefined,
    'must be set where CACHE_USERNAME is',
  );
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
    ['CACHE_TLS_CA', 'CACHE_TLS'],
    settings.CACHE_TLS || settings.CACHE_TLS_CA === undefined,
    'has no effect while CACHE_TLS is false',
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
