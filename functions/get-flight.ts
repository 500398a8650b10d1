/** GET /flights/{flightId}: from the cache, else from the database; ETag and If-None-Match by version. */
import { flightCache } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';
import { matchesAny } from './lib/etag.ts';
import { record } from './lib/telemetry.ts';

const SOURCES = { CACHE_HIT: 'CacheHits', CACHE_MISS: 'CacheMisses', CACHE_BYPASS: 'CacheBypasses' } as const;

const getFlight: Operation = async ({ parameter, header }) => {
  const cache = await flightCache();
  const { value, ...read } = await cache.getFlight(parameter('flightId'));
  record(SOURCES[read.source], 1);
  record('ReadLatency', read.latencyMs);
  const headers = { etag: `"${read.version}"` };
  if (matchesAny(header('if-none-match'), read.version)) return { status: 304, headers };
  return { status: 200, body: { flight: value, ...read }, headers };
};

export const handler = apiFunction({ 'GET /flights/{flightId}': getFlight });
