/**
 * What an error of MySQL or MariaDB means for the flush (invariant 10): try again, park the update, or stop the partition.
 * The numbers that only one of the two knows so are in its dialect.
 */
import {
  AfterwriteError,
  ConfigurationError,
  StoreDataError,
  StoreError,
  StoreUnavailableError,
} from '../../errors.ts';
import type { MysqlDialect } from './dialect.ts';

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

/** ER_OPTION_PREVENTS_STATEMENT: also raised by options that no waiting changes. */
const OPTION_PREVENTS_STATEMENT = 1290;

interface MysqlErrorShape {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly message: string;
}

export type ErrorRules = Pick<MysqlDialect, 'title' | 'retry' | 'refusals'>;

export function storeError(error: unknown, { title, retry, refusals }: ErrorRules): AfterwriteError {
  if (error instanceof AfterwriteError) return error;
  const shape: MysqlErrorShape = error instanceof Error ? error : { message: String(error) };
  const { code = '', errno = 0, sqlState = '', message } = shape;
  const readOnly = errno === OPTION_PREVENTS_STATEMENT && /read.only/i.test(message);
  const passing = retry.get(errno) ?? (RETRY_CODES.has(code) ? code : undefined);
  if (passing !== undefined || readOnly) {
    return new StoreUnavailableError(`${title}: ${passing ?? 'server is read-only'} (${message})`, error);
  }
  if (sqlState.startsWith('22') || sqlState.startsWith('23') || refusals.has(errno)) {
    return new StoreDataError(`${title} ${String(errno)} ${sqlState}: ${message}`, error);
  }
  if (/closed state|Connection lost|Pool is closed/i.test(message)) {
    return new StoreUnavailableError(`${title}: ${message}`, error);
  }
  return new StoreError(`${title} ${code === '' ? '' : `${code} `}${sqlState}: ${message}`, error);
}

/** A user without any right on a table is not told whether it is there: database, table, column. */
const DENIED = new Set([1044, 1142, 1143]);

/** undefined unless the server refused it for want of a right. `who`: as in `MySQL's user app`. */
export function rightsFault(who: string, error: unknown): ConfigurationError | undefined {
  const { cause, message } = error as { cause?: { errno?: number }; message: string };
  if (!DENIED.has(cause?.errno ?? 0)) return undefined;
  return new ConfigurationError(
    `${who} lacks a right on the afterwrite_ tables, or they are missing and it may not make them. Somebody ` +
      `who may has to: see "The database's user" in docs/OPERATIONS.md. (${message})`,
    {},
    error,
  );
}

/** Whether the server itself said so, on a connection that stands. */
export function isReply(error: unknown): boolean {
  const { cause } = error as { cause?: { errno?: number } };
  return (cause?.errno ?? 0) > 0;
}

const UNKNOWN_SYSTEM_VARIABLE = 1193;
const MISSING = new Map<number | undefined, 'DATABASE' | 'TABLE'>([
  [1049, 'DATABASE'],
  [1146, 'TABLE'],
]);

export function whatIsMissing(error: unknown): 'DATABASE' | 'TABLE' | undefined {
  return MISSING.get(lastingErrno(error));
}

export function isMissingTable(error: unknown): boolean {
  return whatIsMissing(error) === 'TABLE';
}

export function isUnknownVariable(error: unknown): boolean {
  return lastingErrno(error) === UNKNOWN_SYSTEM_VARIABLE;
}

function lastingErrno(error: unknown): number | undefined {
  if (!(error instanceof AfterwriteError) || error.retryable) return undefined;
  const { cause } = error as { cause?: { errno?: number } };
  return cause?.errno;
}
