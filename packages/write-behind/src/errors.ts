/**
 * Every error that the engine throws on purpose. `code` is stable and meant for programs, the message for people;
 * `retryable` says whether the same call may succeed later without anybody mending anything.
 */
import type { Durability } from './cache/durability.ts';
import type { ReconcileResult, UpdateResult } from './cache/results.ts';

export type ErrorCode =
  | 'VALIDATION'
  | 'NOT_FOUND'
  | 'VERSION_CONFLICT'
  | 'LIMIT_REACHED'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'UPDATES_PENDING'
  | 'CONTENDED'
  | 'BUFFER_FULL'
  | 'BUFFER_UNAVAILABLE'
  | 'OUTCOME_UNKNOWN'
  | 'FOREIGN_KEY_TYPE'
  | 'BUFFER_ERROR'
  | 'STORE_UNAVAILABLE'
  | 'STORE_ERROR'
  | 'STORE_DATA_REFUSED'
  | 'DURABILITY_NOT_REACHED'
  | 'RECONCILE_INTERRUPTED'
  | 'NEWER_FORMAT'
  | 'PARTITIONS_CHANGING'
  | 'PARTITIONS_CHANGED'
  | 'NOT_REPARTITIONED'
  | 'CONFIGURATION'
  | 'CLOSED';

interface AfterwriteErrorOptions {
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** What a person needs to act: names, ids and limits, never a secret. */
  readonly context?: Readonly<Record<string, unknown>>;
}

export class AfterwriteError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AfterwriteErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.context = options.context ?? {};
  }
}

/** The input was refused before anything was written. `field` names the field at fault. */
export class ValidationError extends AfterwriteError {
  readonly field: string;
  constructor(field: string, message: string) {
    super('VALIDATION', `${field}: ${message}`, { context: { field } });
    this.field = field;
  }
}

/** There is no such row. Nothing was queued. */
export class NotFoundError extends AfterwriteError {
  constructor(entity: string, id: string) {
    super('NOT_FOUND', `There is no ${entity} ${id}.`, { context: { entity, id } });
  }
}

/** `ifVersion` does not hold. `currentVersion` is what the cache holds now. Nothing was queued. */
export class VersionConflictError extends AfterwriteError {
  readonly currentVersion: string;
  constructor(id: string, wanted: string, currentVersion: string) {
    super('VERSION_CONFLICT', `${id} is at version ${currentVersion}, not ${wanted}: read it again.`, {
      context: { id, wanted, currentVersion },
    });
    this.currentVersion = currentVersion;
  }
}

/** A limit of the configuration was hit. `limit` names the setting, `value` its value. */
export class LimitError extends AfterwriteError {
  readonly limit: string;
  readonly value: number;
  constructor(limit: string, value: number, message: string, options: AfterwriteErrorOptions = {}) {
    super('LIMIT_REACHED', `${message} (${limit} is ${String(value)})`, {
      ...options,
      context: { ...options.context, limit, value },
    });
    this.limit = limit;
    this.value = value;
  }
}

/** The partition's queue is at QUEUE_MAX_LENGTH. Nothing was queued; try again when the flushers have caught up. */
export class QueueFullError extends LimitError {
  /** When there should be room again, from how fast the partition was drained last; undefined where nobody knows. */
  readonly retryAfterMs: number | undefined;
  constructor(partition: number, value: number, retryAfterMs?: number) {
    super('QUEUE_MAX_LENGTH', value, `The queue of partition ${String(partition)} is full.`, {
      retryable: true,
      context: { partition, retryAfterMs },
    });
    this.retryAfterMs = retryAfterMs;
  }
}

/** The same idempotency key came with another request. Nothing was queued. */
export class IdempotencyKeyReusedError extends AfterwriteError {
  constructor(id: string) {
    super('IDEMPOTENCY_KEY_REUSED', `${id}: this idempotency key was used for a different update.`, {
      context: { id },
    });
  }
}

/** The value is not cached while its updates wait, and they could not be stored in time. Nothing was queued. */
export class UpdatesPendingError extends AfterwriteError {
  constructor(id: string, waitedMs: number) {
    super(
      'UPDATES_PENDING',
      `${id} has updates that the database does not have yet and its cached value is gone; ` +
        `they were not stored within ${String(waitedMs)} ms. Try again, and see why the flush is late.`,
      { retryable: true, context: { id, waitedMs } },
    );
  }
}

/** The cache was not emptied, because updates still wait that could not be stored. They stay in the queue. */
export class QueueNotEmptyError extends AfterwriteError {
  constructor(remaining: number, reason = 'new ones keep coming in') {
    super('UPDATES_PENDING', `${String(remaining)} updates wait, so the cache was not emptied: ${reason}`, {
      retryable: true,
      context: { remaining },
    });
  }
}

/** Others loaded or changed the entity at every attempt. Nothing was queued. */
export class ContendedError extends AfterwriteError {
  constructor(id: string, attempts: number) {
    super('CONTENDED', `${id} could not be loaded in ${String(attempts)} attempts: others were faster.`, {
      retryable: true,
      context: { id, attempts },
    });
  }
}

/** The buffer is at its memory limit. Nothing was queued; reads go on and draining makes room. */
export class BufferFullError extends AfterwriteError {
  constructor(cause: unknown, title = 'The cache') {
    super('BUFFER_FULL', `${title} is at its memory limit (maxmemory): the update was refused.`, {
      retryable: true,
      cause,
    });
  }
}

/** The buffer cannot be reached, or says itself that it cannot serve now. Nothing was queued. */
export class BufferUnavailableError extends AfterwriteError {
  constructor(message: string, cause?: unknown) {
    super('BUFFER_UNAVAILABLE', message, { retryable: true, cause });
  }
}

const REPEAT_WITH_KEY = 'Repeat the call with the same idempotency key to find out.';

/**
 * The command was sent and its reply was lost: the update may be queued or not. Never reported as refused.
 * The same call with the same idempotency key settles it.
 */
export class OutcomeUnknownError extends AfterwriteError {
  constructor(command: string, cause: unknown, advice = REPEAT_WITH_KEY) {
    super(
      'OUTCOME_UNKNOWN',
      `The reply to ${command} was lost: it may have been carried out or not. ${advice}`,
      { retryable: true, cause, context: { command } },
    );
  }
}

/**
 * The update was accepted and is queued, but not as safe as was asked for, for the reason that the message gives. Sent
 * again it would be another update. `accepted` is what the call would have answered without that wish.
 */
export class DurabilityError extends AfterwriteError {
  readonly accepted: UpdateResult;
  constructor(id: string, durability: Durability, reason: string, accepted: UpdateResult, cause?: unknown) {
    super(
      'DURABILITY_NOT_REACHED',
      `The update of ${id} is queued (version ${accepted.version}), but durability '${durability}' was not reached: ${reason}.`,
      { cause, context: { id, durability, version: accepted.version } },
    );
    this.accepted = accepted;
  }
}

/** A server failed while the cache was compared with it. `partial` is what was done before; nothing is half done. */
export class ReconcileInterruptedError extends AfterwriteError {
  readonly partial: ReconcileResult;
  constructor(partial: ReconcileResult, cause: AfterwriteError) {
    const after = `after ${String(partial.compared)} of the cached values were compared`;
    super('RECONCILE_INTERRUPTED', `The comparison ended ${after}: ${cause.message}`, {
      retryable: cause.retryable,
      cause,
      context: { compared: partial.compared, different: partial.different, dropped: partial.dropped },
    });
    this.partial = partial;
  }
}

/** A key under our prefix holds a type that is not ours. Nothing was written. */
export class ForeignKeyTypeError extends AfterwriteError {
  constructor(command: string, keys: readonly string[], cause: unknown) {
    super(
      'FOREIGN_KEY_TYPE',
      `${command}: a key of ours holds another type (one of ${keys.join(', ')}). ` +
        'Something else writes under this prefix: give it another, or set CACHE_NAMESPACE.',
      { cause, context: { command, keys } },
    );
  }
}

/** The buffer answered with an error that has no better name. */
export class BufferError extends AfterwriteError {
  constructor(command: string, cause: Error) {
    super('BUFFER_ERROR', `${command}: ${cause.message}`, { cause, context: { command } });
  }
}

/** The store cannot serve now: connection lost, deadlock, lock wait, failover, starting or stopping. */
export class StoreUnavailableError extends AfterwriteError {
  constructor(message: string, cause?: unknown) {
    super('STORE_UNAVAILABLE', message, { retryable: true, cause });
  }
}

/** The store refuses this data (SQLSTATE 22, 23): the update that carries it is parked. */
export class StoreDataError extends AfterwriteError {
  constructor(message: string, cause?: unknown) {
    super('STORE_DATA_REFUSED', message, { cause });
  }
}

/** Neither to be retried nor the data's fault: disk full, missing table, revoked right, or unknown. Stops a partition. */
export class StoreError extends AfterwriteError {
  constructor(message: string, cause?: unknown) {
    super('STORE_ERROR', message, { cause });
  }
}

/** The queue holds an item that newer code wrote. Stops a partition; the item waits, and nothing of it is parked. */
export class NewerFormatError extends AfterwriteError {
  constructor(format: number, known: number, context: Readonly<Record<string, unknown>>) {
    super(
      'NEWER_FORMAT',
      `The queue holds items of format ${String(format)}, this code knows up to ${String(known)}: deploy the newer version ` +
        'again, it goes on from here. Nothing is lost.',
      { context: { ...context, format, known } },
    );
  }
}

/** The number of partitions is being changed. Nothing was queued; reads come from the store meanwhile. */
export class PartitionsChangingError extends AfterwriteError {
  /** The change has ended, or was given up, by then. */
  readonly retryAfterMs: number;
  constructor(to: number, retryAfterMs: number) {
    super(
      'PARTITIONS_CHANGING',
      `The number of partitions is being changed to ${String(to)}: no update is taken, for ${String(Math.ceil(retryAfterMs / 1000))} s at the most.`,
      { retryable: true, context: { to, retryAfterMs } },
    );
    this.retryAfterMs = retryAfterMs;
  }
}

/** The number of partitions was changed since this process started. Nothing was queued or stored; reads come from the store. */
export class PartitionsChangedError extends AfterwriteError {
  constructor(partitions: number, own: number) {
    super(
      'PARTITIONS_CHANGED',
      `There are ${String(partitions)} partitions now, this process counts ${String(own)}: ` +
        `start it again with QUEUE_PARTITIONS=${String(partitions)}.`,
      { context: { partitions, own } },
    );
  }
}

/** The number of partitions was not changed; everything goes on as before. The message says what is in the way. */
export class RepartitionError extends AfterwriteError {
  constructor(reason: string) {
    super('NOT_REPARTITIONED', `The number of partitions was not changed: ${reason}.`, { retryable: true });
  }
}

/** A setting is missing, wrong, or does not fit the servers. The message names it and says what to do. */
export class ConfigurationError extends AfterwriteError {
  constructor(message: string, context: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super('CONFIGURATION', message, { context, cause });
  }
}

/** The cache was closed. */
export class ClosedError extends AfterwriteError {
  constructor() {
    super('CLOSED', 'This cache was closed: it takes no more calls.');
  }
}
