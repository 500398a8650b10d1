/** Schema and data, before the engine opens the database. */
import { createFlughafenSchema, seedFlights } from '@afterwrite/flights';
import {
  AfterwriteError,
  connectDatabase,
  databaseEngine,
  type Settings,
  type SqlConnection,
} from '@afterwrite/write-behind';

/** The database cannot be used as it is; the message says what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
}

/**
 * One connection of our own, in UTC; the database is not chosen unless asked for, as it may not exist yet. An abort
 * destroys it, and what is under way on it fails.
 */
export async function withDatabase<T>(
  settings: Settings,
  { useDatabase, signal }: { readonly useDatabase: boolean; readonly signal?: AbortSignal | undefined },
  work: (connection: SqlConnection) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  try {
    const connection = await connectDatabase(settings, { useDatabase });
    const destroy = () => {
      connection.destroy();
    };
    signal?.addEventListener('abort', destroy);
    try {
      return await work(connection);
    } finally {
      signal?.removeEventListener('abort', destroy);
      await connection.close().catch(() => undefined);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw explained(error, settings);
  }
}

export interface FillOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** A local engine's database: made, and filled once; flights that are there, whoever wrote them, stay as they are. */
export async function fillLocalDatabase(settings: Settings, options: FillOptions): Promise<void> {
  const { signal, onProgress } = options;
  await withDatabase(settings, { useDatabase: false, signal }, async (connection) => {
    await createFlughafenSchema(connection, { database: settings.DB_NAME });
    const flights = await connection.rows('SELECT 1 FROM flight LIMIT 1');
    if (flights.length > 0) return;
    onProgress?.('filling the database with flights (once)');
    await seedFlights(connection, {
      onProgress: ({ done, total }) =>
        onProgress?.(
          `${done.toLocaleString('en')} of ${total.toLocaleString('en')} flights are in the database`,
        ),
    });
  });
}

/** A database that the user named is theirs: it must have its tables already. */
export async function requireTables(settings: Settings, signal?: AbortSignal): Promise<void> {
  await withDatabase(settings, { useDatabase: true, signal }, async (connection) => {
    for (const table of ['flight', 'flight_log']) await connection.rows(`SELECT 1 FROM ${table} LIMIT 0`);
  });
}

/** Only what the database or the network said; mistakes of ours keep their own words. */
function explained(error: unknown, settings: Settings): unknown {
  if (!(error instanceof AfterwriteError)) return error;
  const engine = databaseEngine(settings);
  const place = `${settings.DB_HOST}:${String(settings.DB_PORT)}`;
  const what = engine.missing(error);
  if (what === undefined)
    return new DatabaseError(`${engine.title} at ${place}: ${error.message}`, { cause: error });
  const isNot = what === 'DATABASE' ? 'does not exist' : 'does not have the tables of flughafendb';
  return new DatabaseError(
    `The database ${settings.DB_NAME} on ${place} ${isNot}: set DB_NAME, or make it with \`npm run seed\`.`,
    { cause: error },
  );
}
