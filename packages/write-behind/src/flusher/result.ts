/** What a flush did. */
import type { ErrorCode } from '../errors.ts';
import type { QueueItem } from '../item.ts';
import type { CommittedBatch } from '../observer.ts';
import type { StoreAway } from './breaker.ts';
import type { BatchOutcome } from './commit-batch.ts';

export type Committed = BatchOutcome & { readonly kind: 'COMMITTED' };

/** A partition whose flush halted; its queue is as it was. The next call tries again. */
export interface StoppedPartition {
  readonly partition: number;
  readonly code: ErrorCode | 'UNEXPECTED';
  readonly message: string;
  /** True: the server was away or overloaded. False: somebody must mend something. */
  readonly retryable: boolean;
}

export interface FlushResult {
  /** Updates stored by this call. */
  readonly processed: number;
  /** Updates found stored or parked by an earlier attempt whose acknowledgement was lost. */
  readonly skipped: number;
  /** Updates parked as dead letters by this call. */
  readonly failed: number;
  /** Updates that wait, in all partitions, when the call ended. */
  readonly remaining: number;
  /** Texts of the SQL statements that were run, in their order; the newest MAX_QUERIES. */
  readonly queries: readonly string[];
  /** Transactions committed. */
  readonly batches: number;
  /** Attempts that were repeated after an error worth a retry. */
  readonly retried: number;
  /** Milliseconds spent reading the queue, in the store, and removing from the queue; summed over partitions. */
  readonly timings: { readonly peekMs: number; readonly storeMs: number; readonly ackMs: number };
  /** From acceptance to commit, of the oldest update that was stored; null where none was. */
  readonly maxLagMs: number | null;
  readonly stopped: readonly StoppedPartition[];
  /** The store is away: nothing was tried, or no more was. null: it is there, as far as this call knows. */
  readonly storeAway: StoreAway | null;
}

export type MutableFlushResult = {
  -readonly [Key in keyof FlushResult]: FlushResult[Key] extends readonly (infer Item)[]
    ? Item[]
    : FlushResult[Key];
};

/** A flush of millions must not keep the texts of all its statements. */
const MAX_QUERIES = 1000;

export interface BatchTimings {
  readonly peekMs: number;
  readonly storeMs: number;
  readonly ackMs: number;
}

export function emptyResult(): MutableFlushResult {
  return {
    processed: 0,
    skipped: 0,
    failed: 0,
    remaining: 0,
    queries: [],
    batches: 0,
    retried: 0,
    timings: { peekMs: 0, storeMs: 0, ackMs: 0 },
    maxLagMs: null,
    stopped: [],
    storeAway: null,
  };
}

/** Adds one batch; returns how many updates it stored or parked. */
export function addBatch(
  result: MutableFlushResult,
  outcome: BatchOutcome,
  spent: BatchTimings & { readonly committedAtMs: number },
): number {
  result.timings = addTimings(result.timings, spent);
  result.queries = [...result.queries, ...outcome.statements].slice(-MAX_QUERIES);
  if (outcome.kind !== 'COMMITTED') return 0;
  const [oldest] = outcome.stored;
  if (oldest) {
    const lagMs = Math.max(0, spent.committedAtMs - oldest.acceptedUs / 1000);
    result.maxLagMs = Math.max(lagMs, result.maxLagMs ?? 0);
  }
  result.batches += 1;
  result.processed += outcome.stored.length;
  result.skipped += outcome.skipped;
  result.failed += outcome.parked.length;
  return outcome.stored.length + outcome.parked.length;
}

/** As the observer is told of it. */
export function committedBatch(done: {
  readonly partition: number;
  readonly outcome: Committed;
  readonly items: readonly QueueItem[];
  readonly committedAtMs: number;
  readonly peekMs: number;
  readonly storeMs: number;
}): CommittedBatch {
  const { outcome, items, ...more } = done;
  const { stored, skipped } = outcome;
  const byBytes = new Map(outcome.parked.length === 0 ? [] : items.map((item) => [item.bytes, item]));
  const parked = outcome.parked.map(({ item: bytes, reason }) => {
    const item = byBytes.get(bytes);
    return { reason, update: item?.kind === 'UPDATE' ? item : undefined };
  });
  return { source: 'QUEUE', ...more, stored, skipped, parked };
}

/** Adds a later flush; `remaining`, `stopped` and `storeAway` are the later one's. */
export function addFlush(result: MutableFlushResult, later: FlushResult): void {
  result.timings = addTimings(result.timings, later.timings);
  result.processed += later.processed;
  result.skipped += later.skipped;
  result.failed += later.failed;
  result.batches += later.batches;
  result.retried += later.retried;
  result.queries = [...result.queries, ...later.queries].slice(-MAX_QUERIES);
  result.remaining = later.remaining;
  result.stopped = [...later.stopped];
  result.storeAway = later.storeAway;
}

function addTimings(a: BatchTimings, b: BatchTimings): BatchTimings {
  return { peekMs: a.peekMs + b.peekMs, storeMs: a.storeMs + b.storeMs, ackMs: a.ackMs + b.ackMs };
}

export function dealtWith(result: Pick<FlushResult, 'processed' | 'skipped' | 'failed'>): number {
  return result.processed + result.skipped + result.failed;
}
