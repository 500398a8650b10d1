/** What a change of the number of partitions needs of the store and of the buffer. Each method may be repeated. */

export interface PartitionChange {
  /** A name never used before. */
  readonly run: string;
  readonly from: number;
  readonly to: number;
}

/** One that is under way: nobody may write. */
export interface OpenChange extends PartitionChange {
  /** The new number holds; what is left to do is to move answers to idempotency keys. */
  readonly isCommitted: boolean;
  /** Then it is given up by itself, unless it is committed. */
  readonly remainingMs: number;
}

export interface Partitions {
  readonly partitions: number;
  readonly change: OpenChange | undefined;
}

export interface PartitionsStore {
  /** Keeps other commands out meanwhile. Saves work only: whoever was thought dead can commit nothing. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  read(): Promise<Partitions>;
  /** From here on nobody is let into a partition. False if there are not `from` partitions, or one is committed. */
  begin(change: PartitionChange, limitMs: number): Promise<boolean>;
  /**
   * In one transaction: the new number holds, each partition's epoch ends where its watermark stands, and dead letters go
   * where the updates of their entities go. False if its time was over, or another began one since.
   */
  commit(change: PartitionChange): Promise<boolean>;
  /** The old number goes on. Does nothing to one that is committed. */
  abandon(change: PartitionChange): Promise<void>;
  /** The last step. Does nothing to one that is not committed. */
  end(change: PartitionChange): Promise<void>;
}

export type SealReply =
  { readonly kind: 'SEALED' | 'OPEN' } | { readonly kind: 'WAITING'; readonly count: number };

export interface PartitionsBuffer {
  /** Nobody writes into the partition until the store has let them. */
  shut(partition: number): Promise<void>;
  /** Removes everything that is cached, in all partitions. The count of updates that wait and were kept. */
  sweep(): Promise<{ readonly deleted: number; readonly kept: number }>;
  /** Gathers the answers to idempotency keys for the partitions where their ids will be; the most that one of these gets. */
  gather(change: PartitionChange): Promise<{ readonly answers: number; readonly most: number }>;
  /** A new epoch, if the partition is shut and nothing waits. */
  seal(partition: number, epoch: string): Promise<SealReply>;
  /** Puts what was gathered for a partition in its place. */
  adopt(partition: number, run: string): Promise<void>;
  /** Removes what was gathered. */
  forget(change: PartitionChange): Promise<void>;
}

/** Followed by the partition: the epoch that a change begins in it. No other name has a capital letter. */
export function sealedEpoch(run: string): string {
  return `${run}P`;
}
