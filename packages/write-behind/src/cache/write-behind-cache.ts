/**
 * Write-behind cache of one entity: updates are taken at the buffer's speed and stored afterwards in batches; reads are
 * cache-aside. The ten promises are in docs/CONSISTENCY.md; how they are kept, in docs/ARCHITECTURE.md.
 */
import type { BufferPort, UpdateReply, UpdateRequest } from '../buffer/buffer.ts';
import {
  type EntityDefinition,
  type FieldValues,
  parseAttribution,
  parseEntityId,
  type Update,
} from '../entity.ts';
import * as errors from '../errors.ts';
import { withRetries } from '../flusher/backoff.ts';
import { Flusher, type FlusherSettings } from '../flusher/flusher.ts';
import type { FlushResult } from '../flusher/result.ts';
import { decodeItem, encodeItemTail } from '../item.ts';
import { formatPosition } from '../position.ts';
import type { Logger, Runtime } from '../runtime.ts';
import type { DeadLetter, LoadedRow, StorePort } from '../store/store.ts';
import { drainAndClear } from './clear.ts';
import { compare } from './consistency.ts';
import { Loader, type LoaderSettings } from './loader.ts';
import { readQueueStatus } from './queue-status.ts';
import { redriveLetter } from './redrive.ts';
import type { ClearResult, ConsistencyResult, DeadLetterInfo, QueueStatus, ReadResult } from './results.ts';
import type { ReadSource, RedriveOutcome, UpdateOptions, UpdateResult } from './results.ts';

export interface CachePorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

export interface CacheSettings extends LoaderSettings {
  readonly flusher: FlusherSettings;
  /** Updates that `processQueue` takes when it is not told. */
  readonly batchSize: number;
  /** How long `flushQueue` goes on when it is not told. */
  readonly flushTimeoutMs: number;
  /** Bytes that one queue item may have. */
  readonly maxItemBytes: number;
}

/** Rounds of asking, loading and asking again before an update gives up. */
const MAX_ATTEMPTS = 10;
/** Reads that lose against updates this often go past the cache. */
const MAX_READS = 5;
/** How often and how soon an update whose reply was lost is repeated, where its idempotency key allows it. */
const LOST_REPLY_RETRY = { attempts: 4, firstMs: 50, mostMs: 500 };
/** How soon an entity whose updates another flusher is storing is looked at again. */
const DRAIN_RECHECK_MS = 10;
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;
const LETTERS_PAGE = 100;

export class WriteBehindCache<Value extends FieldValues, Changes extends FieldValues> {
  readonly #definition: EntityDefinition<Value, Changes>;
  readonly #ports: CachePorts;
  readonly #settings: CacheSettings;
  readonly #flusher: Flusher;
  readonly #loader: Loader;
  #isClosed = false;

  /** Connects nothing: see `openWriteBehindCache`, which builds the ports from settings and opens them. */
  constructor(definition: EntityDefinition<Value, Changes>, ports: CachePorts, settings: CacheSettings) {
    this.#definition = definition;
    this.#ports = ports;
    this.#settings = settings;
    this.#flusher = new Flusher(ports, settings.flusher);
    this.#loader = new Loader(ports, settings, (id, deadlineAt) => this.#drain(id, deadlineAt));
  }

  /**
   * Reads one entity, cache-aside; one round trip to the buffer when it is cached.
   * Throws ValidationError (id), NotFoundError, ForeignKeyTypeError, and StoreUnavailableError on a miss.
   */
  async get(id: unknown): Promise<ReadResult<Value>> {
    const key = this.#begin(id);
    const startMs = this.#ports.runtime.monotonicMs();
    try {
      for (let attempt = 1; attempt <= MAX_READS; attempt++) {
        const cached = await this.#ports.buffer.read(key);
        if (cached)
          return this.#readResult(key, startMs, 'CACHE_HIT', {
            ...cached,
            query: null,
            pending: cached.dirty,
          });
        const outcome = await this.#loader.load(key);
        if (outcome.kind === 'FILLED') {
          const { row, version } = outcome;
          return this.#readResult(key, startMs, 'CACHE_MISS', { ...row, version, pending: false });
        }
        if (outcome.kind === 'BYPASSED') return this.#bypassed(key, startMs, outcome.row, outcome.pending);
      }
      return this.#bypassed(key, startMs, await this.#ports.store.load(key), null);
    } catch (error) {
      if (!isBufferAway(error)) throw error;
      return this.#bypassed(key, startMs, await this.#ports.store.load(key), null);
    }
  }

  /**
   * Accepts one update: value, version and queue item at once, or nothing; one round trip when the entity is cached.
   * Throws before anything is written: ValidationError, NotFoundError, VersionConflictError, QueueFullError,
   * LimitError, IdempotencyKeyReusedError, UpdatesPendingError, ContendedError, BufferFullError,
   * BufferUnavailableError, ForeignKeyTypeError, StoreUnavailableError. OutcomeUnknownError: nobody knows; the same
   * call with the same idempotency key settles it (and was tried, if there is one).
   */
  async update(id: unknown, changes: unknown, options: UpdateOptions): Promise<UpdateResult> {
    const key = this.#begin(id);
    const parsed = this.#definition.parseChanges(changes);
    const request: UpdateRequest = {
      id: key,
      changes: parsed,
      tail: this.#tail({ id: key, changes: parsed, ...parseAttribution(options.user, options.comment) }),
      ifVersion: options.ifVersion,
      idempotencyKey: parseIdempotencyKey(options.idempotencyKey),
      token: this.#ports.runtime.uniqueName(),
      base: undefined,
    };
    const { runtime, buffer } = this.#ports;
    const deadlineAt = runtime.now() + this.#settings.waitMs;
    let next = request;
    for (let attempt = 0, waits = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const reply = await this.#sendUpdate(next);
      switch (reply.kind) {
        case 'OK':
          return {
            version: formatPosition(reply.position),
            seq: reply.position.seq,
            cacheKey: buffer.cacheKey(key),
            queueLength: reply.queueLength,
            replayed: reply.replayed,
          };
        case 'MISS':
          next = await this.#withBase(next);
          break;
        case 'BUSY':
          if (!(await this.#loader.waitForOther(key, waits++, reply.leaseMs, deadlineAt))) break;
          attempt--; // Waiting is bounded by the deadline, not by the count.
          break;
        case 'RETRY':
          next = { ...request, token: runtime.uniqueName() };
          break;
        case 'PENDING':
          next = { ...request, token: runtime.uniqueName() };
          if (await this.#drain(key, deadlineAt)) break;
          throw new errors.UpdatesPendingError(key, this.#settings.waitMs);
        default:
          throw this.#refusal(request, reply);
      }
    }
    throw new errors.ContendedError(key, MAX_ATTEMPTS);
  }

  /** Stores at most `batchSize` of the oldest updates. What could not be stored is in `stopped`, with its reason. */
  async processQueue(options: { readonly batchSize?: number } = {}): Promise<FlushResult> {
    this.#assertOpen();
    const { batchSize = this.#settings.batchSize } = options;
    const most = this.#settings.flusher.maxBatchRows;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > most) {
      throw new errors.ValidationError('batchSize', `must be a whole number from 1 to ${String(most)}`);
    }
    return await this.#flusher.flushOldest({ deadlineAt: this.#flushDeadline(), maxUpdates: batchSize });
  }

  /**
   * Drains all partitions, several at a time, until nothing remains or the deadline has come. `remaining` and
   * `stopped` say what is left and why. `batchSize` caps one transaction.
   */
  async flushQueue(
    options: { readonly deadline?: Date; readonly batchSize?: number; readonly signal?: AbortSignal } = {},
  ): Promise<FlushResult> {
    this.#assertOpen();
    const { deadline, batchSize, signal } = options;
    return await this.#flusher.flushAll({
      deadlineAt: deadline?.getTime() ?? this.#flushDeadline(),
      ...(batchSize === undefined ? {} : { maxBatchRows: batchSize }),
      signal,
    });
  }

  /** Updates that wait, in all partitions. */
  async queueLength(): Promise<number> {
    this.#assertOpen();
    const lengths = await this.#ports.buffer.queueLengths();
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** What waits and why, a partition. Answers the buffer's part also while the store is away. */
  async queueStatus(): Promise<QueueStatus> {
    this.#assertOpen();
    return await readQueueStatus(this.#ports);
  }

  /** Parked updates, oldest first, after `afterLetterId`. */
  async deadLetters(
    page: { readonly afterLetterId?: number; readonly limit?: number } = {},
  ): Promise<readonly DeadLetterInfo[]> {
    this.#assertOpen();
    const { afterLetterId = 0, limit = LETTERS_PAGE } = page;
    const letters = await this.#ports.store.deadLetters({ afterLetterId, limit });
    return letters.map(describeLetter);
  }

  /**
   * Stores dead letters whose cause was mended, oldest first: these, or all. Each has its own outcome; one that newer
   * updates superseded, or that the store refuses still, stays.
   */
  async redrive(
    options: { readonly letterIds?: readonly number[] } = {},
  ): Promise<readonly RedriveOutcome[]> {
    this.#assertOpen();
    const { buffer, store } = this.#ports;
    const wanted = options.letterIds && new Set(options.letterIds);
    const outcomes: RedriveOutcome[] = [];
    for (let afterLetterId = 0; ;) {
      const page = await store.deadLetters({ afterLetterId, limit: LETTERS_PAGE });
      for (const letter of page) {
        afterLetterId = letter.letterId;
        if (wanted && !wanted.delete(letter.letterId)) continue;
        outcomes.push(await redriveLetter(buffer, store, letter));
      }
      if (page.length < LETTERS_PAGE) break;
    }
    for (const letterId of wanted ?? []) outcomes.push({ letterId, kind: 'GONE' });
    return outcomes;
  }

  /** Compares the cached value with the row. Throws NotFoundError when there is neither. */
  async verifyConsistency(id: unknown): Promise<ConsistencyResult<Value>> {
    const key = this.#begin(id);
    const result = await compare(this.#ports.buffer, this.#ports.store, key);
    if (result.cache === null && result.database === null)
      throw new errors.NotFoundError(this.#definition.name, key);
    return { ...result, cache: result.cache as Value | null, database: result.database as Value | null };
  }

  /**
   * Stores what waits, then drops everything cached: reads start from the store. No acknowledged update is lost, also
   * none that comes in meanwhile. Throws QueueNotEmptyError when updates could not be stored; they stay then.
   */
  async clear(): Promise<ClearResult> {
    this.#assertOpen();
    return await drainAndClear(this.#ports.buffer, this.#flusher, this.#flushDeadline());
  }

  /**
   * Takes no more calls, lets batches under way finish, and with `flush` drains the queue first, for at most
   * `flushTimeoutMs`. What remains stays in the queue. Safe to repeat.
   */
  async close(options: { readonly flush?: boolean } = {}): Promise<FlushResult | undefined> {
    if (this.#isClosed) return undefined;
    this.#isClosed = true;
    try {
      await this.#flusher.idle();
      return options.flush ? await this.#flusher.flushAll({ deadlineAt: this.#flushDeadline() }) : undefined;
    } finally {
      await Promise.allSettled([this.#ports.buffer.close(), this.#ports.store.close()]);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new errors.ClosedError();
  }

  #begin(id: unknown): string {
    this.#assertOpen();
    return parseEntityId(this.#definition, id);
  }

  #flushDeadline(): number {
    return this.#ports.runtime.now() + this.#settings.flushTimeoutMs;
  }

  #readResult(
    key: string,
    startMs: number,
    source: ReadSource,
    found: { value: FieldValues | undefined; version: string; query: string | null; pending: boolean | null },
  ): ReadResult<Value> {
    if (found.value === undefined) throw new errors.NotFoundError(this.#definition.name, key);
    return {
      value: found.value as Value,
      source,
      latencyMs: this.#ports.runtime.monotonicMs() - startMs,
      cacheKey: this.#ports.buffer.cacheKey(key),
      query: found.query,
      version: found.version,
      pending: found.pending,
    };
  }

  #bypassed(key: string, startMs: number, row: LoadedRow, pending: boolean | null): ReadResult<Value> {
    // A version of its own: nobody else will see this content under it.
    const version = `bypass.${this.#ports.runtime.uniqueName()}`;
    return this.#readResult(key, startMs, 'CACHE_BYPASS', { ...row, version, pending });
  }

  #tail(update: Update<FieldValues>): string {
    const tail = encodeItemTail(update);
    const { maxItemBytes } = this.#settings;
    // A character has at most three bytes for each of its UTF-16 units: most need no count.
    if (tail.length * 3 > maxItemBytes && Buffer.byteLength(tail) > maxItemBytes) {
      throw new errors.LimitError('QUEUE_ITEM_BYTES', maxItemBytes, 'This update is too large for the queue');
    }
    return tail;
  }

  /** Sends it; again after a lost reply, where the idempotency key makes that safe. */
  async #sendUpdate(request: UpdateRequest): Promise<UpdateReply> {
    const { runtime, buffer } = this.#ports;
    if (request.idempotencyKey === undefined) return await buffer.update(request);
    let lost: unknown;
    const retryable = (error: unknown) => {
      if (error instanceof errors.OutcomeUnknownError) lost = error;
      return lost !== undefined && (error === lost || error instanceof errors.BufferUnavailableError);
    };
    try {
      const limits = { ...LOST_REPLY_RETRY, deadlineAt: runtime.now() + this.#settings.waitMs, retryable };
      return await withRetries(runtime, limits, () => buffer.update(request));
    } catch (error) {
      // Refused now says nothing of the attempt before.
      throw lost === undefined ? error : lost;
    }
  }

  /** Loads the row under the lease that the update was just given. */
  async #withBase(request: UpdateRequest): Promise<UpdateRequest> {
    const { buffer, store } = this.#ports;
    if (request.ifVersion !== undefined) {
      // There is no version to compare with until it is cached.
      await this.#loader.fill(request.id, request.token);
      return { ...request, base: undefined };
    }
    const { value } = await store.load(request.id);
    if (value) return { ...request, base: value };
    await buffer.fill(request.id, request.token, undefined);
    throw new errors.NotFoundError(this.#definition.name, request.id);
  }

  #refusal(request: UpdateRequest, reply: UpdateReply): errors.AfterwriteError {
    const { id, ifVersion = '' } = request;
    switch (reply.kind) {
      case 'MISSING':
        return new errors.NotFoundError(this.#definition.name, id);
      case 'CONFLICT':
        return new errors.VersionConflictError(id, ifVersion, reply.version);
      case 'QUEUE_FULL':
        return new errors.QueueFullError(this.#ports.buffer.partitionOf(id), reply.limit);
      case 'REUSED':
        return new errors.IdempotencyKeyReusedError(id);
      case 'ANSWERS_FULL':
        return new errors.LimitError(
          'IDEMPOTENCY_MAX_ANSWERS',
          reply.limit,
          'No more idempotency keys can be kept.',
        );
      default:
        return new errors.BufferError('update', new Error(`unexpected reply ${reply.kind}`));
    }
  }

  /** Stores the entity's pending updates, or waits for the flusher that does; false if not done by the deadline. */
  async #drain(id: string, deadlineAt: number): Promise<boolean> {
    const { buffer, runtime } = this.#ports;
    const partition = buffer.partitionOf(id);
    for (;;) {
      const result = await this.#flusher.flushPartition(partition, { deadlineAt });
      if (!(await buffer.isPending(id)) || (await buffer.disown(id))) return true;
      if (result.stopped.length > 0 || runtime.now() >= deadlineAt) return false;
      await runtime.sleep(DRAIN_RECHECK_MS);
    }
  }
}

/** Errors after which a read can still be answered by the store. */
function isBufferAway(error: unknown): boolean {
  return (
    error instanceof errors.BufferUnavailableError ||
    error instanceof errors.BufferFullError ||
    error instanceof errors.OutcomeUnknownError
  );
}

function parseIdempotencyKey(key: string | undefined): string | undefined {
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key)) {
    throw new errors.ValidationError('idempotencyKey', 'must be 1 to 255 printable ASCII characters');
  }
  return key;
}

function describeLetter(letter: DeadLetter): DeadLetterInfo {
  const item = decodeItem(letter.item);
  return {
    letterId: letter.letterId,
    partition: letter.partition,
    epoch: letter.position?.epoch ?? null,
    seq: letter.position?.seq ?? null,
    id: letter.entityId ?? null,
    update:
      item.kind === 'UPDATE'
        ? {
            changes: item.changes,
            user: item.user,
            comment: item.comment,
            acceptedAt: new Date(item.acceptedUs / 1000).toISOString(),
          }
        : null,
    item: letter.item,
    reason: letter.reason,
    error: letter.error,
    parkedAt: letter.parkedAt,
    superseded: letter.superseded,
    redrivable: item.kind === 'UPDATE' && letter.reason !== 'UNREADABLE' && letter.superseded.length === 0,
  };
}
