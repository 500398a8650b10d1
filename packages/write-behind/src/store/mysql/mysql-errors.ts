/**
 * What a MySQL error means for the flush (invariant 10): try again, park the update, or stop the partition.
 * Numbers and SQLSTATEs are those of the MySQL Server Error Reference.
 */
import {
  AfterwriteError,
  ConfigurationError,
  StoreDataError,
  StoreError,
  StoreUnavailableError,
} from '../../errors.ts';

/** The statement may succeed later as it is. */
const RETRY_ERRNO = new Map([
  [1040, 'too many connections'],
  [1053, 'server is shutting down'],
  [1158, 'network read error'],
  [1159, 'network read timeout'],
  [1160, 'network write error'],
  [1161, 'network write timeout'],
  [1203, 'too many connections of this user'],
  [1205, 'lock wait timeout'],
  [1213, 'deadlock'],
  [1226, 'resource limit of this user'],
  [1317, 'query was interrupted'],
  [1792, 'transaction is read-only'],
  [1836, 'server is read-only'],
  [3024, 'statement took too long'],
  [3032, 'server is in offline mode'],
  [3168, 'server is not available'],
  [4031, 'server closed an idle connection'],
]);

/** What Node and the driver say when there is no connection or it was lost. */
const RETRY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  // Lost before it was secure; what is wrong with a certificate was told before.
  'HANDSHAKE_SSL_ERROR',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_PACKETS_OUT_OF_ORDER',
  'POOL_CLOSED_CONNECTION',
]);

/** Refused values whose SQLSTATE is not of class 22 or 23: truncated, wrong for the column, check constraint. */
const DATA_ERRNO = new Set([1265, 1366, 3819]);

/** ER_OPTION_PREVENTS_STATEMENT: also raised by options that no waiting changes. */
const OPTION_PREVENTS_STATEMENT = 1290;

interface MysqlErrorShape {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly message: string;
}

export function storeError(error: unknown): AfterwriteError {
  if (error instanceof AfterwriteError) return error;
  const shape: MysqlErrorShape = error instanceof Error ? error : { message: String(error) };
  const { code = '', errno = 0, sqlState = '', message } = shape;
  const readOnly = errno === OPTION_PREVENTS_STATEMENT && /read.only/i.test(message);
  const retry = RETRY_ERRNO.get(errno) ?? (RETRY_CODES.has(code) ? code : undefined);
  if (retry !== undefined || readOnly) {
    return new StoreUnavailableError(`MySQL: ${retry ?? 'server is read-only'} (${message})`, error);
  }
  if (sqlState.startsWith('22') || sqlState.startsWith('23') || DATA_ERRNO.has(errno)) {
    return new StoreDataError(`MySQL ${String(errno)} ${sqlState}: ${message}`, error);
  }
  if (/closed state|Connection lost|Pool is closed/i.test(message)) {
    return new StoreUnavailableError(`MySQL: ${message}`, error);
  }
  return new StoreError(`MySQL ${code === '' ? '' : `${code} `}${sqlState}: ${message}`, error);
}

/** A user without any right on a table is not told whether it is there: database, table, column. */
const DENIED = new Set([1044, 1142, 1143]);

/** undefined unless MySQL refused it for want of a right. */
export function rightsFault(user: string, error: unknown): ConfigurationError | undefined {
  const { cause, message } = error as { cause?: { errno?: number }; message: string };
  if (!DENIED.has(cause?.errno ?? 0)) return undefined;
  return new ConfigurationError(
    `MySQL's user ${user} lacks a right on the afterwrite_ tables, or they are missing and it may not make them. Somebody ` +
      `who may has to: see "The database's user" in docs/OPERATIONS.md. (${message})`,
    { user },
    error,
  );
}

/** Whether the server itself said so, on a connection that stands. */
export function isReply(error: unknown): boolean {
  const { cause } = error as { cause?: { errno?: number } };
  return (cause?.errno ?? 0) > 0;
}

const MISSING = new Map([
  [1049, 'DATABASE'],
  [1146, 'TABLE'],
] as const);

export function whatIsMissing(error: unknown): 'DATABASE' | 'TABLE' | undefined {
  if (!(error instanceof AfterwriteError) || error.retryable) return undefined;
  const { cause } = error as { cause?: { errno?: number } };
  return MISSING.get((cause?.errno ?? 0) as 1049 | 1146);
}

export function isMissingTable(error: unknown): boolean {
  return whatIsMissing(error) === 'TABLE';
}
