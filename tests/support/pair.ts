/** A database and a cache of the run's own servers, as settings name them. */
import type { DatabaseEngine } from '@afterwrite/write-behind';
import { inject } from 'vitest';

export type CacheServer = 'valkey' | 'redis' | 'redis-7' | 'memcached';

export interface Pair {
  readonly database: DatabaseEngine;
  readonly cache: CacheServer;
}

/** The one that everything is tried on. */
export const FIRST_PAIR: Pair = { database: 'mysql', cache: 'valkey' };

const DATABASES: readonly DatabaseEngine[] = ['mysql', 'mariadb', 'postgresql'];
const CACHES: readonly CacheServer[] = ['valkey', 'redis', 'memcached'];

export const PAIRS: readonly Pair[] = DATABASES.flatMap((database) =>
  CACHES.map((cache) => ({ database, cache })),
);

/** One of the nine, the same for the same number. */
export function pairOf(seed: number): Pair {
  return PAIRS[Math.abs(seed) % PAIRS.length] ?? FIRST_PAIR;
}

export function nameOf({ database, cache }: Pair): string {
  return `${database} and ${cache}`;
}

/** The server that holds the queue. */
export function queueServer(cache: CacheServer): 'valkey' | 'redis' | 'redis-7' {
  return cache === 'memcached' ? 'valkey' : cache;
}

/** The settings of the cache, and of the queue's server where that is another. */
export function cacheEnvironment(cache: CacheServer): Readonly<Record<string, string>> {
  const { host, port } = inject(cache);
  const environment = {
    CACHE_ENGINE: cache === 'redis-7' ? 'redis' : cache,
    CACHE_HOST: host,
    CACHE_PORT: String(port),
  };
  if (cache !== 'memcached') return environment;
  const queue = inject(queueServer(cache));
  return { ...environment, QUEUE_HOST: queue.host, QUEUE_PORT: String(queue.port) };
}
