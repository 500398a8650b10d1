/**
 * Write-behind cache of one entity: updates are taken at the buffer's speed and stored afterwards in batches; reads are
 * cache-aside. The ten promises are in docs/CONSISTENCY.md; how they are kept, in docs/ARCHITECTURE.md.
 */
import type { BufferPort } from '../buffer/buffer.ts';
import { type EntityDefinition, type FieldValues, isEntityId, parseEntityId } from '../entity.ts';
import * as errors from '../errors.ts';
import { Flusher, type FlusherSettings } from '../flusher/flusher.ts';
import type { FlushResult } from '../flusher/result.ts';
import { decodeItem } from '../item.ts';
import type { Observer } from '../observer.ts';
import type { Position } from '../position.ts';
import type { Logger, Runtime } from '../runtime.ts';
import type { AuditPage, AuditQuery, DeadLetter, Loss, StorePort } from '../store/store.ts';
import { checkAuditQuery, checkDate, checkPosition, checkWhole } from './arguments.ts';
import { drainAndClear } from './clear.ts';
import { compare } from './consistency.ts';
import { drainEntity, type Drains, makeRoom } from './drain.ts';
import { Loader, type LoaderSettings } from './loader.ts';
import { describeLoss, type LossReport, noticeLosses } from './losses.ts';
import { readQueueStatus } from './queue-status.ts';
import { Reader } from './reader.ts';
import { Reconciler, reconcileLimits as limits } from './reconcile.ts';
import { redriveLetter } from './redrive.ts';
import type { ClearResult, ConsistencyResult, DeadLetterInfo, QueueStatus, ReadResult } from './results.ts';
import type { ReconcileOptions, ReconcileResult } from './results.ts';
import type { RedriveOutcome, UpdateOptions, UpdateResult } from './results.ts';
import { Updater, type UpdaterSettings } from './updater.ts';
import { readWriteState, type WriteState } from './write-state.ts';

export interface CachePorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly observer?: Observer | undefined;
}

export interface CacheSettings extends LoaderSettings, UpdaterSettings {
  readonly flusher: FlusherSettings;
  /** Updates that `processQueue` takes when it is not told. */
  readonly batchSize: number;
  /** How long `flushQueue` goes on when it is not told. */
  readonly flushTimeoutMs: number;
}

const LOSSES = 100;
const LETTERS_PAGE = 100;
/** Each may have the size of an item. */
const MAX_LETTERS = 1000;

export class WriteBehindCache<Value extends FieldValues, Changes extends FieldValues> {
  readonly #definition: EntityDefinition<Value, Changes>;
  readonly #ports: CachePorts;
  readonly #settings: CacheSettings;
  readonly #flusher: Flusher;
  readonly #reader: Reader;
  readonly #updater: Updater;
  #closing: Promise<FlushResult | undefined> | undefined;

  /** Connects nothing: see `openWriteBehindCache`, which builds the ports from settings and opens them. */
  constructor(definition: EntityDefinition<Value, Changes>, ports: CachePorts, settings: CacheSettings) {
    this.#definition = definition;
    this.#ports = ports;
    this.#settings = settings;
    this.#flusher = new Flusher(ports, settings.flusher);
    const drains: Drains = {
      entity: (id, deadlineAt) => drainEntity(ports, this.#flusher, id, deadlineAt),
      batch: (id, deadlineAt) => makeRoom(ports, this.#flusher, id, deadlineAt),
    };
    const loader = new Loader(ports, settings, drains.entity);
    this.#reader = new Reader(definition.name, ports, loader);
    this.#updater = new Updater(definition.name, ports, settings, loader, drains);
  }

  /**
   * Reads one entity, cache-aside; one round trip to the buffer when it is cached.
   * Throws ValidationError (id), NotFoundError, ForeignKeyTypeError, and StoreUnavailableError on a miss.
   */
  async get(id: unknown): Promise<ReadResult<Value>> {
    const found = await this.#reader.read(this.#begin(id));
    return { ...found, value: found.value as Value };
  }

  /**
   * Accepts one update: value, version and queue item at once, or nothing; one round trip when the entity is cached.
   * Throws before anything is written: ValidationError, NotFoundError, VersionConflictError, QueueFullError,
   * LimitError, IdempotencyKeyReusedError, UpdatesPendingError, ContendedError, BufferFullError,
   * BufferUnavailableError, ForeignKeyTypeError, StoreUnavailableError. OutcomeUnknownError: nobody knows; the same
   * call with the same idempotency key settles it (and was tried, if there is one). DurabilityError: it is accepted, and
   * not as safe as `durability` asked for.
   */
  async update(id: unknown, changes: unknown, options: UpdateOptions): Promise<UpdateResult> {
    return await this.#updater.update(this.#begin(id), this.#definition.parseChanges(changes), options);
  }

  /** Stores at most `batchSize` of the oldest updates. What could not be stored is in `stopped`, with its reason. */
  async processQueue(options: { readonly batchSize?: number } = {}): Promise<FlushResult> {
    this.#assertOpen();
    const { batchSize = this.#settings.batchSize } = options;
    const most = this.#settings.flusher.maxBatchRows;
    checkWhole('batchSize', batchSize, most);
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
    if (batchSize !== undefined) checkWhole('batchSize', batchSize, this.#settings.flusher.maxBatchRows);
    checkDate('deadline', deadline);
    return await this.#flusher.flushAll({
      deadlineAt: deadline?.getTime() ?? this.#flushDeadline(),
      ...(batchSize === undefined ? {} : { maxBatchRows: batchSize }),
      signal,
    });
  }

  /** What became of an update: `epoch` and `seq` are those of its version. */
  async writeState(id: unknown, position: Position): Promise<WriteState> {
    const key = this.#begin(id);
    checkPosition(position);
    return await readWriteState(this.#ports.buffer, this.#ports.store, key, position);
  }

  /** The entity's audit trail, newest first. */
  async audit(id: unknown, query: AuditQuery): Promise<AuditPage> {
    const key = this.#begin(id);
    checkAuditQuery(query);
    return await this.#ports.store.readAudit(key, query);
  }

  /** Entities by what the mapping's `find` takes, as the store has them: what waits in the queue is not in them yet. */
  async find(criteria: FieldValues): Promise<readonly FieldValues[]> {
    this.#assertOpen();
    return await this.#ports.store.find(criteria);
  }

  /** True once in each interval over all callers: for who wants to call a flusher because the queue is long. */
  async claimNudge(intervalMs: number): Promise<boolean> {
    this.#assertOpen();
    return await this.#ports.buffer.claimNudge(intervalMs);
  }

  /** Resolves when the buffer answers. */
  async pingBuffer(): Promise<void> {
    this.#assertOpen();
    await this.#ports.buffer.ping();
  }

  /** Resolves when the store answers. */
  async pingStore(): Promise<void> {
    this.#assertOpen();
    await this.#ports.store.ping();
  }

  /**
   * `warnings`: what a person should know or change about the servers' settings, because updates could be lost. `notes`:
   * what a person should know while all is well, such as a memcached that is away. Both empty at best.
   */
  async checkServers(): Promise<{ readonly warnings: readonly string[]; readonly notes: readonly string[] }> {
    this.#assertOpen();
    const [buffer, store] = await Promise.all([this.#ports.buffer.check(), this.#ports.store.check()]);
    return { warnings: [...buffer.warnings, ...store.warnings], notes: buffer.notes ?? [] };
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

  /**
   * Looks whether Valkey or the database came back with less than it had, and names what may be missing: to the caller that
   * is the first to notice, in the log, and in `losses`. Call it now and then, as `runWorker` does.
   */
  async noticeLosses(): Promise<readonly LossReport[]> {
    this.#assertOpen();
    return await noticeLosses(this.#ports);
  }

  /** What was noticed, newest first. */
  async losses(limit = LOSSES): Promise<readonly (LossReport & Pick<Loss, 'noticedAt'>)[]> {
    this.#assertOpen();
    checkWhole('limit', limit, LOSSES);
    const losses = await this.#ports.store.losses(limit);
    return losses.map((loss) => ({ ...describeLoss(loss), noticedAt: loss.noticedAt }));
  }

  /** Parked updates, oldest first, after `afterLetterId`; only those of one entity where its `id` is given. */
  async deadLetters(
    page: { readonly afterLetterId?: number; readonly limit?: number; readonly id?: unknown } = {},
  ): Promise<readonly DeadLetterInfo[]> {
    this.#assertOpen();
    const { afterLetterId = 0, limit = LETTERS_PAGE, id } = page;
    checkWhole('limit', limit, MAX_LETTERS);
    checkWhole('afterLetterId', afterLetterId, Number.MAX_SAFE_INTEGER, 0);
    const { buffer, store } = this.#ports;
    const entityId = id === undefined ? undefined : this.#begin(id);
    const of = entityId === undefined ? undefined : { partition: buffer.partitionOf(entityId), entityId };
    const letters = await store.deadLetters({ afterLetterId, limit, of });
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
    const { store } = this.#ports;
    const wanted = options.letterIds && new Set(options.letterIds);
    const outcomes: RedriveOutcome[] = [];
    for (let afterLetterId = 0; ;) {
      const page = await store.deadLetters({ afterLetterId, limit: LETTERS_PAGE });
      for (const letter of page) {
        afterLetterId = letter.letterId;
        if (wanted && !wanted.delete(letter.letterId)) continue;
        outcomes.push(await redriveLetter(this.#ports, letter));
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
   * Compares cached values that are clean with their rows, and drops those that differ: the next read loads the row. What
   * has updates that wait is never touched. Throws ReconcileInterruptedError, which has a report of what was done.
   */
  async reconcile(options: ReconcileOptions = {}): Promise<ReconcileResult> {
    this.#assertOpen();
    const { sample = limits.sample.usual, ratePerSecond = limits.ratePerSecond.usual, deadline } = options;
    if (sample !== 'all') checkWhole('sample', sample, limits.sample.most);
    checkWhole('ratePerSecond', ratePerSecond, limits.ratePerSecond.most);
    checkDate('deadline', deadline);
    const isId = (text: string) => isEntityId(this.#definition, text);
    return await new Reconciler(this.#ports, isId, { ...options, sample, ratePerSecond }).run();
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
   * `flushTimeoutMs`. What remains stays in the queue. Called again it waits for the first call and answers the same, so
   * that a second signal does not cut the first one's flush.
   */
  async close(options: { readonly flush?: boolean } = {}): Promise<FlushResult | undefined> {
    // The first call has the error, if there is one.
    if (this.#closing) return await this.#closing.catch(() => undefined);
    this.#closing = this.#close(options);
    return await this.#closing;
  }

  async #close(options: { readonly flush?: boolean }): Promise<FlushResult | undefined> {
    try {
      await this.#flusher.halt();
      return options.flush ? await this.#flusher.flushAll({ deadlineAt: this.#flushDeadline() }) : undefined;
    } finally {
      await Promise.allSettled([this.#ports.buffer.close(), this.#ports.store.close()]);
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new errors.ClosedError();
  }

  #begin(id: unknown): string {
    this.#assertOpen();
    return parseEntityId(this.#definition, id);
  }

  #flushDeadline(): number {
    return this.#ports.runtime.now() + this.#settings.flushTimeoutMs;
  }
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
            trace: item.trace ?? null,
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
