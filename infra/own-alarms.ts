/** Alarms on the functions' own metrics, plain data: docs/METRICS.md is made of it too. */
import type { MetricName } from '../functions/metrics.ts';

export interface AlarmOn<M> {
  /** Also the heading in docs/OPERATIONS.md. */
  readonly name: string;
  readonly meaning: string;
  readonly metric: M;
  readonly statistic: 'Sum' | 'Maximum' | 'Minimum' | 'Average' | 'SampleCount';
  readonly threshold: number;
  /** Default: more than the threshold. */
  readonly isBelow?: boolean;
  /** Minutes in a row. Default 1. */
  readonly minutes?: number;
  /** No data is an alarm too. Default: no data is fine. */
  readonly isSilenceBad?: boolean;
}

export const ownAlarms: readonly AlarmOn<MetricName>[] = [
  {
    name: 'QueueLength',
    meaning: 'More than 1,000 updates wait for the database: it is slower than the writers, or stopped.',
    metric: 'QueueLength',
    statistic: 'Maximum',
    threshold: 1000,
    minutes: 3,
  },
  {
    name: 'OldestUpdateAge',
    meaning: 'An update has waited for five minutes although the queue is drained every few seconds.',
    metric: 'OldestUpdateAge',
    statistic: 'Maximum',
    threshold: 5 * 60 * 1000,
  },
  {
    name: 'DeadLetters',
    meaning: 'The database refuses updates; they are kept until somebody redrives or discards them.',
    metric: 'DeadLetters',
    statistic: 'Maximum',
    threshold: 0,
  },
  {
    name: 'PartitionsStopped',
    meaning: 'A partition stopped at an error that repeating does not mend. Its updates wait.',
    metric: 'PartitionsStopped',
    statistic: 'Maximum',
    threshold: 0,
  },
  {
    name: 'PossibleLosses',
    meaning: 'Valkey or MySQL came back, perhaps with less than it had: acknowledged updates may be missing.',
    metric: 'PossibleLosses',
    statistic: 'Maximum',
    threshold: 0,
  },
  {
    name: 'StoreAway',
    meaning: 'Flushers have waited for three minutes because the database is away. Updates wait in order.',
    metric: 'StoreAway',
    statistic: 'Minimum',
    threshold: 0,
    minutes: 3,
  },
  {
    name: 'Divergence',
    meaning:
      'Cached flights were not as their rows: something writes past the cache, or Valkey lost something.',
    metric: 'ReconcileDifferent',
    statistic: 'Sum',
    threshold: 0,
  },
  {
    name: 'NoFlush',
    meaning: 'No flush has come to its end for three minutes.',
    metric: 'QueueLength',
    statistic: 'SampleCount',
    threshold: 1,
    isBelow: true,
    minutes: 3,
    isSilenceBad: true,
  },
];

/** Of all updates that left the queue, in percent; of the sums of a minute. */
export const FAILURE_RATE = 'IF(failed + stored > 0, 100 * failed / (failed + stored), 0)';

export const failureRateAlarm = {
  name: 'FailureRate',
  meaning: 'More than 1% of the updates were refused by the database over five minutes.',
  metrics: { failed: 'UpdatesFailed', stored: 'UpdatesStored' },
  threshold: 1,
  minutes: 5,
} as const;
