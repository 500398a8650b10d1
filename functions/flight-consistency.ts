/** GET /flights/{flightId}/consistency: cache and database side by side. */
import { flightCache } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';

const flightConsistency: Operation = async ({ parameter }) => {
  const cache = await flightCache();
  return { status: 200, body: await cache.verifyConsistency(parameter('flightId')) };
};

export const handler = apiFunction({ 'GET /flights/{flightId}/consistency': flightConsistency });
