/** The composition root of the engine: builds ports from settings and opens them. Nothing else creates a client. */
import { createHash, randomBytes } from 'node:crypto';
import { cacheEngines } from './buffer/engines.ts';
import { noticeLosses } from './cache/losses.ts';
import { type CachePorts, type CacheSettings, WriteBehindCache } from './cache/write-behind-cache.ts';
import { readCa } from './config/read-ca.ts';
import type { Settings } from './config/settings.ts';
import type { EntityDefinition, FieldValues } from './entity.ts';
import { ConfigurationError } from './errors.ts';
import { Flusher } from './flusher/flusher.ts';
import type { Observer } from './observer.ts';
import type { RepartitionPorts } from './repartition/repartition.ts';
import { type Logger, type Runtime, stderrLogger, systemRuntime } from './runtime.ts';
import type { ConnectOptions, DatabaseEngineDefinition, DatabaseSettings } from './store/engine.ts';
import { databaseEngines } from './store/engines.ts';
import type { DatabaseEngine, SqlConnection } from './store/sql-connection.ts';
import type { SqlMapping } from './store/sql-mapping.ts';

export interface EntityOptions<Value extends FieldValues, Changes extends FieldValues> {
  readonly definition: EntityDefinition<Value, Changes>;
  /** How the entity lies in each database that it may be stored in. */
  readonly mappings: Readonly<Partial<Record<DatabaseEngine, SqlMapping>>>;
}

export interface Surroundings {
  readonly logger?: Logger;
  readonly runtime?: Runtime;
  /** Told of each commit. */
  readonly observer?: Observer;
}

/** Waits between attempts at a batch; the number of attempts is a setting. */
const RETRY_MS = { firstMs: 50, mostMs: 2000 };
/** After a flush has used up its attempts: about a restart of the database's process. */
const BREAKER_FIRST_MS = 1000;

/**
 * Connects, checks what the engine relies on, makes the `afterwrite_` tables where they are missing. Throws
 * ConfigurationError, BufferUnavailableError or StoreUnavailableError; nothing stays open then.
 */
export async function openPorts<Value extends FieldValues, Changes extends FieldValues>(
  entity: EntityOptions<Value, Changes>,
  settings: Settings,
  surroundings: Surroundings = {},
): Promise<CachePorts> {
  const ports = createPorts(entity, settings, surroundings);
  try {
    const [buffer, store] = await Promise.all([ports.buffer.open(), ports.store.open()]);
    for (const warning of [...buffer.warnings, ...(buffer.notes ?? []), ...store.warnings])
      ports.logger.warn(warning);
    await bindPorts(ports, store.storeId);
    return ports;
  } catch (error) {
    await Promise.allSettled([ports.buffer.close(), ports.store.close()]);
    throw error;
  }
}

/** Throws ConfigurationError where the queue belongs to another database. */
export async function bindPorts({ buffer }: Pick<CachePorts, 'buffer'>, storeId: string): Promise<void> {
  const bound = await buffer.bindStore(storeId);
  if (bound.storeId === storeId) return;
  throw new ConfigurationError(
    `This queue belongs to another database (${shown(bound.storeId)}, this one is ${shown(storeId)}): updates would be stored in ` +
      'the wrong one. Set CACHE_NAMESPACE to tell the two apart. Only if the other database is gone for good, remove ' +
      `the key ${bound.key} and start again.`,
    { bound: shown(bound.storeId), storeId: shown(storeId) },
  );
}

/** Enough to compare, and no more: receipts are signed with the name itself. */
function shown(storeId: string): string {
  return createHash('sha256').update(storeId).digest('hex').slice(0, 8);
}

/** The cache of one entity, connected and checked: see `openPorts`. */
export async function openWriteBehindCache<Value extends FieldValues, Changes extends FieldValues>(
  entity: EntityOptions<Value, Changes>,
  settings: Settings,
  surroundings: Surroundings = {},
): Promise<WriteBehindCache<Value, Changes>> {
  const ports = await openPorts(entity, settings, surroundings);
  return new WriteBehindCache(entity.definition, ports, cacheSettings(settings));
}

/** The ports, not opened: for who must go on while a server is away. Everybody else takes `openPorts`. */
export function createPorts<Value extends FieldValues, Changes extends FieldValues>(
  { definition, mappings }: EntityOptions<Value, Changes>,
  settings: Settings,
  { logger = stderrLogger(), runtime = systemRuntime(), observer }: Surroundings = {},
): CachePorts {
  if (!/^[a-z0-9_-]{1,32}$/.test(definition.name)) {
    throw new ConfigurationError(
      `An entity's name must be 1 to 32 of a-z 0-9 _ -, not '${definition.name}'.`,
    );
  }
  const scope = {
    entity: definition.name,
    namespace: settings.CACHE_NAMESPACE,
    partitions: settings.QUEUE_PARTITIONS,
  };
  const buffer = cacheEngines[settings.CACHE_ENGINE].createBuffer(settings, {
    ...scope,
    logger,
    cacheTtlMs: settings.CACHE_TTL * 1000,
    missingTtlMs: settings.CACHE_MISSING_TTL * 1000,
    fillLeaseMs: settings.CACHE_FILL_LEASE_MS,
    queueMaxLength: settings.QUEUE_MAX_LENGTH,
    idempotencyTtlMs: settings.IDEMPOTENCY_TTL * 1000,
    idempotencyMaxAnswers: settings.IDEMPOTENCY_MAX_ANSWERS,
    uniqueName: () => runtime.uniqueName(),
    readLayout: () => store.readLayout(),
  });
  const mapping = mappings[settings.DB_ENGINE];
  if (!mapping) {
    throw new ConfigurationError(
      `DB_ENGINE is ${settings.DB_ENGINE}, but ${definition.name} has no mapping for it.`,
    );
  }
  const store = databaseEngine(settings).createStore({
    ...scope,
    connection: databaseSettings(settings),
    mapping,
    // Not the process's names, of which versions show the next and the last: what is signed with it could be forged.
    uniqueName: () => randomBytes(16).toString('hex'),
    maxBatchBytes: settings.QUEUE_BATCH_BYTES,
  });
  return { buffer, store, runtime, logger, observer };
}

function databaseSettings(settings: Settings): DatabaseSettings {
  return {
    host: settings.DB_HOST,
    port: settings.DB_PORT,
    database: settings.DB_NAME,
    user: settings.DB_USER,
    password: settings.DB_PASSWORD,
    tls: settings.DB_TLS,
    tlsCa: readCa('DB_TLS_CA', settings.DB_TLS_CA),
    poolSize: settings.DB_POOL_SIZE,
    connectTimeoutMs: settings.DB_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: settings.DB_STATEMENT_TIMEOUT_MS,
    idleTimeoutSeconds: settings.DB_IDLE_TIMEOUT_SECONDS,
    lockWaitSeconds: settings.DB_LOCK_WAIT_SECONDS,
  };
}

/** What `repartition` works on: see `openRepartition`. */
export interface OpenedRepartition extends RepartitionPorts {
  /** Of partitions as they are now. */
  readonly cache: CachePorts;
  readonly maxAnswers: number;
  close(): Promise<void>;
}

/**
 * Everything that changing the number of partitions to `to` needs, connected and checked. QUEUE_PARTITIONS does not
 * matter: the store knows how many there are.
 */
export async function openRepartition<Value extends FieldValues, Changes extends FieldValues>(
  entity: EntityOptions<Value, Changes>,
  settings: Settings,
  to: number,
  surroundings: Surroundings = {},
): Promise<OpenedRepartition> {
  const { name } = entity.definition;
  const store = databaseEngine(settings).createPartitions(databaseSettings(settings), [
    settings.CACHE_NAMESPACE,
    name,
  ]);
  try {
    await store.migrate();
    const { partitions, change } = await store.read();
    const cache = await openPorts(entity, { ...settings, QUEUE_PARTITIONS: partitions }, surroundings);
    const most = Math.max(partitions, to, change?.from ?? 0);
    const wide = createPorts(entity, { ...settings, QUEUE_PARTITIONS: most }, surroundings);
    const flusher = new Flusher({ ...cache, buffer: wide.buffer }, cacheSettings(settings).flusher);
    const buffer = cacheEngines[settings.CACHE_ENGINE].createPartitions(settings, {
      entity: name,
      namespace: settings.CACHE_NAMESPACE,
      partitions: most,
    });
    return {
      cache,
      store,
      buffer,
      runtime: cache.runtime,
      maxAnswers: settings.IDEMPOTENCY_MAX_ANSWERS,
      drain: (deadlineAt) => flusher.flushAll({ deadlineAt }),
      noticeLosses: () => noticeLosses(cache),
      close: async () => {
        await buffer.close();
        const open = [cache.buffer, cache.store, wide.buffer, wide.store, store];
        await Promise.allSettled(open.map((each) => each.close()));
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export function cacheSettings(settings: Settings): CacheSettings {
  return {
    waitMs: settings.CACHE_WAIT_MS,
    batchSize: settings.QUEUE_BATCH_SIZE,
    flushTimeoutMs: settings.QUEUE_FLUSH_TIMEOUT_MS,
    maxItemBytes: settings.QUEUE_ITEM_BYTES,
    whenFull: settings.QUEUE_WHEN_FULL,
    flusher: {
      maxBatchRows: settings.QUEUE_BATCH_ROWS,
      maxBatchBytes: settings.QUEUE_BATCH_BYTES,
      deadLetterLimit: settings.DEAD_LETTER_LIMIT,
      concurrency: settings.QUEUE_FLUSH_CONCURRENCY,
      leaseMs: settings.QUEUE_LEASE_MS,
      retry: { attempts: settings.QUEUE_RETRY_ATTEMPTS, ...RETRY_MS },
      breaker: {
        firstMs: Math.min(BREAKER_FIRST_MS, settings.QUEUE_BREAKER_MAX_MS),
        mostMs: settings.QUEUE_BREAKER_MAX_MS,
      },
    },
  };
}

/** What is particular to the database that the settings name. */
export function databaseEngine({ DB_ENGINE }: Pick<Settings, 'DB_ENGINE'>): DatabaseEngineDefinition {
  return databaseEngines[DB_ENGINE];
}

/**
 * A connection of one's own to the database that the settings name, past the engine: see `SqlConnection`. Throws
 * StoreUnavailableError, ConfigurationError or StoreError.
 */
export async function connectDatabase(settings: Settings, options?: ConnectOptions): Promise<SqlConnection> {
  return await databaseEngine(settings).connect(databaseSettings(settings), options);
}
