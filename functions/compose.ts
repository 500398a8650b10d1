/**
 * The functions' one composition root: builds clients lazily, once an environment, and hands the same ones to every
 * invocation. Nothing connects at import.
 *
 * A server that is away at a cold start must not keep the other from being used: reads go on with either. But no update
 * is taken before both were checked once, because a partition count or an eviction policy that does not fit loses data.
 */
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import {
  AfterwriteError,
  bindPorts,
  cacheSettings,
  type CachePorts,
  connectDatabase,
  createPorts,
  parseSettings,
  type Settings,
  type SqlConnection,
} from '@afterwrite/write-behind';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { flushConcurrency, poolSizeFor } from './catalog.ts';
import { readSecrets } from './lib/secrets.ts';
import { observer } from './lib/observer.ts';
import { engineLogger, logger } from './lib/telemetry.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the clients are for: answering a request, or moving the queue. */
type Purpose = 'request' | 'flush';

/**
 * One environment serves one request at a time: few connections. A request's limits add up to less than a function's own
 * 10 s, so that it can answer; a flush has two minutes, and its statements hold thousands of rows. The deployment's own
 * variables go before these.
 */
const DEFAULTS: Readonly<Record<Purpose, Environment>> = {
  request: {
    QUEUE_FLUSH_CONCURRENCY: String(flushConcurrency.request),
    DB_CONNECT_TIMEOUT_MS: '2000',
    DB_STATEMENT_TIMEOUT_MS: '4000',
    DB_LOCK_WAIT_SECONDS: '2',
    CACHE_CONNECT_TIMEOUT_MS: '1000',
    CACHE_COMMAND_TIMEOUT_MS: '1500',
    CACHE_WAIT_MS: '2500',
  },
  flush: { QUEUE_FLUSH_CONCURRENCY: String(flushConcurrency.flush) },
};

/** A pause this long may have been a freeze in which connections died: they are tried before they are used, ms. */
const STALE_AFTER_MS = 30_000;

interface Clients {
  readonly cache: FlightCache;
  readonly ports: CachePorts;
  /** Servers that were not checked yet, with what they last said. */
  readonly unchecked: Map<Checked, unknown>;
  storeId?: string;
}

/** Both servers, and that they belong together. */
type Checked = 'buffer' | 'store' | 'binding';

let building: Promise<Clients> | undefined;
let lastUsedAt: number | undefined;
let lambda: LambdaClient | undefined;

/** For reads: also while a server is away. Throws ConfigurationError. */
export async function flightCache(): Promise<FlightCache> {
  const clients = await readyClients('request');
  return clients.cache;
}

/** For updates and flushes: both servers were checked. Throws what the one that is away says. */
export async function checkedFlightCache(purpose: Purpose = 'request'): Promise<FlightCache> {
  const { cache, unchecked } = await readyClients(purpose);
  const [reason] = unchecked.values();
  if (reason !== undefined) throw reason as Error;
  return cache;
}

/** Signs receipts: the name that the database was given at first use, which no answer shows. Throws while it is away. */
export async function receiptKey(): Promise<string> {
  const { storeId, unchecked } = await readyClients('request');
  if (storeId === undefined) throw unchecked.get('store') as Error;
  return storeId;
}

export function lambdaClient(): LambdaClient {
  lambda ??= new LambdaClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: 3000, connectionTimeout: 1000 },
  });
  return lambda;
}

/** One connection for what a migration does past the engine; closed afterwards. */
export async function withConnection<T>(
  work: (connection: SqlConnection, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = await readSettings('flush');
  const connection = await connectDatabase(settings);
  try {
    return await work(connection, settings);
  } finally {
    await connection.close();
  }
}

/** For tests, and for a process that ends: the next call builds anew. */
export async function closeClients(): Promise<void> {
  const clients = await building?.catch(() => undefined);
  building = undefined;
  lastUsedAt = undefined;
  lambda?.destroy();
  lambda = undefined;
  await clients?.cache.close();
}

async function readyClients(purpose: Purpose): Promise<Clients> {
  building ??= build(purpose).catch((error: unknown) => {
    building = undefined;
    throw error;
  });
  const clients = await building;
  await check(clients);
  const now = Date.now();
  // A dead connection is replaced by the attempt that finds it; an update must not be that attempt.
  if (lastUsedAt !== undefined && now - lastUsedAt > STALE_AFTER_MS) {
    await Promise.allSettled([clients.cache.pingBuffer(), clients.cache.pingStore()]);
  }
  lastUsedAt = now;
  return clients;
}

/** Throws ConfigurationError. */
async function readSettings(purpose: Purpose): Promise<Settings> {
  const environment = process.env;
  const chosen = { ...DEFAULTS[purpose], ...environment, ...(await readSecrets(environment)) };
  const poolSize = environment.DB_POOL_SIZE ?? String(poolSizeFor(Number(chosen.QUEUE_FLUSH_CONCURRENCY)));
  return parseSettings({ ...chosen, DB_POOL_SIZE: poolSize });
}

async function build(purpose: Purpose): Promise<Clients> {
  const settings = await readSettings(purpose);
  const ports = createPorts(flightEntity, settings, { logger: engineLogger, observer });
  const cache = new FlightCache(flightDefinition, ports, cacheSettings(settings));
  const notYet = new Error('not checked yet');
  return {
    cache,
    ports,
    unchecked: new Map([
      ['buffer', notYet],
      ['store', notYet],
    ]),
  };
}

/** Checks what was not checked yet; one that is away is tried again at the next invocation. */
async function check(clients: Clients): Promise<void> {
  const { ports, unchecked } = clients;
  if (unchecked.size === 0) return;
  const tryOpen = async (name: Checked, open: () => Promise<{ warnings: readonly string[] }>) => {
    if (!unchecked.has(name)) return;
    try {
      const { warnings } = await open();
      unchecked.delete(name);
      for (const warning of warnings) logger.warn(warning);
    } catch (error) {
      if (!(error instanceof AfterwriteError) || !error.retryable) throw error;
      unchecked.set(name, error);
    }
  };
  await Promise.all([
    tryOpen('buffer', () => ports.buffer.open()),
    tryOpen('store', async () => {
      const store = await ports.store.open();
      clients.storeId = store.storeId;
      return store;
    }),
  ]);
  const { storeId } = clients;
  if (unchecked.size === 1 && unchecked.has('binding') && storeId !== undefined) {
    await tryOpen('binding', async () => {
      await bindPorts(ports, storeId);
      return { warnings: [] };
    });
  }
}
