/**
 * The user that the engine runs as: it may read what flights are read from, change two columns of them, and add to the
 * audit trail. It can create, alter and drop nothing.
 */
import { engineGrants, engineTables, grantsFor, type MysqlAccount } from '@afterwrite/write-behind';
import type { Connection } from 'mysql2/promise';
import { sql } from '../store/sql.generated.ts';

/**
 * Makes the engine's tables, the account with this password, and its rights, in the connection's current database, whose
 * own tables are there. Safe to repeat: an account that exists gets the password and what it lacks, and keeps the rest.
 * The connection's user needs the rights to create tables and users and to grant. Errors are MySQL's.
 */
export async function createFlightsUser(
  connection: Connection,
  { password, ...account }: MysqlAccount & { readonly password: string },
): Promise<void> {
  for (const statement of engineTables()) await connection.query(statement);
  const values = [account.user, account.host, password];
  await connection.query('CREATE USER IF NOT EXISTS ?@? IDENTIFIED BY ?', values);
  await connection.query('ALTER USER ?@? IDENTIFIED BY ?', values);
  for (const statement of [...engineGrants(account), ...grantsFor(account, sql.grants)]) {
    await connection.query(statement);
  }
}
