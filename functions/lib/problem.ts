/**
 * Errors as RFC 9457 problem documents. `type` is stable and meant for programs. Nothing of the inside leaves in one: no
 * stack, no text of a database error, no host name; these are in the log under the request id.
 */
import {
  AfterwriteError,
  IdempotencyKeyReusedError,
  LimitError,
  NotFoundError,
  OutcomeUnknownError,
  PartitionsChangedError,
  QueueFullError,
  ValidationError,
  VersionConflictError,
} from '@afterwrite/write-behind';

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The field, parameter or header at fault. */
  readonly field?: string;
  readonly limit?: string;
  readonly currentVersion?: string;
}

export const problemTypes = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'invalid-field': { status: 400, title: 'A field is not right' },
  unauthenticated: { status: 401, title: 'The caller is not known' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'This path does not take this verb' },
  'version-conflict': { status: 412, title: 'Somebody was faster' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'Only JSON is taken' },
  'idempotency-key-reused': { status: 422, title: 'This idempotency key was used for another request' },
  'limit-reached': { status: 429, title: 'A limit was reached' },
  internal: { status: 500, title: 'Something went wrong here' },
  unavailable: { status: 503, title: 'A server is away; nothing was written' },
  'outcome-unknown': { status: 503, title: 'The update may have been accepted or not' },
} as const;

export type ProblemType = keyof typeof problemTypes;

/** Seconds after which a caller may try again: about one reconnect, one round of the flusher. */
const RETRY_AFTER_SECONDS = { unavailable: 1, full: 5, most: 60 };

export class Problem extends Error {
  readonly document: ProblemDocument;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    type: ProblemType,
    detail: string,
    more: Pick<ProblemDocument, 'field' | 'limit' | 'currentVersion'> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.document = { type: `urn:afterwrite:problem:${type}`, ...problemTypes[type], detail, ...more };
    this.headers = headers;
  }
}

/** The problem that an error is to a caller. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ValidationError) {
    return new Problem('invalid-field', error.message, { field: error.field });
  }
  if (error instanceof NotFoundError) return new Problem('not-found', error.message);
  if (error instanceof VersionConflictError) {
    const { currentVersion } = error;
    return new Problem('version-conflict', error.message, { field: 'If-Match', currentVersion });
  }
  if (error instanceof IdempotencyKeyReusedError) {
    return new Problem('idempotency-key-reused', error.message, { field: 'Idempotency-Key' });
  }
  if (error instanceof LimitError) {
    return new Problem(
      'limit-reached',
      error.message,
      { limit: error.limit },
      retryAfter(secondsUntilRoom(error)),
    );
  }
  if (error instanceof OutcomeUnknownError) {
    const detail = 'Its reply was lost. Send it again with the same Idempotency-Key to find out.';
    return new Problem('outcome-unknown', detail, {}, retryAfter(RETRY_AFTER_SECONDS.unavailable));
  }
  // Not this process, but the next one that a deployment starts.
  if (error instanceof PartitionsChangedError || (error instanceof AfterwriteError && error.retryable)) {
    return new Problem(
      'unavailable',
      UNAVAILABLE[error.code] ?? 'Try again.',
      {},
      retryAfter(RETRY_AFTER_SECONDS.unavailable),
    );
  }
  return new Problem('internal', 'It is in the log under the request id.');
}

const UNAVAILABLE: Partial<Record<string, string>> = {
  BUFFER_UNAVAILABLE: 'The cache cannot be reached: updates are refused, reads come from the database.',
  BUFFER_FULL: 'The cache is at its memory limit: updates are refused until the queue has been drained.',
  STORE_UNAVAILABLE: 'The database cannot be reached, and this is not in the cache.',
  UPDATES_PENDING: 'Earlier updates of it must reach the database first, and have not yet.',
  PARTITIONS_CHANGING: 'The queue is being rebuilt: updates are refused, reads come from the database.',
  PARTITIONS_CHANGED: 'The queue was rebuilt, and this process has not been replaced yet.',
  CONTENDED: 'Too many change it at the same time.',
};

/** As the drain rate of the queue says, within limits: it may be drained faster soon, and callers forget. */
function secondsUntilRoom(error: LimitError): number {
  const waitMs = error instanceof QueueFullError ? error.retryAfterMs : undefined;
  if (waitMs === undefined) return RETRY_AFTER_SECONDS.full;
  return Math.min(RETRY_AFTER_SECONDS.most, Math.max(1, Math.ceil(waitMs / 1000)));
}

function retryAfter(seconds: number): Record<string, string> {
  return { 'retry-after': String(seconds) };
}
