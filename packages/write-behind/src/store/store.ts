/**
 * The store port: the database side, which also holds watermarks and dead letters. What must be one transaction is
 * said at each method. A later engine plugs in by passing `testing/store-contract.ts`.
 *
 * Errors, all: StoreUnavailableError (try again), StoreDataError (this data is refused), StoreError (neither).
 */
import type { Layout } from '../buffer/partition-fence.ts';
import type { FieldValues } from '../entity.ts';
import type { AcceptedUpdate } from '../item.ts';
import type { Position } from '../position.ts';

/** Why an update was parked. */
export type DeadLetterReason =
  /** The row is not there. */
  | 'MISSING_ROW'
  /** The database refuses the value. */
  | 'REFUSED'
  /** The queue item is not ours, or damaged. */
  | 'UNREADABLE'
  /** Of an epoch that had ended without it: newer updates were stored before it came. */
  | 'ABANDONED';

export interface Watermark {
  readonly position: Position;
  readonly deadLetters: number;
}

/** A watermark as a person wants to see it. */
export interface WatermarkStatus extends Watermark {
  /** When it last moved, ISO 8601 UTC: the last flush that stored or parked something of this partition. */
  readonly movedAt: string;
}

export interface NewDeadLetter {
  /** As the item shows it; undefined where it shows none. An UNREADABLE item is told apart by its bytes. */
  readonly position: Position | undefined;
  readonly entityId: string | undefined;
  readonly item: Buffer;
  readonly fields: readonly string[];
  /** Those of `fields` that newer stored updates have set since. */
  readonly superseded: readonly string[];
  readonly reason: DeadLetterReason;
  readonly error: string;
}

export interface DeadLetter extends NewDeadLetter {
  readonly letterId: number;
  readonly partition: number;
  /** ISO 8601, UTC. */
  readonly parkedAt: string;
  /** Stored and audited by a redrive that ended before the cache was told; the next redrive completes it. */
  readonly redriven: boolean;
}

export interface LettersPage {
  readonly afterLetterId: number;
  readonly limit: number;
  /** Only those of this entity, which belongs to this partition. */
  readonly of?: { readonly partition: number; readonly entityId: string } | undefined;
}

/** One row as it is locked for a change; its columns are the mapping's business. */
export type Row = Readonly<Record<string, unknown>>;

/** One update with the row just before it and just after it, also within a batch. */
export interface RowChange {
  readonly update: AcceptedUpdate;
  readonly before: Row;
  readonly after: Row;
}

export interface LoadedRow {
  /** undefined: there is no such row. */
  readonly value: FieldValues | undefined;
  /** The statement that was run. */
  readonly query: string;
}

/** One open transaction. After an error in it nothing but rollback follows. */
export interface StoreTransaction {
  /**
   * Locks the partition's row until the end. Always the first call. PartitionsChangedError if there are not as many
   * partitions any more as this process counts: nothing that it read from the buffer may be stored then.
   */
  lockWatermark(partition: number): Promise<Watermark>;
  /** Of these epochs those that are retired, with their final seq. */
  readRetired(partition: number, epochs: readonly string[]): Promise<ReadonlyMap<string, number>>;
  retire(partition: number, epochs: readonly Position[]): Promise<void>;
  moveWatermark(partition: number, watermark: Watermark): Promise<void>;

  /** Locks the rows in primary-key order; a row that is missing is missing in the answer. */
  lockRows(ids: readonly string[]): Promise<Map<string, Row>>;
  savepoint(): Promise<void>;
  rollbackToSavepoint(): Promise<void>;
  /**
   * Writes one audit row for each change and each changed row once, as its last change left it. Checks all constraints
   * now. StoreDataError if the database refuses any of it: roll back to the savepoint then.
   */
  write(changes: readonly RowChange[]): Promise<void>;

  /** Adds letters; one that is there already stays. Answers how many the partition holds then. */
  park(partition: number, letters: readonly NewDeadLetter[]): Promise<number>;
  /** Marks the fields of parked letters that were set by newer updates; only letters older than `before`, if given. */
  supersede(
    partition: number,
    fields: ReadonlyMap<string, ReadonlySet<string>>,
    before?: number,
  ): Promise<void>;
  lockLetter(letterId: number): Promise<DeadLetter | undefined>;
  /** Keeps the letter until the cache was told: see `forgetRedriven`. */
  markRedriven(letterId: number): Promise<void>;
  deleteLetter(letterId: number): Promise<void>;

  /** Texts of the statements run so far, without their values. */
  readonly statements: readonly string[];
}

/** What the store knows of one position. */
export type PositionState =
  | { readonly state: 'STORED' }
  | { readonly state: 'DEAD'; readonly letterId: number; readonly reason: DeadLetterReason }
  /** Not dealt with, as far as the store knows. */
  | { readonly state: 'UNKNOWN' };

/** What may be missing after one of the two came back with less than it had. */
export interface NewLoss {
  readonly partition: number;
  /** Which of the two. */
  readonly kind: 'BUFFER' | 'STORE';
  /** The newest update that is known to be safe; undefined where nothing is known of any. */
  readonly after: Position | undefined;
  /** What was accepted before this may be missing. */
  readonly until: Position;
}

export interface Loss extends NewLoss {
  /** ISO 8601, UTC. */
  readonly noticedAt: string;
}

/** One page of an entity's audit trail, newest first; columns are the mapping's business. */
export interface AuditPage {
  readonly entries: readonly FieldValues[];
  /** Pass as `before` for the next page; null when there is none. */
  readonly next: string | null;
}

export interface AuditQuery {
  /** About so many entries; a page never splits a second. */
  readonly limit: number;
  /** Only entries before this time, ISO 8601 UTC. */
  readonly before?: string | undefined;
}

export interface StoreCheck {
  readonly version: string;
  readonly warnings: readonly string[];
}

export interface OpenedStore extends StoreCheck {
  /** Names this database for good: made at first use, kept in it. */
  readonly storeId: string;
}

export interface StorePort {
  /** Makes the engine's own tables; safe to repeat. */
  migrate(): Promise<void>;
  /**
   * Checks what the engine relies on, makes the tables where they are missing, and the watermark rows at first use.
   * ConfigurationError if the partition count is another than at first use.
   */
  open(): Promise<OpenedStore>;
  /** How many partitions there are now, and whether that is being changed: see `repartition/`. */
  readLayout(): Promise<Layout>;
  /** What the engine relies on in the server, checked now. */
  check(): Promise<StoreCheck>;
  close(): Promise<void>;

  /** Reads one row from the primary. */
  load(id: string): Promise<LoadedRow>;
  /** The row as `changes` leave it. StoreDataError if they name what no column holds. */
  change(row: Row, changes: FieldValues): Row;

  /** The watermark's epoch, read before a peek. */
  readEpoch(partition: number): Promise<string>;
  readWatermarks(): Promise<readonly WatermarkStatus[]>;
  /** Begins, works, commits. After any error: rolled back, or the connection is destroyed, before it is thrown. */
  transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;

  /** Whether the update at this position was stored or parked. */
  positionState(partition: number, position: Position): Promise<PositionState>;
  /** The last epoch of the partition that ended, with the last update of it that was dealt with. */
  lastRetired(partition: number): Promise<Position | undefined>;
  /** True if nobody had recorded it. */
  recordLoss(loss: NewLoss): Promise<boolean>;
  /** Newest first. */
  losses(limit: number): Promise<readonly Loss[]>;
  /** The entity's audit trail, newest first. */
  readAudit(id: string, query: AuditQuery): Promise<AuditPage>;
  /** Entities by something other than their id, as they are stored. */
  find(criteria: FieldValues): Promise<readonly FieldValues[]>;
  /** Throws unless the store answers. */
  ping(): Promise<void>;

  /** Letters in the order they were parked, after `afterLetterId`, at most `limit`. */
  deadLetters(page: LettersPage): Promise<readonly DeadLetter[]>;
}
