/** The user that the engine runs as in tests: it may do what the engine does, and nothing else. */
import { databaseEngine, type SqlConnection } from '@afterwrite/write-behind';
import { markedSecret } from './capture.ts';

/** In the connection's current database; `rights` on the entity's own tables, each `VERBS ON table`. */
export async function makeAppUser(
  sql: SqlConnection,
  user: string,
  rights: readonly string[],
): Promise<{ DB_USER: string; DB_PASSWORD: string }> {
  const { tables, grants } = databaseEngine({ DB_ENGINE: sql.engine });
  const password = markedSecret('db');
  await sql.migrate(tables);
  await sql.createAccount({ user }, password);
  await sql.grant({ user }, grants);
  const grantee = sql.engine === 'postgresql' ? sql.quote(user) : `${sql.quote(user)}@'%'`;
  for (const right of rights) await sql.run(`GRANT ${right} TO ${grantee}`);
  return { DB_USER: user, DB_PASSWORD: password };
}
