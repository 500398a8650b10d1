/** Flushes at an interval, for machines without a scheduler. One round at a time; never throws out of its loop. */
import type { FlushResult } from './flusher/result.ts';
import type { Logger, Runtime } from './runtime.ts';

export interface Flushable {
  noticeLosses(): Promise<unknown>;
  flushQueue(options: { signal: AbortSignal }): Promise<FlushResult>;
}

export interface WorkerOptions {
  readonly cache: Flushable;
  readonly intervalMs: number;
  readonly runtime: Pick<Runtime, 'sleep'>;
  readonly logger: Logger;
  /** Ends the loop: the batch under way is finished first. */
  readonly signal: AbortSignal;
  readonly onRound?: (result: FlushResult) => void;
}

export async function runWorker(options: WorkerOptions): Promise<void> {
  const { cache, intervalMs, runtime, logger, signal, onRound } = options;
  while (!signal.aborted) {
    // While a server is away nobody can tell; the flush says that it is.
    await cache.noticeLosses().catch(() => undefined);
    try {
      const result = await cache.flushQueue({ signal });
      onRound?.(result);
    } catch (error) {
      logger.error('a round of the worker failed; the next one tries again', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
    await runtime.sleep(intervalMs, signal).catch(() => undefined);
  }
}
