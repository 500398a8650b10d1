/**
 * The caches that a stage may choose, plain data: all that is particular to one stands in its row, and nothing else asks
 * which one it is.
 */
export type CacheEngine = 'valkey' | 'redis' | 'memcached';

/** A replication group of ElastiCache, which holds the queue whatever the cache is. */
export interface ServerKind {
  readonly title: string;
  readonly engine: 'valkey' | 'redis';
  readonly version: `${number}.${number}`;
}

export interface CacheKind {
  /** In texts for people. */
  readonly title: string;
  /** Has the queue, the updates that wait, and the clean values too unless they are in `memcached`. */
  readonly server: ServerKind;
  /** What the names of the variables begin with that tell the functions of `server`. */
  readonly serverPrefix: 'CACHE' | 'QUEUE';
  /** Has the clean values, which may be lost. */
  readonly memcached: { readonly version: string; readonly family: string } | null;
}

export const SERVER_PORT = 6379;
export const MEMCACHED_PORT = 11211;

const valkey = { title: 'Valkey', engine: 'valkey', version: '8.1' } as const;

export const cacheEngines: Readonly<Record<CacheEngine, CacheKind>> = {
  valkey: { title: 'Valkey', server: valkey, serverPrefix: 'CACHE', memcached: null },
  redis: {
    title: 'Redis',
    // The last version of Redis OSS that ElastiCache has.
    server: { title: 'Redis', engine: 'redis', version: '7.1' },
    serverPrefix: 'CACHE',
    memcached: null,
  },
  memcached: {
    title: 'memcached',
    server: valkey,
    serverPrefix: 'QUEUE',
    // TLS needs 1.6.12 or later.
    memcached: { version: '1.6.22', family: 'memcached1.6' },
  },
};
