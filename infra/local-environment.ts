/** What the commands of `sst dev` are told, plain data: which servers, on the ports that the functions are told too. */
import { cacheEngines, MEMCACHED_PORT, SERVER_PORT } from './cache-engines.ts';
import { databaseEngines } from './database-engines.ts';
import type { StageSettings } from './settings.ts';

export function localEnvironment({ database, cache }: Pick<StageSettings, 'cache' | 'database'>) {
  const { title, driver, port, localUser } = databaseEngines[database.engine];
  const { serverPrefix, memcached, ...kind } = cacheEngines[cache.engine];
  const names = { DB_ENGINE: driver, CACHE_ENGINE: cache.engine };
  const ports = {
    ...(memcached && { CACHE_PORT: String(MEMCACHED_PORT) }),
    [`${serverPrefix}_PORT`]: String(SERVER_PORT),
    DB_PORT: String(port),
  };
  const hosts = { CACHE_HOST: 'localhost', [`${serverPrefix}_HOST`]: 'localhost', DB_HOST: 'localhost' };
  return {
    title: `${kind.title} and ${title}`,
    engines: { ...names, ...ports },
    seed: { ...names, ...ports, ...hosts, DB_USER: localUser, DB_PASSWORD: '' },
  };
}
