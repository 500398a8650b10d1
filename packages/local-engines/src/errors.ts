/**
 * One class for everything that a caller of this package can get, told apart by `code`.
 * Its message is for a person: what failed and what to do.
 */
export type LocalEnginesErrorCode =
  /** Every rung that was tried failed; `reasons` has one line for each. */
  | 'NO_RUNG_WORKED'
  /** A value of LOCAL_ENGINES that is no mode. */
  | 'BAD_MODE'
  /** A value of DB_ENGINE or CACHE_ENGINE, or a name, that is no engine. */
  | 'BAD_ENGINE'
  /** Another live process, or another handle of this one, runs a server from this folder. */
  | 'DATA_DIR_IN_USE'
  /** The port that was asked for is taken. */
  | 'PORT_IN_USE'
  /** The server ended early or did not answer in time; the message has the end of its log. */
  | 'START_FAILED'
  /** Another process held a lock longer than allowed. */
  | 'LOCK_TIMEOUT'
  /** The three nodes did not become one cluster. */
  | 'CLUSTER_FAILED'
  /** The caller's signal was aborted. */
  | 'ABORTED';

export interface LocalEnginesErrorDetails {
  readonly retryable?: boolean;
  readonly reasons?: readonly string[];
  readonly cause?: unknown;
}

export class LocalEnginesError extends Error {
  override readonly name = 'LocalEnginesError';
  readonly code: LocalEnginesErrorCode;
  readonly retryable: boolean;
  /** One line for each rung that was tried, empty for other codes. */
  readonly reasons: readonly string[];

  constructor(code: LocalEnginesErrorCode, message: string, details: LocalEnginesErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.reasons = details.reasons ?? [];
  }
}

/** Why one rung cannot give an engine, in one line; the next rung is tried. Never leaves this package. */
export class RungFailure extends Error {
  override readonly name = 'RungFailure';
}

/** Errors after which trying another rung would be wrong or pointless. */
export function endsTheSearch(error: unknown): boolean {
  return error instanceof LocalEnginesError && error.code !== 'START_FAILED';
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new LocalEnginesError('ABORTED', 'Starting the local engines was interrupted.', {
      cause: signal.reason,
    });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
