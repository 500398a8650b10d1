/** GET /flights/{flightId}/log: the audit trail, newest first, paged by time. */
import { parseTime } from '@afterwrite/flights';
import { flightCache } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';
import { logQuery } from './lib/schemas.ts';

const flightLog: Operation = async ({ parameter, query }) => {
  const { limit, before } = query(logQuery);
  const until = before === undefined ? undefined : parseTime('before', before);
  const cache = await flightCache();
  return { status: 200, body: await cache.audit(parameter('flightId'), { limit, before: until }) };
};

export const handler = apiFunction({ 'GET /flights/{flightId}/log': flightLog });
