/** What the load's process and its parent say to each other, as JSON over the channel between them. */
import type { LoadRequest, PatternName } from '@afterwrite/client';
import type { Settings } from '@afterwrite/write-behind';
import type { BucketCounts } from '../live/buckets.ts';

/** START comes first, once. The settings have passwords: they go neither on a command line nor into an environment. */
export type ToLoad =
  | { readonly kind: 'START'; readonly request: LoadRequest; readonly settings: Settings }
  | { readonly kind: 'STOP' };

export type FromLoad =
  /** The flights are cached; from here on it counts. */
  | { readonly kind: 'RUNNING' }
  /** Of what came since the last one. The process ends after the last. */
  | ({ readonly kind: 'REPORT' } & LoadReport)
  | { readonly kind: 'FAILED'; readonly reason: string };

export interface LoadReport {
  readonly accepted: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly late: number;
  /** Latencies by LATENCY_BOUNDS_MS. */
  readonly patterns: Readonly<Record<PatternName, BucketCounts>>;
}
