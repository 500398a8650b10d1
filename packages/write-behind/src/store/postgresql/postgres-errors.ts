/**
 * What a PostgreSQL error means for the flush (invariant 10): try again, park the update, or stop the partition.
 * SQLSTATEs are those of PostgreSQL's appendix "Error Codes"; messages may be in any language.
 */
import {
  AfterwriteError,
  ConfigurationError,
  StoreDataError,
  StoreError,
  StoreUnavailableError,
} from '../../errors.ts';
import type { DatabaseSettings } from '../engine.ts';

/** The statement may succeed later as it is. */
const RETRY_STATES = new Map([
  ['25006', 'server or transaction is read-only'],
  ['25P03', 'transaction idled for too long'],
  ['25P04', 'transaction took too long'],
  ['40001', 'serialization failure'],
  ['40003', 'whether the statement was completed is unknown'],
  ['40P01', 'deadlock'],
  ['53300', 'too many connections'],
  ['55P03', 'lock wait timeout'],
  ['57014', 'statement was cancelled or took too long'],
  ['57P01', 'server is shutting down'],
  ['57P02', 'server crashed'],
  ['57P03', 'server is starting up'],
  ['57P04', 'database was dropped'],
  ['57P05', 'server closed an idle connection'],
]);

/** What Node says when there is no connection or it was lost. */
const RETRY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** The driver's own errors have no code. */
const RETRY_MESSAGES =
  /Connection terminated|not queryable|timeout expired|timeout exceeded|after calling end on the pool|error establishing an SSL/i;

/** WITH CHECK OPTION of a view: of no class that says so. */
const CHECK_OPTION = '44000';
/** A value too long for an index, a row too long for its page; but also a server that has run out of transaction numbers. */
const PROGRAM_LIMIT = '54000';
const OUT_OF_NUMBERS = /TransactionId|MultiXact/i;
/** Of class 22, but ours: a text for COPY that is none. */
const BAD_COPY_TEXT = '22P04';

interface PostgresErrorShape {
  /** SQLSTATE, or Node's. */
  readonly code?: string;
  /** The server's own function. */
  readonly routine?: string;
  readonly message: string;
}

function isRefused({ code = '', routine = '' }: PostgresErrorShape): boolean {
  if (code === PROGRAM_LIMIT) return !OUT_OF_NUMBERS.test(routine);
  return (/^2[23]...$/.test(code) && code !== BAD_COPY_TEXT) || code === CHECK_OPTION;
}

export function storeError(error: unknown): AfterwriteError {
  if (error instanceof AfterwriteError) return error;
  const shape: PostgresErrorShape = error instanceof Error ? error : { message: String(error) };
  const { code = '', message } = shape;
  const retry =
    RETRY_STATES.get(code) ??
    (/^08...$/.test(code) ? 'connection failure' : RETRY_CODES.has(code) ? code : undefined);
  if (retry !== undefined) return new StoreUnavailableError(`PostgreSQL: ${retry} (${message})`, error);
  if (isRefused(shape)) return new StoreDataError(`PostgreSQL ${code}: ${message}`, error);
  if (code === '' && RETRY_MESSAGES.test(message))
    return new StoreUnavailableError(`PostgreSQL: ${message}`, error);
  return new StoreError(`PostgreSQL ${code === '' ? '' : `${code}: `}${message}`, error);
}

/** What a connection that was refused says of the settings, in words a person can act on. */
export function loginFault(settings: DatabaseSettings, error: unknown): ConfigurationError | undefined {
  const { host, port, database, user } = settings;
  const { code = '', message = '' } = error as Partial<PostgresErrorShape>;
  const advice =
    code === '28P01' || message.includes('client password must be')
      ? 'it does not take DB_USER with this DB_PASSWORD'
      : code === '28000'
        ? `it lets ${user} not in from here: see its pg_hba.conf, and whether it demands DB_TLS=true`
        : code === '3D000'
          ? `it has no database ${database}: make it, or set DB_NAME`
          : undefined;
  if (advice === undefined) return undefined;
  return new ConfigurationError(
    `PostgreSQL at ${host}:${String(port)} cannot be used: ${advice}. (${message})`,
    { database, user },
    error,
  );
}

/** SQLSTATE of the server's error that this one was made from. */
function stateOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : '';
}

/** Insufficient privilege; no schema in which it may create. */
const DENIED = new Set(['42501', '3F000']);

/** undefined unless PostgreSQL refused it for want of a right. */
export function rightsFault(user: string, error: unknown): ConfigurationError | undefined {
  if (!(error instanceof AfterwriteError) || !DENIED.has(stateOf(error))) return undefined;
  return new ConfigurationError(
    `PostgreSQL's user ${user} lacks a right on the afterwrite_ tables, or they are missing and it may not make them. Somebody ` +
      `who may has to: see "The database's user" in docs/OPERATIONS.md. (${error.message})`,
    { user },
    error,
  );
}

export function whatIsMissing(error: unknown): 'DATABASE' | 'TABLE' | undefined {
  const state = stateOf(error);
  return state === '3D000' ? 'DATABASE' : state === '42P01' ? 'TABLE' : undefined;
}

export function isMissingTable(error: unknown): boolean {
  return whatIsMissing(error) === 'TABLE';
}
