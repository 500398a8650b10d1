export { CacheAsideCache } from './cache-aside.ts';
export {
  openCacheAside,
  openCacheAsideFlights,
  openWriteThrough,
  openWriteThroughFlights,
} from './open-patterns.ts';
export type { CacheStep, PatternUpdateOptions, PatternUpdateResult } from './pattern-cache.ts';
export { WriteThroughCache } from './write-through.ts';
