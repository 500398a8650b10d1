/**
 * An index by which a flight's audit trail is read without reading the whole of it. The public schema has none; nothing
 * but speed depends on it, so it is made only where it is asked for.
 */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { sql } from './sql.generated.ts';

/** Makes the index in the connection's current database where there is none; safe to repeat. True if it was made. */
export async function createFlightLogIndex(connection: Connection): Promise<boolean> {
  const [found] = await connection.query<RowDataPacket[]>(sql.findLogIndex);
  if (found.length > 0) return false;
  await connection.query(sql.createLogIndex);
  return true;
}
