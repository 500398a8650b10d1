/**
 * Who is told of each commit, by whoever made it: a flush, an update that helps or drains, a reader that waits, a redrive.
 * For metrics and traces. It changes nothing of what it watches: one that throws is logged, and is told of the next one all
 * the same. It is called between the commit and the ack, so it must return at once.
 */
import type { Position } from './position.ts';
import type { Logger } from './runtime.ts';
import type { DeadLetterReason } from './store/store.ts';

/** One update of a batch. */
export interface ObservedUpdate {
  readonly id: string;
  readonly position: Position;
  /** When it was accepted, in microseconds since 1970, by the buffer's clock. */
  readonly acceptedUs: number;
  /** As `update` was given it. */
  readonly trace?: string | undefined;
}

/** What one transaction did. */
export interface CommittedBatch {
  /** REDRIVEN: one dead letter, which was counted as parked before. */
  readonly source: 'QUEUE' | 'REDRIVEN';
  readonly partition: number;
  /** Stored by it, oldest first. */
  readonly stored: readonly ObservedUpdate[];
  /** Items that an earlier transaction had dealt with. */
  readonly skipped: number;
  /** Made dead letters by it. `update` is undefined where the item cannot be read. */
  readonly parked: readonly {
    readonly reason: DeadLetterReason;
    readonly update: ObservedUpdate | undefined;
  }[];
  /** Milliseconds since 1970, by the clock of the process that committed. */
  readonly committedAtMs: number;
  /** How long it took to read the batch from the queue, and to store it, repeated attempts included. */
  readonly peekMs: number;
  readonly storeMs: number;
}

export interface Observer {
  /** After each commit, whatever becomes of its ack. */
  onBatch?(batch: CommittedBatch): void;
  /** How long it took to remove a batch from the queue, once that was done. */
  onAck?(ack: { readonly partition: number; readonly ackMs: number }): void;
  /** An attempt at a batch is repeated after an error worth it. */
  onRetry?(retry: { readonly partition: number }): void;
}

interface Told {
  readonly observer?: Observer | undefined;
  readonly logger: Logger;
}

/** Never throws. */
export function tell({ observer, logger }: Told, call: (observer: Observer) => unknown): void {
  if (!observer) return;
  const failed = (error: unknown) => {
    logger.error('the observer of commits failed: nothing else did', { error: textOf(error) });
  };
  try {
    const result = call(observer);
    // One that is async is not waited for, and what it rejects with ends no process.
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** Of anything: what was thrown may be no error, and refuse to be a text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'it threw what has no text';
  }
}
