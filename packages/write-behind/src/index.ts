export { DURABILITIES, type Durability } from './cache/durability.ts';
export type { CachePorts, CacheSettings } from './cache/write-behind-cache.ts';
export type { LossReport } from './cache/losses.ts';
export { WriteBehindCache } from './cache/write-behind-cache.ts';
export { reconcileLimits } from './cache/reconcile.ts';
export type * from './cache/results.ts';
export type { WriteState } from './cache/write-state.ts';
export { isLoopback, parseSettings, readEnvironment, type Settings } from './config/settings.ts';
export { configurationPage } from './config/document.ts';
export type { EntityDefinition, FieldValues, Scalar, Update } from './entity.ts';
export { MAX_COMMENT_LENGTH, MAX_USER_LENGTH } from './entity.ts';
export * from './errors.ts';
export type { StoreAway } from './flusher/breaker.ts';
export type { FlushResult, StoppedPartition } from './flusher/result.ts';
export {
  bindPorts,
  cacheSettings,
  createPorts,
  connectDatabase,
  databaseEngine,
  type EntityOptions,
  type OpenedRepartition,
  openPorts,
  openRepartition,
  openWriteBehindCache,
  type Surroundings,
} from './open.ts';
export {
  abortRepartition,
  repartition,
  type RepartitionOptions,
  type RepartitionResult,
} from './repartition/repartition.ts';
export type { Logger, Runtime } from './runtime.ts';
export { stderrLogger, systemRuntime } from './runtime.ts';
export type { ConnectOptions, DatabaseEngineDefinition } from './store/engine.ts';
export type { DatabaseAccount, DatabaseEngine, SqlConnection } from './store/sql-connection.ts';
export type { SelectRows, SqlMapping, SqlValue, SqlWriter } from './store/sql-mapping.ts';
export type { CommittedBatch, ObservedUpdate, Observer } from './observer.ts';
export type { Position } from './position.ts';
export type { AuditPage, AuditQuery, DeadLetterReason, Row, RowChange } from './store/store.ts';
export { runWorker, type WorkerOptions } from './worker.ts';
