/** Tables that may be made by several processes at once: two `CREATE TABLE IF NOT EXISTS` would both find none, and one fail. */
import type { PostgresClient } from './postgres-client.ts';

const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('afterwrite migrate', 0))";

export async function migrateTables(client: PostgresClient, statements: readonly string[]): Promise<void> {
  client.send('START TRANSACTION');
  client.send(LOCK);
  for (const statement of statements) client.send(statement);
  await client.commit();
}
