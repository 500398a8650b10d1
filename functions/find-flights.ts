/** GET /flights?flightno: which flights have this number, the newest departure first. */
import { flightCache } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';
import { findQuery } from './lib/schemas.ts';

const findFlights: Operation = async ({ query }) => {
  const search = query(findQuery);
  const cache = await flightCache();
  return { status: 200, body: { flights: await cache.findFlights(search) } };
};

export const handler = apiFunction({ 'GET /flights': findFlights });
