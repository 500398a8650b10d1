/** What the public methods answer. */
import type { ErrorCode } from '../errors.ts';
import type { FieldValues } from '../entity.ts';
import type { FlushResult, StoppedPartition } from '../flusher/result.ts';
import type { DeadLetterReason } from '../store/store.ts';
import type { Durability } from './durability.ts';

/** Where a read's value came from. */
export type ReadSource =
  /** From the buffer. */
  | 'CACHE_HIT'
  /** From the store, and cached now. */
  | 'CACHE_MISS'
  /** From the store, past the cache: the buffer is down or full, or the entity could not be cached in time. */
  | 'CACHE_BYPASS';

export interface ReadResult<Value> {
  readonly value: Value;
  readonly source: ReadSource;
  readonly latencyMs: number;
  readonly cacheKey: string;
  /** The SQL statement that was run; null on a hit. */
  readonly query: string | null;
  /** Names this content; never used again for other content. */
  readonly version: string;
  /** Whether updates of the entity wait for the store; null where the buffer could not be asked. */
  readonly pending: boolean | null;
}

export interface UpdateOptions {
  /** Who did it, 1 to 100 characters; for the audit trail. */
  readonly user: string;
  /** Why, at most 200 characters. */
  readonly comment?: string | null | undefined;
  /** 1 to 255 printable ASCII characters. The same call with the same key is carried out once. */
  readonly idempotencyKey?: string | undefined;
  /** Only if the entity is at this version; else VersionConflictError. */
  readonly ifVersion?: string | undefined;
  /** How safe it shall be before this resolves; `memory` if nothing is said. Else DurabilityError: it is queued all the same. */
  readonly durability?: Durability | undefined;
  /**
   * Names the request that it comes with, 1 to 128 printable ASCII characters other than " and \: kept in the queue item, and
   * told to the observer with the commit. Of calls with the same idempotency key the first one's.
   */
  readonly trace?: string | undefined;
}

export interface UpdateResult {
  readonly version: string;
  /** Microseconds since 1970; strictly increasing within the entity's partition and epoch. */
  readonly seq: number;
  readonly cacheKey: string;
  /** Updates that wait in the entity's partition, this one included. */
  readonly queueLength: number;
  /** True if an earlier call with the same idempotency key had been accepted, and this one changed nothing. */
  readonly replayed: boolean;
  /** What was reached when this was answered. */
  readonly durability: Durability;
}

export interface ClearResult {
  /** Keys that were removed. */
  readonly deleted: number;
  /** What was stored before. */
  readonly flushed: FlushResult;
}

export interface PartitionStatus {
  readonly partition: number;
  readonly length: number;
  /** Age of the oldest update that waits; null when none does. */
  readonly oldestMs: number | null;
  /** null where the store could not be asked. */
  readonly deadLetters: number | null;
  /** The last update that the store has dealt with; null before the first, or where the store could not be asked. */
  readonly lastCommitted: { readonly epoch: string; readonly seq: number } | null;
  /** When a flush last stored or parked something of it, ISO 8601 UTC; null before the first, or where unknown. */
  readonly lastFlushAt: string | null;
  /** Why its last flush halted; null when it did not. */
  readonly stopped: StoppedPartition | null;
}

export interface BreakerStatus {
  /** HALF_OPEN: one flusher tries, or may. */
  readonly state: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
  /** Of the store, in a row; 0 while it is closed. */
  readonly failures: number;
  /** Since when the store is away, ISO 8601 UTC; null while it is closed. */
  readonly since: string | null;
  /** Until one flusher tries again; null while it is closed. */
  readonly retryInMs: number | null;
}

export interface QueueStatus {
  /** Whether flushers go to the store. */
  readonly breaker: BreakerStatus;
  readonly queueLength: number;
  readonly oldestMs: number | null;
  readonly deadLetters: number | null;
  readonly partitions: readonly PartitionStatus[];
  /** Why the store's part is missing; null when it is there. */
  readonly storeError: { readonly code: ErrorCode; readonly message: string } | null;
}

export type ConsistencyReason =
  /** Cache and database hold the same. */
  | 'EQUAL'
  /** Nothing is cached, so nothing can differ. */
  | 'NOT_CACHED'
  /** They differ by exactly the updates that wait in the queue. */
  | 'PENDING'
  /** They differ by more than that: somebody else changed one of them. */
  | 'DIFFERENT'
  /** The entity changed at every attempt to compare, or more waits than was looked at. */
  | 'UNDECIDED';

export interface ConsistencyResult<Value> {
  readonly consistent: boolean;
  readonly reason: ConsistencyReason;
  /** null: nothing cached. */
  readonly cache: Value | null;
  /** null: no such row. */
  readonly database: Value | null;
  /** Names of the fields that differ. */
  readonly differing: readonly string[];
  /** Whether updates of the entity wait for the store, and how many. */
  readonly pending: boolean;
  readonly pendingUpdates: number;
  /** Updates that wait in the entity's partition. */
  readonly queueLength: number;
  readonly cacheKey: string;
  readonly query: string;
}

export interface DeadLetterInfo {
  readonly letterId: number;
  readonly partition: number;
  readonly epoch: string | null;
  readonly seq: number | null;
  /** null where the item does not show it. */
  readonly id: string | null;
  /** null for an item that cannot be read. */
  readonly update: {
    readonly changes: FieldValues;
    readonly user: string;
    readonly comment: string | null;
    /** null: it has none. */
    readonly trace: string | null;
    /** ISO 8601, UTC. */
    readonly acceptedAt: string;
  } | null;
  /** The queue item as it was. */
  readonly item: Buffer;
  readonly reason: DeadLetterReason;
  readonly error: string;
  /** ISO 8601, UTC. */
  readonly parkedAt: string;
  /** Fields that newer updates have set since; a redrive is refused when there are any. */
  readonly superseded: readonly string[];
  readonly redrivable: boolean;
}

export type RedriveOutcome =
  /** Row changed, audit row written, letter gone, cached value dropped. */
  | { readonly letterId: number; readonly kind: 'REDRIVEN' }
  /** There is no such letter (any more). */
  | { readonly letterId: number; readonly kind: 'GONE' }
  /** Newer updates have set these fields since: storing it now would undo them. */
  | { readonly letterId: number; readonly kind: 'SUPERSEDED'; readonly fields: readonly string[] }
  /** The item cannot be read as an update. */
  | { readonly letterId: number; readonly kind: 'UNREADABLE'; readonly error: string }
  /** The store refuses it still. */
  | { readonly letterId: number; readonly kind: 'REFUSED'; readonly error: string };

export interface ReconcileOptions {
  /** How many of the cached entities to look at, drawn so that each has the same chance; 1,000 if nothing is said. */
  readonly sample?: number | 'all' | undefined;
  /** Most entities that are looked at in a second; 200 if nothing is said. */
  readonly ratePerSecond?: number | undefined;
  /** false: only report. */
  readonly repair?: boolean | undefined;
  /** Ends it early; what was done until then is answered. */
  readonly deadline?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called about ten times a second with what was done so far. */
  readonly onProgress?: ((soFar: ReconcileResult) => void) | undefined;
}

export interface ReconcileResult {
  /** Cached entities that were found; of these a sample is drawn. */
  readonly scanned: number;
  /** Entities that were to be compared: the sample, or all that were found. */
  readonly chosen: number;
  /** Clean entities whose value was compared with their row. */
  readonly compared: number;
  /** Of these: those that were not as their row, at two looks between which the cached value did not change. */
  readonly different: number;
  /** Of these: those whose cached value was dropped. The others were updated or read anew before that could be done. */
  readonly dropped: number;
  /** Not compared: updates of it wait, it is tainted, it is gone, or it changed at every look. */
  readonly skipped: number;
  /** `different / compared`; null where nothing was compared. */
  readonly divergenceRate: number | null;
  /** The first few that were different, with the names of the fields. */
  readonly examples: readonly { readonly id: string; readonly differing: readonly string[] }[];
  /** False: the deadline or the signal ended it. */
  readonly complete: boolean;
}
