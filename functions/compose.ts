/**
 * The functions' one composition root: builds clients lazily, once an environment, and hands the same ones to every
 * invocation. Nothing connects at import. Where opening fails the next invocation tries again.
 */
import { FlightCache } from '@afterwrite/flights';
import { parseSettings } from '@afterwrite/write-behind';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { readSecrets } from './lib/secrets.ts';
import { logger } from './lib/telemetry.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * One environment serves one request at a time: few connections, and limits that leave a function's own time limit
 * (10 s) room for an answer. The deployment's own variables go before these.
 */
const DEFAULTS: Environment = {
  DB_POOL_SIZE: '3',
  QUEUE_FLUSH_CONCURRENCY: '2',
  DB_CONNECT_TIMEOUT_MS: '3000',
  DB_STATEMENT_TIMEOUT_MS: '5000',
  CACHE_CONNECT_TIMEOUT_MS: '1500',
  CACHE_COMMAND_TIMEOUT_MS: '2000',
  CACHE_WAIT_MS: '3000',
};

/** A pause this long may have been a freeze in which connections died: they are tried before they are used, ms. */
const STALE_AFTER_MS = 30_000;

let opening: Promise<FlightCache> | undefined;
let lastUsedAt = 0;
let lambda: LambdaClient | undefined;

/** The cache, connected. Throws what `FlightCache.open` throws. */
export async function flightCache(environment: Environment = process.env): Promise<FlightCache> {
  const cache = await (opening ??= open(environment));
  const now = Date.now();
  // A dead connection is replaced by the attempt that finds it; an update must not be that attempt.
  if (now - lastUsedAt > STALE_AFTER_MS && lastUsedAt !== 0) await cache.ping().catch(() => undefined);
  lastUsedAt = now;
  return cache;
}

export function lambdaClient(): LambdaClient {
  return (lambda ??= new LambdaClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: 3000, connectionTimeout: 1000 },
  }));
}

/** For tests, and for a process that ends: the next call opens anew. */
export async function closeClients(): Promise<void> {
  const cache = await opening?.catch(() => undefined);
  opening = undefined;
  lastUsedAt = 0;
  await cache?.close();
  lambda?.destroy();
  lambda = undefined;
}

async function open(environment: Environment): Promise<FlightCache> {
  try {
    const settings = parseSettings({ ...DEFAULTS, ...environment, ...(await readSecrets(environment)) });
    return await FlightCache.open(settings, { logger: toEngineLogger() });
  } catch (error) {
    opening = undefined;
    throw error;
  }
}

function toEngineLogger() {
  const details = (more?: Record<string, unknown>) => more ?? {};
  return {
    debug: (message: string, more?: Record<string, unknown>) => {
      logger.debug(message, details(more));
    },
    info: (message: string, more?: Record<string, unknown>) => {
      logger.info(message, details(more));
    },
    warn: (message: string, more?: Record<string, unknown>) => {
      logger.warn(message, details(more));
    },
    error: (message: string, more?: Record<string, unknown>) => {
      logger.error(message, details(more));
    },
  };
}
