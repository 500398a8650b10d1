/** Which engines a command needs, by the same variables by which the application chooses them. */
import { definitions } from './engines/index.ts';
import { LocalEnginesError } from './errors.ts';
import type { EngineName, Environment } from './types.ts';

/** By DB_ENGINE. */
const DATABASES = { mysql: 'mysql', mariadb: 'mariadb', postgresql: 'postgresql' } as const;
/** By CACHE_ENGINE; with memcached the queue stands in a server of its own. */
const CACHES = {
  valkey: { cache: 'valkey', queue: undefined },
  redis: { cache: 'redis', queue: undefined },
  memcached: { cache: 'memcached', queue: 'valkey' },
} as const;

/** The first pair's data lies where it lay before there were others. */
const FOLDERS: Readonly<Record<string, string>> = { 'valkey-mysql': '.' };

export interface ChosenEngines {
  readonly cache: EngineName;
  /** Where it is another server than the cache. */
  readonly queue: EngineName | undefined;
  readonly database: EngineName;
  /**
   * Within the folder of all data. Each pair has its own: a queue belongs to one database, and a cache that another
   * stood in for knows old values.
   */
  readonly folder: string;
}

function entryOf<T>(variable: string, value: string, table: Readonly<Record<string, T>>): T {
  const entry = Object.hasOwn(table, value) ? table[value] : undefined;
  if (entry !== undefined) return entry;
  const names = Object.keys(table).join(', ');
  throw new LocalEnginesError('BAD_ENGINE', `${variable} is "${value}"; it must be one of ${names}.`);
}

const orDefault = (value: string | undefined, byDefault: string): string =>
  value === undefined || value === '' ? byDefault : value;

/** @throws LocalEnginesError with the code BAD_ENGINE */
export function enginesOf(environment: Environment): ChosenEngines {
  const { DB_ENGINE, CACHE_ENGINE } = environment;
  const { cache, queue } = entryOf('CACHE_ENGINE', orDefault(CACHE_ENGINE, 'valkey'), CACHES);
  const database = entryOf('DB_ENGINE', orDefault(DB_ENGINE, 'mysql'), DATABASES);
  const pair = `${cache}-${database}`;
  return { cache, queue, database, folder: FOLDERS[pair] ?? pair };
}

/** @throws LocalEnginesError with the code BAD_ENGINE */
export function engineNamed(name: string): EngineName {
  return entryOf('The name of an engine', name, definitions).name;
}

/** As people write it. */
export function titleOf(name: EngineName): string {
  return definitions[name].title;
}

export const ALL_ENGINES = Object.keys(definitions) as readonly EngineName[];
