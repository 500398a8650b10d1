/** When a request is sent again, and after how long: exponential backoff with full jitter, never before Retry-After. */
import { ApiProblem, AfterwriteClientError } from './errors.ts';
import type { Runtime } from './runtime.ts';

export interface RetryLimits {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Upper bound of the first wait. */
  readonly firstMs: number;
  /** Upper bound of any wait that the API did not ask for. */
  readonly mostMs: number;
  /** No attempt begins later than this after the first. */
  readonly totalMs: number;
}

/** Outlasts a failover of the queue's server (some seconds), and ends before a person who waits has left. */
export const DEFAULT_RETRY: RetryLimits = { attempts: 6, firstMs: 200, mostMs: 5000, totalMs: 30_000 };

/** Answers after which the same request may succeed by itself: too many, a gateway's trouble, a server away. */
export const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Which failures a kind of request is sent again after. */
export type RetryRule =
  /** All that may pass: it changes nothing, or its idempotency key lets it be carried out once. */
  | 'SAFE'
  /**
   * 429 only, the one answer by which nothing has begun. fetch cannot tell a request that never left from one whose
   * reply was lost, and a second `process` takes a second batch: all else is for the caller to decide.
   */
  | 'NOT_BEGUN';

export interface RetryOptions {
  readonly runtime: Runtime;
  readonly limits: RetryLimits;
  readonly rule: RetryRule;
  readonly signal: AbortSignal | undefined;
}

/** Calls until it succeeds, fails for good, or attempts or time are used up; then throws the last error. */
export async function withRetries<T>(options: RetryOptions, call: () => Promise<T>): Promise<T> {
  const { runtime, limits, rule, signal } = options;
  const until = runtime.now() + limits.totalMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt >= limits.attempts || !isRepeatable(error, rule)) throw error;
      const waitMs = waitBefore(attempt, error, options);
      // Waiting only to give up then helps nobody.
      if (runtime.now() + waitMs > until) throw error;
      await runtime.sleep(waitMs, signal);
    }
  }
}

function isRepeatable(error: unknown, rule: RetryRule): boolean {
  if (rule === 'NOT_BEGUN') return error instanceof ApiProblem && error.status === 429;
  return error instanceof AfterwriteClientError && error.retryable;
}

/** On top of Retry-After too: all who were refused together got the same. */
function waitBefore(attempt: number, error: unknown, { runtime, limits }: RetryOptions): number {
  const jitterMs = runtime.random() * Math.min(limits.mostMs, limits.firstMs * 2 ** (attempt - 1));
  const askedMs = error instanceof ApiProblem ? (error.retryAfterMs ?? 0) : 0;
  return askedMs + jitterMs;
}

/** Retry-After (RFC 9110, 10.2.3), seconds or a date, as milliseconds from now; undefined where it is neither. */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes much that is no HTTP date; every form of one begins with the day's name.
  const at = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
