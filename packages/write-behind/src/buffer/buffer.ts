/**
 * The buffer port: cached entities and the queue. Each method is one atomic step on its server; what must happen
 * together is said at each. A later engine plugs in by passing `testing/buffer-contract.ts`.
 *
 * Errors, all: BufferUnavailableError (not carried out), OutcomeUnknownError (sent, reply lost), ForeignKeyTypeError,
 * BufferError; and BufferFullError from what adds data, at the memory limit.
 */
import type { FieldValues } from '../entity.ts';
import type { Covered, Position } from '../position.ts';

export interface CachedEntity {
  /** undefined: the row is known not to exist. */
  readonly value: FieldValues | undefined;
  readonly version: string;
  /** True while updates of it wait for the store. */
  readonly dirty: boolean;
}

/** What is cached of an entity, for whoever compares it with its row. */
export interface CachedLook {
  /** undefined: not cached, or tainted. */
  readonly cached: CachedEntity | undefined;
  /** Whether the pending index says that updates of it wait for the store. */
  readonly pending: boolean;
}

export interface UpdateRequest {
  readonly id: string;
  readonly changes: FieldValues;
  /** The queue item's tail without the trace, which another try of the same request may not have in common: see item.ts. */
  readonly tail: string;
  /** As `parseTrace` allows it. */
  readonly trace?: string | undefined;
  readonly ifVersion: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Token of the fill lease: asked for when the entity is not cached, presented together with `base`. */
  readonly token: string;
  /** The row as it was loaded under the lease of `token`. */
  readonly base: FieldValues | undefined;
}

export type UpdateReply =
  /** Value, version, pending index and queue item were written together; or had been, under this idempotency key. */
  | {
      readonly kind: 'OK';
      readonly position: Position;
      readonly queueLength: number;
      readonly replayed: boolean;
    }
  /** Not cached. The fill lease is now the caller's: load the row and come again with it as base. */
  | { readonly kind: 'MISS' }
  /** Not cached, and another loader holds the lease for at most this long. */
  | { readonly kind: 'BUSY'; readonly leaseMs: number }
  /** The base came without an unbroken lease: start again. */
  | { readonly kind: 'RETRY' }
  /** Not cached while updates wait: they must be stored before the row can be a base. */
  | { readonly kind: 'PENDING' }
  /** The row is known not to exist. */
  | { readonly kind: 'MISSING' }
  | { readonly kind: 'CONFLICT'; readonly version: string }
  | { readonly kind: 'QUEUE_FULL'; readonly limit: number }
  /** The idempotency key was used for another request. */
  | { readonly kind: 'REUSED' }
  | { readonly kind: 'ANSWERS_FULL'; readonly limit: number };

export type LeaseReply =
  | { readonly kind: 'LEASED' }
  /** Cached meanwhile: read again. */
  | { readonly kind: 'PRESENT' }
  | { readonly kind: 'PENDING' }
  | { readonly kind: 'BUSY'; readonly leaseMs: number };

export type SeizeReply =
  | { readonly kind: 'SEIZED' }
  /**
   * Dropped, without a lease: the store must say first whether this process may write into the partition. `lease` asks it,
   * which whoever holds one of its connections should not wait for: the others may all wait for one more.
   */
  | { readonly kind: 'UNFENCED' };

export type FillReply =
  | { readonly kind: 'OK'; readonly version: string }
  /** The lease is gone, or an update was accepted, or somebody else filled: what was read must not be cached. */
  | { readonly kind: 'REFUSED' };

export interface PeekedBatch {
  /** Items in the whole queue. */
  readonly length: number;
  /** The oldest, as their bytes. */
  readonly items: readonly Buffer[];
}

export interface Ack {
  readonly covered: Covered;
  /** Ids whose cached value is not to be trusted: parked, or found already dealt with. */
  readonly distrusted: ReadonlySet<string>;
  /** Bytes of items without a position that were parked. */
  readonly parkedBytes: readonly Buffer[];
}

export interface PartitionQueue {
  readonly length: number;
  readonly oldest: Buffer | undefined;
  /** What halted its flush, as `setStopped` wrote it. */
  readonly stopped: string | undefined;
}

/** What the flushers of all processes know of a store that is away. */
export interface BreakerState {
  /** Until one flusher may try again; 0: now. */
  readonly waitMs: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

export type BreakerReply =
  | { readonly kind: 'CLOSED' }
  | ({ readonly kind: 'OPEN' } & BreakerState)
  /** The caller is the one that tries; the others wait for it. */
  | { readonly kind: 'TRIAL'; readonly failures: number };

/** An unbroken life of a partition's queue, as the server that answers knows it. */
export interface PartitionLife {
  /** '' where there was none yet, or nothing is left of it. */
  readonly epoch: string;
  /** Whether the server that answers now is the one that wrote it; if not, an epoch has ended. */
  readonly isSameServer: boolean;
  /** The last seq of this epoch that was acked, 0 before the first: the store had it then. */
  readonly ackedSeq: number;
  /** Set until it was settled: when this epoch began, and what was known then of the one before. */
  readonly begun: { readonly atUs: number; readonly before: Position | undefined } | undefined;
}

export interface CheckResult {
  readonly version: string;
  /** What a person should know or change, because updates could be lost; empty when all is well. */
  readonly warnings: readonly string[];
  /** What a person should know, while all is well. */
  readonly notes?: readonly string[];
}

export interface BufferPort {
  /** Waits until the server can be used, at most the connect limit, and checks what the engine relies on. */
  open(): Promise<CheckResult>;
  /** The same checks again. */
  check(): Promise<CheckResult>;
  close(): Promise<void>;

  /**
   * Ties the queue to the database of this id, at first use; answers which one it is tied to. Two databases behind one
   * queue would each get a part of the updates.
   */
  bindStore(storeId: string): Promise<{ readonly storeId: string; readonly key: string }>;
  /** Throws unless the server answers. */
  ping(): Promise<void>;

  cacheKey(id: string): string;
  partitionOf(id: string): number;

  /** One round trip. undefined: not cached, or tainted. */
  read(id: string): Promise<CachedEntity | undefined>;
  /** One round trip. Everything or nothing is written. */
  update(request: UpdateRequest): Promise<UpdateReply>;
  /**
   * Waits until what was accepted at this position has a second copy: in the memory of one `replica`, or on the
   * server's own disk (`aof`). False if not within `timeoutMs`, or if that epoch's server has ended since.
   */
  confirm(id: string, position: Position, level: 'replica' | 'aof', timeoutMs: number): Promise<boolean>;
  /** Asks for the right to load an entity that is not cached. */
  lease(id: string, token: string): Promise<LeaseReply>;
  /** Caches what was loaded under `token`; undefined caches, for a short time, that there is no such row. */
  fill(id: string, token: string, value: FieldValues | undefined): Promise<FillReply>;
  /** Whether updates of the entity wait for the store, as the pending index says. Works at the memory limit. */
  isPending(id: string): Promise<boolean>;
  /** Updates of the entity that wait, oldest first, of at most `limit` queue items looked at. */
  pendingItems(id: string, limit: number): Promise<{ items: readonly Buffer[]; complete: boolean }>;
  /** Forgets the entity's pending mark if its partition's queue is empty. True if it was. */
  disown(id: string): Promise<boolean>;
  /** The next read and the next update of the entity start from the store's row. */
  invalidate(id: string): Promise<void>;
  /** The same, and the fill lease is `token`'s, whoever had it. Works at the memory limit. */
  seize(id: string, token: string): Promise<SeizeReply>;

  /**
   * Ids of entities that are cached, a portion at a time: from the beginning, or from the `next` of the portion before;
   * without a `next` it was the last. What is cached all the while is among them, perhaps twice. A portion may be empty.
   */
  cachedIds(cursor: string | undefined): Promise<{ ids: readonly string[]; next: string | undefined }>;
  /** In the order of the ids, all asked for at once; not one moment for all of them. */
  look(ids: readonly string[]): Promise<readonly CachedLook[]>;
  /**
   * Drops the cached value, and a loader's lease, if it is still at this version, clean, and no update of it waits. True
   * if it was. Works at the memory limit.
   */
  drop(id: string, version: string): Promise<boolean>;

  /** The oldest items, left in place; at least one if there is one, within rows and bytes. */
  peek(partition: number, limits: { readonly rows: number; readonly bytes: number }): Promise<PeekedBatch>;
  /**
   * Drops covered items from the head and nothing else; clean entities get their TTL back, and why the partition had
   * stopped is forgotten. Works at the memory limit.
   */
  ack(partition: number, ack: Ack): Promise<{ readonly dropped: number; readonly remaining: number }>;
  queueLengths(): Promise<readonly number[]>;
  queues(): Promise<readonly PartitionQueue[]>;
  /** Remembers why a partition's flush halted, until the next ack. */
  setStopped(partition: number, reason: string): Promise<void>;

  /** A flusher's claim on a partition. Saves work only. Also true where the claim cannot be written (memory limit). */
  claim(partition: number, token: string, leaseMs: number): Promise<boolean>;
  renewClaim(partition: number, token: string, leaseMs: number): Promise<void>;
  /** Gives a claim back. `pace`: updates a second that its holder dealt with, kept for `readPace`. */
  releaseClaim(partition: number, token: string, pace?: number): Promise<void>;
  /** Updates a second of the last flush of the partition; undefined where there was none for long. */
  readPace(partition: number): Promise<number | undefined>;
  /** True once in each interval over all callers: who may call a flusher because the queue is long. */
  claimNudge(intervalMs: number): Promise<boolean>;

  /** Whether a flusher may go to the store; of many one gets the trial, for `trialMs`. Works at the memory limit. */
  passBreaker(trialMs: number): Promise<BreakerReply>;
  /** Keeps all flushers from the store for `waitMs`; counts only if nobody else did since `known` failures. */
  tripBreaker(trip: {
    readonly known: number;
    readonly waitMs: number;
    /** After so long without a trial it is forgotten. */
    readonly keptMs: number;
  }): Promise<BreakerState>;
  closeBreaker(): Promise<void>;
  /** undefined: closed. */
  readBreaker(): Promise<BreakerState | undefined>;

  /** Of each partition. */
  lives(): Promise<readonly PartitionLife[]>;
  /** Begins an epoch where another server answers than the one that wrote the last, as the next update would. */
  beginEpoch(partition: number): Promise<PartitionLife>;
  /** That this epoch began was noticed. */
  settleBegun(partition: number, epoch: string, atUs: number): Promise<void>;
  /** That the store has no longer what was acked was noticed: it has this. */
  settleAcked(partition: number, acked: Position, storedSeq: number): Promise<void>;

  /**
   * Removes what is cached for this entity and namespace, and nothing else. A partition in which updates wait keeps its
   * keys (`kept`), decided in the same step as the removal. Seq and answers to idempotency keys stay in any case: a
   * repeat after a lost reply must still be told from a new update.
   */
  clear(): Promise<{ readonly deleted: number; readonly kept: number }>;
  /** Removes every key of this entity and namespace, and nothing else; the count. Queued updates are lost. */
  deleteAll(): Promise<number>;
}
