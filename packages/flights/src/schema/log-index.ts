/**
 * An index by which a flight's audit trail is read without reading the whole of it. The public schema has none; nothing
 * but speed depends on it, so it is made only where it is asked for.
 */
import type { SqlConnection } from '@afterwrite/write-behind';
import { flightsIn } from '../databases/index.ts';

/** Makes the index in the connection's current database where there is none; safe to repeat. True if it was made. */
export async function createFlightLogIndex(connection: SqlConnection): Promise<boolean> {
  const { texts } = flightsIn[connection.engine];
  const found = await connection.rows(texts.findLogIndex);
  if (found.length > 0) return false;
  await connection.run(texts.createLogIndex);
  return true;
}
