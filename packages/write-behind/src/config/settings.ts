/** Reads the environment, once and on demand, and makes settings of it; every mistake is named with its variable. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigurationError } from '../errors.ts';
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
  const known = Object.keys(variables.shape).flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const parsed = variables.safeParse(Object.fromEntries(known));
  if (!parsed.success) {
    throw wrong(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  }
  const settings = withDefaultsOfPlace(parsed.data, environment);
  const mistakes = [...unbuilt(settings), ...contradictions(settings)];
  if (mistakes.length > 0) throw wrong(mistakes);
  return settings;
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

/** Defaults that are only safe on this machine. */
function withDefaultsOfPlace(data: Variables, environment: Environment): Settings {
  const atHome = isLoopback(data.DB_HOST);
  const user = data.DB_USER ?? (atHome ? 'root' : undefined);
  // A password may be empty on purpose.
  const password = environment.DB_PASSWORD ?? (atHome ? 'password' : undefined);
  const mistakes = [
    ...(user === undefined ? ['DB_USER: must be set for a database that is not on this machine'] : []),
    ...(password === undefined
      ? ['DB_PASSWORD: must be set for a database that is not on this machine']
      : []),
  ];
  if (user === undefined || password === undefined) throw wrong(mistakes);
  return {
    ...data,
    DB_USER: user,
    DB_PASSWORD: password,
    DB_TLS: data.DB_TLS ?? !atHome,
    CACHE_TLS: data.CACHE_TLS ?? !isLoopback(data.CACHE_HOST),
  };
}

function unbuilt({ DB_ENGINE, CACHE_ENGINE }: Settings): string[] {
  return [
    ...(DB_ENGINE === 'mysql' ? [] : [`DB_ENGINE: ${DB_ENGINE} is not built yet; use mysql`]),
    ...(CACHE_ENGINE === 'valkey' ? [] : [`CACHE_ENGINE: ${CACHE_ENGINE} is not built yet; use valkey`]),
  ];
}

function contradictions(settings: Settings): string[] {
  const mistakes: string[] = [];
  const check = (holds: boolean, mistake: string) => {
    if (!holds) mistakes.push(mistake);
  };
  check(
    settings.QUEUE_FLUSH_CONCURRENCY < settings.DB_POOL_SIZE,
    'QUEUE_FLUSH_CONCURRENCY: must be less than DB_POOL_SIZE, or flushes leave reads no connection',
  );
  check(
    settings.QUEUE_BATCH_SIZE <= settings.QUEUE_BATCH_ROWS,
    'QUEUE_BATCH_SIZE: must not be over QUEUE_BATCH_ROWS',
  );
  check(
    settings.QUEUE_ITEM_BYTES <= settings.QUEUE_BATCH_BYTES,
    'QUEUE_ITEM_BYTES: must not be over QUEUE_BATCH_BYTES',
  );
  check(
    settings.CACHE_USERNAME === undefined || settings.CACHE_PASSWORD !== undefined,
    'CACHE_PASSWORD: must be set where CACHE_USERNAME is',
  );
  check(
    settings.DB_TLS || settings.DB_TLS_CA === undefined,
    'DB_TLS_CA: has no effect while DB_TLS is false',
  );
  check(
    settings.CACHE_TLS || settings.CACHE_TLS_CA === undefined,
    'CACHE_TLS_CA: has no effect while CACHE_TLS is false',
  );
  return mistakes;
}
