/**
 * The user that the engine runs as: it may read what flights are read from, change two columns of them, and add to the
 * audit trail. It can create, alter and drop nothing.
 */
import { type DatabaseAccount, databaseEngine, type SqlConnection } from '@afterwrite/write-behind';
import { flightsIn } from '../databases/index.ts';

/**
 * Makes the engine's tables, the account with this password, and its rights, in the connection's current database, whose
 * own tables are there. Safe to repeat: an account that exists gets the password and what it lacks, and keeps the rest.
 * The connection's user needs the rights to create tables and users and to grant. Throws as `SqlConnection` does.
 */
export async function createFlightsUser(
  connection: SqlConnection,
  { password, ...account }: DatabaseAccount & { readonly password: string },
): Promise<void> {
  const { tables, grants } = databaseEngine({ DB_ENGINE: connection.engine });
  await connection.migrate(tables);
  await connection.createAccount(account, password);
  await connection.grant(account, [...grants, ...flightsIn[connection.engine].texts.grants]);
}
