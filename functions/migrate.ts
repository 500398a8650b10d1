/**
 * Makes the engine's own tables, at deploy; safe to repeat. Told to with `createSchema`, it makes the application's
 * tables first where they are missing, and with `flights` it fills them when they are empty: nobody else reaches the
 * database. With FLIGHT_LOG_INDEX=1 also an index by which the audit trail of one flight is read quickly; it is left out
 * otherwise, because flight_log is the application's own table.
 */
import { createFlightLogIndex, createFlughafenSchema, seedFlights } from '@afterwrite/flights';
import middy from '@middy/core';
import { checkedFlightCache, withConnection } from './compose.ts';
import { observed } from './lib/telemetry.ts';

export const handler = middy()
  .use(observed())
  .handler(async (event: unknown) => {
    const { createSchema: isSchemaWanted = false, flights = 0 } = (event ?? {}) as MigrateEvent;
    const seeded = isSchemaWanted ? await createSchema(flights) : 0;
    // Opening makes what is missing and checks what is there.
    await checkedFlightCache('flush');
    const isWanted = process.env.FLIGHT_LOG_INDEX === '1';
    const indexMade = isWanted && (await withConnection(createFlightLogIndex));
    return { migrated: true, indexMade, seeded };
  });

interface MigrateEvent {
  readonly createSchema?: boolean;
  readonly flights?: number;
}

/** How many flights are new. Rows that exist are never changed; a database with other data is left alone. */
async function createSchema(flights: number): Promise<number> {
  return await withConnection(async (connection, { DB_NAME }) => {
    await createFlughafenSchema(connection, { database: DB_NAME });
    if (flights === 0) return 0;
    const result = await seedFlights(connection, { flights });
    return result.outcome === 'FOREIGN_DATA' ? 0 : result.inserted;
  });
}
