/** The user that the engine runs as in tests: it may do what the engine does, and nothing else. */
import { engineGrants, engineTables } from '@afterwrite/write-behind';
import type { Connection } from 'mysql2/promise';
import { markedSecret } from './capture.ts';

/** In the connection's current database; `rights` on the entity's own tables, each `VERBS ON table`. */
export async function makeAppUser(
  db: Connection,
  user: string,
  rights: readonly string[],
): Promise<{ DB_USER: string; DB_PASSWORD: string }> {
  const account = { user, host: '%' };
  const password = markedSecret('db');
  for (const statement of engineTables()) await db.query(statement);
  await db.query('CREATE USER ?@? IDENTIFIED BY ?', [user, account.host, password]);
  const own = rights.map((right) => `GRANT ${right} TO '${user}'@'%'`);
  for (const statement of [...engineGrants(account), ...own]) await db.query(statement);
  return { DB_USER: user, DB_PASSWORD: password };
}
