/**
 * Real engines on any machine: finds, fetches, starts and stops the databases and caches. A stop leaves no
 * process behind; what a killed process left is ended by the next start, and nothing else ever is.
 */
export { startValkeyCluster, type ClusterOptions, type RunningCluster } from './cluster.ts';
export { LocalEnginesError, type LocalEnginesErrorCode } from './errors.ts';
export { type ChosenEngines, enginesOf, titleOf } from './choose.ts';
export { parseMode } from './find.ts';
export { fetchEngine } from './fetch.ts';
export { startEngine, startEngines, type RunningEngines } from './start.ts';
export { makeTemporaryDataDir, type TemporaryDataDir } from './temporary.ts';
export type {
  EngineName,
  Environment,
  FetchedEngine,
  FetchOptions,
  Mode,
  Rung,
  RunningEngine,
  StartOptions,
} from './types.ts';
