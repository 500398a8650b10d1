/**
 * Makes the database and the public schema's five tables where they are missing. What exists is never altered,
 * so a database loaded from the public dump, or one that is in use, comes out of this as it went in.
 */
import type { Connection } from 'mysql2/promise';
import { sql } from './sql.generated.ts';

export interface FlughafenSchemaOptions {
  /** Name of the database, unquoted. */
  readonly database: string;
}

/**
 * Creates `database` (utf8mb4, utf8mb4_unicode_ci) and its tables if they are missing; safe to repeat, also by
 * several processes at once. Afterwards `database` is the connection's current database.
 *
 * The connection's user needs the right to create tables there, and, if there is none, the database.
 * Errors of the server are thrown as mysql2 gives them.
 */
export async function createFlughafenSchema(
  connection: Connection,
  { database }: FlughafenSchemaOptions,
): Promise<void> {
  const name = quoteName(database);
  await connection.query(
    `CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
  );
  await connection.query(`USE ${name}`);
  for (const statement of sql.flughafendb) await connection.query(statement);
}

/** mysql2's own `escapeId` would take a name with a dot in it for two names. */
function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
