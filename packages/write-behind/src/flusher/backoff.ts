/** Exponential backoff with full jitter: spreads retries of many flushers that failed together. */
import type { Runtime } from '../runtime.ts';

export interface BackoffLimits {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Upper bound of the first wait. */
  readonly firstMs: number;
  /** Upper bound of any wait. */
  readonly mostMs: number;
}

/**
 * Calls until it succeeds, fails with an error that is not worth a retry, or attempts or time are used up; then
 * throws the last error. The wait before attempt n is evenly spread over 0 to min(mostMs, firstMs * 2^(n-1)).
 */
export async function withRetries<T>(
  runtime: Pick<Runtime, 'sleep' | 'random' | 'now'>,
  limits: BackoffLimits & { readonly deadlineAt: number; readonly retryable: (error: unknown) => boolean },
  call: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(attempt);
    } catch (error) {
      if (attempt >= limits.attempts || !limits.retryable(error)) throw error;
      const waitMs = runtime.random() * Math.min(limits.mostMs, limits.firstMs * 2 ** (attempt - 1));
      if (runtime.now() + waitMs >= limits.deadlineAt) throw error;
      await runtime.sleep(waitMs);
    }
  }
}
