/**
 * Moves updates from the buffer to the store: peek, commit, ack, and again. An item leaves the queue only after the
 * commit that dealt with it, so a flusher may be killed, doubled, or wake up hours later at any line: the watermark in
 * the store and the (epoch, seq) in the ack decide, and the lease only saves work.
 *
 * A failure that is worth a retry is retried here a few times, in order; one that is not stops the partition for this
 * call and is remembered for `queueStatus`. The next call tries again.
 */
import type { BufferPort } from '../buffer/buffer.ts';
import { AfterwriteError, BufferError } from '../errors.ts';
import { decodeItem, acceptedUsOf } from '../item.ts';
import { type Observer, tell } from '../observer.ts';
import type { Logger, Runtime } from '../runtime.ts';
import type { StorePort } from '../store/store.ts';
import { type BackoffLimits, withRetries } from './backoff.ts';
import { BatchSizer } from './batch-sizer.ts';
import { Breaker, type BreakerSettings, mayBeAway } from './breaker.ts';
import { commitBatch } from './commit-batch.ts';
import { addBatch, committedBatch, dealtWith, emptyResult } from './result.ts';
import type { Committed, FlushResult, MutableFlushResult, StoppedPartition } from './result.ts';

export interface FlusherSettings {
  /** Most updates in one transaction. */
  readonly maxBatchRows: number;
  /** Most bytes of queue items in one transaction. */
  readonly maxBatchBytes: number;
  /** Dead letters that a partition may hold. */
  readonly deadLetterLimit: number;
  /** Partitions flushed at the same time by one call. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly retry: BackoffLimits;
  readonly breaker: BreakerSettings;
}

export interface FlushLimits {
  /** Milliseconds since 1970; no new batch begins after it. */
  readonly deadlineAt: number;
  /** Most updates dealt with by this call. */
  readonly maxUpdates?: number;
  /** Most updates in one transaction, where less than the setting. */
  readonly maxBatchRows?: number;
  /** Attempts at a batch, where not the setting. */
  readonly attempts?: number;
  /** Failures of the store in a row that this call knows of. */
  readonly failures?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What came of one partition. */
type Flushed =
  /** Nothing remains, or a limit was reached. */
  | 'DONE'
  /** Another flusher works on it. */
  | 'CLAIMED'
  /** It halted; why is in the result. */
  | 'STOPPED';

export interface FlusherPorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly observer?: Observer | undefined;
}

/** Rounds in which nothing was stored, parked or dropped, after which the head of the queue is called stuck. */
const MAX_IDLE_ROUNDS = 5;
/** Entities invalidated at once. */
const INVALIDATE_CHUNK = 500;
/** Updates in the batch by which it is tried whether the store is back. */
const TRIAL_ROWS = 100;
/** How soon a partition that another flusher works on is looked at again. */
const CLAIMED_RECHECK_MS = 25;

export class Flusher {
  readonly #ports: FlusherPorts;
  readonly #settings: FlusherSettings;
  readonly #breaker: Breaker;
  /** Calls under way, so that `halt` can wait for them. */
  readonly #running = new Set<Promise<unknown>>();
  #isHalting = false;

  constructor(ports: FlusherPorts, settings: FlusherSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#breaker = new Breaker(ports, settings.breaker);
  }

  /** One batch of at most `maxUpdates`: the partition with the oldest update first, then the next, until it is full. */
  async flushOldest(given: FlushLimits & { readonly maxUpdates: number }): Promise<FlushResult> {
    return await this.#run(given, async (result, limits) => {
      const queues = await this.#ports.buffer.queues();
      const waiting = queues
        .flatMap(({ oldest }, partition) =>
          oldest ? [{ partition, acceptedUs: acceptedUsOf(oldest) ?? 0 }] : [],
        )
        .sort((a, b) => a.acceptedUs - b.acceptedUs);
      for (const { partition } of waiting) {
        const maxUpdates = given.maxUpdates - dealtWith(result);
        if (maxUpdates <= 0 || result.storeAway) break;
        await this.#flush(partition, { ...limits, maxUpdates }, result);
      }
    });
  }

  /** All partitions, several at a time, until nothing remains or the deadline has come. */
  async flushAll(given: FlushLimits): Promise<FlushResult> {
    return await this.#run(given, async (result, limits) => {
      const stopped = new Set<number>();
      for (;;) {
        const lengths = await this.#ports.buffer.queueLengths();
        const todo = [...lengths.keys()].filter(
          (partition) => (lengths[partition] ?? 0) > 0 && !stopped.has(partition),
        );
        if (todo.length === 0 || this.#isOver(limits) || result.storeAway) break;
        const before = dealtWith(result);
        const lanes = Array.from({ length: Math.min(this.#settings.concurrency, todo.length) }, async () => {
          for (let partition = todo.shift(); partition !== undefined; partition = todo.shift()) {
            if (this.#isOver(limits) || result.storeAway) return;
            if ((await this.#flush(partition, limits, result)) === 'STOPPED') stopped.add(partition);
          }
        });
        await Promise.all(lanes);
        // No progress, nothing stopped: other flushers hold what is left.
        if (dealtWith(result) === before) await this.#ports.runtime.sleep(CLAIMED_RECHECK_MS);
      }
    });
  }

  /** One partition, until nothing remains or a limit is reached. */
  async flushPartition(partition: number, given: FlushLimits): Promise<FlushResult> {
    return await this.#run(given, async (result, limits) => {
      await this.#flush(partition, limits, result);
    });
  }

  /** Lets the batches under way finish, begins no others, and resolves when all calls have returned. */
  async halt(): Promise<void> {
    this.#isHalting = true;
    await Promise.allSettled(this.#running);
    this.#isHalting = false;
  }

  async #run(
    limits: FlushLimits,
    work: (result: MutableFlushResult, limits: FlushLimits) => Promise<void>,
  ): Promise<FlushResult> {
    const call = async () => {
      const result = emptyResult();
      const pass = await this.#breaker.pass();
      if (pass.kind === 'OPEN') result.storeAway = pass.away;
      else if (pass.kind === 'CLOSED') await work(result, { ...limits, failures: pass.failures });
      else if (await this.#trial(pass.failures, limits, result)) await work(result, limits);
      const lengths = await this.#ports.buffer.queueLengths();
      result.remaining = lengths.reduce((sum, length) => sum + length, 0);
      return result;
    };
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  #isOver({ deadlineAt, signal }: FlushLimits): boolean {
    return this.#isHalting || signal?.aborted === true || this.#ports.runtime.now() >= deadlineAt;
  }

  /** One attempt at one batch, by which it shows whether the store is back. */
  async #trial(failures: number, limits: FlushLimits, result: MutableFlushResult): Promise<boolean> {
    const { buffer, runtime } = this.#ports;
    const lengths = await buffer.queueLengths();
    const maxUpdates = Math.min(TRIAL_ROWS, limits.maxUpdates ?? Infinity);
    const trial = { ...limits, maxUpdates, attempts: 1, failures };
    let flushed: Flushed = 'CLAIMED';
    // Another one each time: one partition that stops must not decide for all.
    const first = Math.floor(runtime.random() * lengths.length);
    for (let step = 0; step < lengths.length && flushed === 'CLAIMED'; step++) {
      const partition = (first + step) % lengths.length;
      if ((lengths[partition] ?? 0) > 0) flushed = await this.#flush(partition, trial, result);
    }
    // Nothing waits that is free to be taken: the breaker asks by itself.
    if (flushed === 'CLAIMED') result.storeAway = await this.#breaker.trip(failures, 'it was away');
    if (result.storeAway) return false;
    await this.#breaker.close();
    return true;
  }

  async #flush(partition: number, limits: FlushLimits, result: MutableFlushResult): Promise<Flushed> {
    try {
      return (await this.#flushClaimed(partition, limits, result)) ? 'DONE' : 'CLAIMED';
    } catch (error) {
      result.stopped.push(await this.#stop(partition, error));
      if (mayBeAway(error)) result.storeAway = await this.#breaker.trip(limits.failures ?? 0, error);
      return 'STOPPED';
    }
  }

  /** False where another flusher holds it. */
  async #flushClaimed(partition: number, limits: FlushLimits, result: MutableFlushResult): Promise<boolean> {
    const { buffer, store, runtime } = this.#ports;
    const { leaseMs } = this.#settings;
    const token = runtime.uniqueName();
    if (!(await buffer.claim(partition, token, leaseMs))) return false;
    const startMs = runtime.monotonicMs();
    let done = 0;
    try {
      const most = Math.min(this.#settings.maxBatchRows, limits.maxBatchRows ?? Infinity);
      // Who names a number of updates gets them in one transaction.
      const sizer = new BatchSizer(most, limits.maxUpdates);
      let left = limits.maxUpdates ?? Infinity;
      let idleRounds = 0;
      // Read before the peek, never after: see placement.ts.
      let seenEpoch = await this.#retrying(limits, () => store.readEpoch(partition));
      for (
        let first = true;
        left > 0 && !this.#isHalting && (first || !this.#isOver(limits));
        first = false
      ) {
        const batch = await this.#batch({
          partition,
          rows: Math.min(left, sizer.rows),
          seenEpoch,
          limits,
          result,
        });
        if (!batch) break;
        seenEpoch = batch.outcome.watermark.epoch;
        left -= batch.dealtWith;
        done += batch.dealtWith;
        idleRounds =
          batch.dealtWith === 0 || (batch.dropped === 0 && batch.changed === 0) ? idleRounds + 1 : 0;
        if (idleRounds > MAX_IDLE_ROUNDS) {
          throw new BufferError(
            'ack',
            new Error(`the head of partition ${String(partition)}'s queue cannot be dropped`),
          );
        }
        // Nothing was left behind: what came since waits for its turn, as other partitions do.
        if (batch.dropped === batch.waiting) break;
        sizer.learn(batch);
        await buffer.renewClaim(partition, token, leaseMs);
      }
      return true;
    } finally {
      // Whoever fails to give it back leaves it to expire.
      const pace = done === 0 ? undefined : (1000 * done) / (runtime.monotonicMs() - startMs);
      await buffer.releaseClaim(partition, token, pace).catch(() => undefined);
    }
  }

  /** undefined when the queue is empty. */
  async #batch(step: {
    partition: number;
    rows: number;
    seenEpoch: string;
    limits: FlushLimits;
    result: MutableFlushResult;
  }) {
    const { buffer, store, runtime } = this.#ports;
    const { partition, rows, seenEpoch, limits, result } = step;
    const { maxBatchBytes, deadLetterLimit } = this.#settings;
    const startMs = runtime.monotonicMs();
    const peeked = await this.#retrying(limits, () => buffer.peek(partition, { rows, bytes: maxBatchBytes }));
    if (peeked.items.length === 0) return undefined;
    const items = peeked.items.map(decodeItem);
    const peekedMs = runtime.monotonicMs();
    const outcome = await this.#retrying(
      limits,
      () => commitBatch(store, { partition, items, seenEpoch, deadLetterLimit }),
      () => {
        result.retried++;
        tell(this.#ports, (observer) => observer.onRetry?.({ partition }));
      },
    );
    const committedMs = runtime.monotonicMs();
    const committedAtMs = runtime.now();
    const stored = { peekMs: peekedMs - startMs, storeMs: committedMs - peekedMs };
    let acked = { dropped: 0 };
    let ackMs = 0;
    if (outcome.kind === 'COMMITTED') {
      const committed = { partition, outcome, items, committedAtMs, ...stored };
      tell(this.#ports, (observer) => observer.onBatch?.(committedBatch(committed)));
      acked = await this.#ack(partition, outcome, limits);
      ackMs = runtime.monotonicMs() - committedMs;
      tell(this.#ports, (observer) => observer.onAck?.({ partition, ackMs }));
    }
    const before = dealtWith(result);
    const spent = { ...stored, ackMs };
    const changed = addBatch(result, outcome, { ...spent, committedAtMs });
    return {
      outcome,
      rows,
      items: items.length,
      /** In the queue when it was read. */
      waiting: peeked.length,
      changed,
      dealtWith: dealtWith(result) - before,
      ...acked,
      ...spent,
    };
  }

  async #ack(partition: number, outcome: Committed, limits: FlushLimits) {
    for (const { reason, error, entityId } of outcome.parked) {
      this.#ports.logger.error('update parked as a dead letter', { partition, entityId, reason, error });
    }
    const acked = await this.#retrying(limits, () => this.#ports.buffer.ack(partition, outcome));
    await this.#invalidateStored(outcome, acked.dropped);
    return acked;
  }

  /**
   * Items that were committed and were no longer in the queue: the buffer lost what it had since they were peeked, and
   * somebody may have cached a row as it was before this commit. No ack would ever find that value.
   */
  async #invalidateStored(outcome: Committed, dropped: number): Promise<void> {
    const settled = outcome.stored.length + outcome.skipped + outcome.parked.length;
    if (dropped >= settled) return;
    const ids = [...new Set(outcome.stored.map(({ id }) => id))];
    for (let start = 0; start < ids.length; start += INVALIDATE_CHUNK) {
      const chunk = ids.slice(start, start + INVALIDATE_CHUNK);
      await Promise.all(chunk.map((id) => this.#ports.buffer.invalidate(id)));
    }
  }

  async #stop(partition: number, error: unknown): Promise<StoppedPartition> {
    const stopped: StoppedPartition = {
      partition,
      code: error instanceof AfterwriteError ? error.code : 'UNEXPECTED',
      message: error instanceof Error ? error.message : String(error),
      retryable: error instanceof AfterwriteError && error.retryable,
    };
    // Loggers keep `message` for their own.
    const { message: reason, ...details } = stopped;
    this.#ports.logger.error('flush of a partition stopped', { ...details, reason });
    // For queueStatus; at the memory limit it cannot be kept, and the caller has it all the same.
    await this.#ports.buffer.setStopped(partition, JSON.stringify(stopped)).catch(() => undefined);
    return stopped;
  }

  async #retrying<T>(limits: FlushLimits, call: () => Promise<T>, onRetry?: () => void): Promise<T> {
    const { runtime } = this.#ports;
    const retry = { ...this.#settings.retry, ...(limits.attempts && { attempts: limits.attempts }) };
    const retryable = (error: unknown) => error instanceof AfterwriteError && error.retryable;
    return await withRetries(
      runtime,
      { ...retry, deadlineAt: limits.deadlineAt, retryable },
      async (attempt) => {
        if (attempt > 1) onRetry?.();
        return await call();
      },
    );
  }
}
