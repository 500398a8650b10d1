/**
 * Makes the database and the public schema's five tables where they are missing. What exists is never altered,
 * so a database loaded from the public dump, or one that is in use, comes out of this as it went in.
 */
import type { SqlConnection } from '@afterwrite/write-behind';
import { flightsIn } from '../databases/index.ts';
import { tables } from './tables.ts';

export interface FlughafenSchemaOptions {
  /** Name of the database, unquoted. */
  readonly database: string;
}

/** The statements that make the tables, for whoever runs them by hand. */
export function flughafenSchema(engine: SqlConnection['engine']): readonly string[] {
  return tables.flatMap((table) => flightsIn[engine].dialect.createTable(table, tables));
}

/**
 * Creates `database` (UTF-8) and its tables if they are missing; safe to repeat, also by several processes at once.
 * Afterwards `database` is the connection's current database.
 *
 * The connection's user needs the right to create tables there, and, if there is none, the database. Throws as
 * `SqlConnection` does.
 */
export async function createFlughafenSchema(
  connection: SqlConnection,
  { database }: FlughafenSchemaOptions,
): Promise<void> {
  await connection.enterDatabase(database);
  await connection.migrate(flughafenSchema(connection.engine));
}
