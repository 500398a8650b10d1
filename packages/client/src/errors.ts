/** Every error that the client throws on purpose. `retryable`: the same call may succeed later without anybody mending anything. */
import type { ProblemDocument, WriteAnswer } from './types.ts';

interface AfterwriteClientErrorOptions {
  readonly code: string;
  readonly retryable: boolean;
  /** The key that the update was sent with. */
  readonly idempotencyKey?: string | undefined;
  readonly cause?: unknown;
}

export class AfterwriteClientError extends Error {
  /** Stable, for programs. */
  readonly code: string;
  readonly retryable: boolean;
  /**
   * Of an update: send it again with this key, and it is carried out once, whatever became of the attempts so far.
   * undefined for all other calls.
   */
  readonly idempotencyKey: string | undefined;

  constructor(message: string, { code, retryable, idempotencyKey, cause }: AfterwriteClientErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = retryable;
    this.idempotencyKey = idempotencyKey;
  }
}

interface ApiProblemOptions {
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly idempotencyKey?: string | undefined;
}

const PREFIX = 'urn:afterwrite:problem:';

/**
 * The API answered with an error (RFC 9457). `code` is the last part of `type` (`VERSION_CONFLICT`), or `HTTP_<status>`
 * where what answered was not the API but something in between.
 */
export class ApiProblem extends AfterwriteClientError {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The field, parameter or header at fault. */
  readonly field: string | undefined;
  /** The setting whose limit was reached. */
  readonly limit: string | undefined;
  /** The version that the flight has, where it is not the one asked for. */
  readonly currentVersion: string | undefined;
  /** How long the API asks to be left alone; undefined where it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(document: ProblemDocument, { retryable, retryAfterMs, idempotencyKey }: ApiProblemOptions) {
    const { type, title, status, detail } = document;
    const code = type.startsWith(PREFIX)
      ? type.slice(PREFIX.length).replaceAll('-', '_').toUpperCase()
      : `HTTP_${status}`;
    super(`${status} ${title}: ${detail}`, { code, retryable, idempotencyKey });
    this.type = type;
    this.title = title;
    this.status = status;
    this.detail = detail;
    this.field = document.field;
    this.limit = document.limit;
    this.currentVersion = document.currentVersion;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer: the API cannot be reached, took too long, or what came back cannot be read. An update may have arrived. */
export class ApiUnreachableError extends AfterwriteClientError {
  declare readonly code: 'UNREACHABLE' | 'TIMEOUT' | 'UNREADABLE_ANSWER';

  constructor(code: ApiUnreachableError['code'], message: string, cause?: unknown, idempotencyKey?: string) {
    super(message, { code, retryable: true, idempotencyKey, cause });
  }
}

/** `waitUntilStored`: the update is not in the database. `write` says what became of it. */
export class WriteNotStoredError extends AfterwriteClientError {
  declare readonly code: 'WRITE_PENDING' | 'WRITE_DEAD' | 'WRITE_LOST';
  readonly write: WriteAnswer;

  constructor(receipt: string, state: 'pending' | 'dead' | 'lost', write: WriteAnswer) {
    const words = {
      pending: 'waits still',
      dead: `was refused by the database${write.reason === undefined ? '' : ` (${write.reason})`}`,
      lost: 'is neither in the queue nor in the database',
    };
    super(`The update ${receipt} ${words[state]}.`, {
      code: `WRITE_${state.toUpperCase()}`,
      retryable: state === 'pending',
    });
    this.write = write;
  }
}
