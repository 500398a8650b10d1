/** Schema and data, before the engine opens the database. */
import { createFlughafenSchema, seedFlights } from '@afterwrite/flights';
import { isLoopback, mysqlTls, type Settings } from '@afterwrite/write-behind';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

/** The database cannot be used as it is; the message says what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
}

const UNKNOWN_DATABASE = 1049;
const NO_SUCH_TABLE = 1146;

/**
 * One connection of our own, in UTC; the database is not chosen unless asked for, as it may not exist yet. An abort
 * destroys it, and what is under way on it fails.
 */
export async function withMysql<T>(
  settings: Settings,
  { useDatabase, signal }: { readonly useDatabase: boolean; readonly signal?: AbortSignal | undefined },
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = settings;
  signal?.throwIfAborted();
  try {
    const connection = await createConnection({
      host: DB_HOST,
      port: DB_PORT,
      user: DB_USER,
      password: DB_PASSWORD,
      ...(useDatabase ? { database: DB_NAME } : {}),
      ...mysqlTls(settings),
      connectTimeout: settings.DB_CONNECT_TIMEOUT_MS,
      charset: 'utf8mb4_unicode_ci',
      timezone: 'Z',
      dateStrings: true,
    });
    const destroy = () => {
      connection.destroy();
    };
    signal?.addEventListener('abort', destroy);
    try {
      await connection.query("SET time_zone = '+00:00'");
      return await work(connection);
    } finally {
      signal?.removeEventListener('abort', destroy);
      await connection.end().catch(() => undefined);
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
  await withMysql(settings, { useDatabase: false, signal }, async (connection) => {
    await createFlughafenSchema(connection, { database: settings.DB_NAME });
    const [flights] = await connection.query<RowDataPacket[]>('SELECT 1 FROM flight LIMIT 1');
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
  await withMysql(settings, { useDatabase: true, signal }, async (connection) => {
    for (const table of ['flight', 'flight_log']) await connection.query('SELECT 1 FROM ?? LIMIT 0', [table]);
  });
}

function explained(error: unknown, settings: Settings): unknown {
  if (!(error instanceof Error)) return error;
  const { errno, code } = error as { errno?: number; code?: string };
  const place = `${settings.DB_HOST}:${String(settings.DB_PORT)}`;
  if (errno === UNKNOWN_DATABASE || errno === NO_SUCH_TABLE) {
    const what = errno === UNKNOWN_DATABASE ? 'does not exist' : 'does not have the tables of flughafendb';
    return new DatabaseError(
      `The database ${settings.DB_NAME} on ${place} ${what}: set DB_NAME, or make it with \`npm run seed\`.`,
      { cause: error },
    );
  }
  // Only what MySQL or the network said; mistakes of ours keep their own words.
  if (code === undefined || 'retryable' in error) return error;
  const hint =
    code === 'ER_ACCESS_DENIED_ERROR' && isLoopback(settings.DB_HOST) ? ' (DB_USER and DB_PASSWORD)' : '';
  // A refused connection on several addresses comes without a message.
  const said = error.message === '' ? code : error.message;
  return new DatabaseError(`MySQL at ${place}: ${said}${hint}`, { cause: error });
}
