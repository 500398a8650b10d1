/** Servers, schema, data and the flight cache, opened together and closed in the reverse order whatever happens. */
import { FlightCache } from '@afterwrite/flights';
import type { Logger } from '@afterwrite/write-behind';
import { fillLocalDatabase, requireTables } from './database.ts';
import { type Servers, startServers, type StartServersOptions } from './servers.ts';

export interface FlightStack {
  readonly servers: Servers;
  readonly cache: FlightCache;
}

export interface FlightStackOptions extends StartServersOptions {
  readonly logger: Logger;
  /** The database that DB_HOST names is treated as a local engine's: made, and filled when it holds no flights. */
  readonly ownsDatabase?: boolean;
  /** All is open: nothing that was only progress needs to be shown any more. */
  readonly onReady?: () => void;
}

/**
 * Gives `work` an open stack. The cache is closed without a flush unless `work` did it. Throws what the servers, the
 * configuration or `work` threw.
 */
export async function withFlightStack<T>(
  options: FlightStackOptions,
  work: (stack: FlightStack) => Promise<T>,
): Promise<T> {
  const { signal, onProgress, logger, ownsDatabase = false } = options;
  const servers = await startServers(options);
  try {
    signal?.throwIfAborted();
    if (servers.database.isLocal || ownsDatabase)
      await fillLocalDatabase(servers.settings, { signal, onProgress });
    else await requireTables(servers.settings, signal);
    const cache = await FlightCache.open(servers.settings, { logger });
    try {
      signal?.throwIfAborted();
      options.onReady?.();
      return await work({ servers, cache });
    } finally {
      await cache.close();
    }
  } finally {
    await servers.stop();
  }
}
