/** The one place that chooses the cache: a further engine is a further line. */
import type { CacheEngine, Settings } from '../config/settings.ts';
import { readCa } from '../config/read-ca.ts';
import type { PartitionsBuffer } from '../repartition/ports.ts';
import type { Logger } from '../runtime.ts';
import type { BufferPort } from './buffer.ts';
import { MemcachedBuffer } from './memcached-buffer.ts';
import { ValkeyBuffer, type ValkeyBufferOptions } from './valkey-buffer.ts';
import type { ValkeySettings } from './valkey-client.ts';
import { ValkeyPartitions, type ValkeyPartitionsOptions } from './valkey-partitions.ts';

/** What a buffer needs beside its servers. */
export interface BufferOptions extends Omit<ValkeyBufferOptions, 'connection'> {
  readonly logger: Logger;
}

export interface CacheEngineDefinition {
  /** As people write it. */
  readonly title: string;
  createBuffer(settings: Settings, options: BufferOptions): BufferPort;
  /** The partitions' side of a buffer, on a connection of its own. */
  createPartitions(
    settings: Settings,
    scope: Omit<ValkeyPartitionsOptions, 'connection'>,
  ): PartitionsBuffer & { close(): Promise<void> };
}

export const cacheEngines: Readonly<Record<CacheEngine, CacheEngineDefinition>> = {
  valkey: queueInCache('Valkey'),
  redis: queueInCache('Redis'),
  memcached: {
    title: 'memcached',
    createBuffer: (settings, options) =>
      new MemcachedBuffer({
        ...options,
        connection: connectionTo(settings, 'QUEUE', 'Valkey or Redis'),
        memcached: {
          host: settings.CACHE_HOST,
          port: settings.CACHE_PORT,
          tls: settings.CACHE_TLS,
          tlsCa: readCa('CACHE_TLS_CA', settings.CACHE_TLS_CA),
        },
      }),
    createPartitions: (settings, scope) =>
      new ValkeyPartitions({ ...scope, connection: connectionTo(settings, 'QUEUE', 'Valkey or Redis') }),
  },
};

function queueInCache(title: string): CacheEngineDefinition {
  const connection = (settings: Settings) => connectionTo(settings, 'CACHE', title);
  return {
    title,
    createBuffer: (settings, options) => new ValkeyBuffer({ ...options, connection: connection(settings) }),
    createPartitions: (settings, scope) =>
      new ValkeyPartitions({ ...scope, connection: connection(settings) }),
  };
}

/** The server that keeps the queue. */
function connectionTo(settings: Settings, variables: 'CACHE' | 'QUEUE', title: string): ValkeySettings {
  return {
    title,
    variables,
    host: settings[`${variables}_HOST`] ?? '',
    port: settings[`${variables}_PORT`],
    username: settings[`${variables}_USERNAME`],
    password: settings[`${variables}_PASSWORD`],
    tls: settings[`${variables}_TLS`],
    tlsCa: readCa(`${variables}_TLS_CA`, settings[`${variables}_TLS_CA`]),
    cluster: settings[`${variables}_CLUSTER`],
    connectTimeoutMs: settings.CACHE_CONNECT_TIMEOUT_MS,
    commandTimeoutMs: settings.CACHE_COMMAND_TIMEOUT_MS,
  };
}
