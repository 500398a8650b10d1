/**
 * Makes the engine's own tables, at deploy; safe to repeat. With FLIGHT_LOG_INDEX=1 also an index by which the audit
 * trail of one flight is read quickly; it is left out otherwise, because flight_log is the application's own table.
 */
import { createFlightLogIndex } from '@afterwrite/flights';
import middy from '@middy/core';
import { checkedFlightCache, withConnection } from './compose.ts';
import { observed } from './lib/telemetry.ts';

export const handler = middy()
  .use(observed())
  .handler(async () => {
    // Opening makes what is missing and checks what is there.
    await checkedFlightCache('flush');
    const isWanted = process.env.FLIGHT_LOG_INDEX === '1';
    const indexMade = isWanted && (await withConnection(createFlightLogIndex));
    return { migrated: true, indexMade };
  });
