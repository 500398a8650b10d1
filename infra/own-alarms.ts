/** Alarms on the functions' own metrics, plain data: docs/METRICS.md is made of it too. */
import type { MetricName } from '../functions/metrics.ts';
import { noFlush, type Threshold, thresholds } from '../functions/thresholds.ts';

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
  /** Of one look, for what is counted less often than each minute. Default 1. */
  readonly periodMinutes?: number;
  /** No data is an alarm too. Default: no data is fine. */
  readonly isSilenceBad?: boolean;
}

export const ownAlarms: readonly AlarmOn<MetricName>[] = [
  onThreshold('QueueLength'),
  onThreshold('OldestUpdateAge'),
  onThreshold('DeadLetters'),
  onThreshold('PartitionsStopped'),
  {
    name: 'PossibleLosses',
    meaning:
      "The queue's server or the database came back, perhaps with less than it had: acknowledged updates may be missing.",
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
      'Cached flights were not as their rows: something writes past the cache, or the cache lost something.',
    metric: 'ReconcileDifferent',
    statistic: 'Sum',
    threshold: 0,
  },
  {
    name: 'NoFlush',
    meaning: noFlush.meaning,
    metric: 'QueueLength',
    statistic: 'SampleCount',
    threshold: 1,
    isBelow: true,
    minutes: noFlush.minutes,
    isSilenceBad: true,
  },
];

/** One whose line the console draws too. */
function onThreshold(name: Exclude<keyof typeof thresholds, 'FailureRate'>): AlarmOn<MetricName> {
  const { above, minutes, meaning }: Threshold = thresholds[name];
  return { name, meaning, metric: name, statistic: 'Maximum', threshold: above, minutes };
}

/** Of all updates that left the queue, in percent; of the sums of a minute. */
export const FAILURE_RATE = 'IF(failed + stored > 0, 100 * failed / (failed + stored), 0)';

export const failureRateAlarm = {
  name: 'FailureRate',
  meaning: thresholds.FailureRate.meaning,
  metrics: { failed: 'UpdatesFailed', stored: 'UpdatesStored' },
  threshold: thresholds.FailureRate.above,
  minutes: thresholds.FailureRate.minutes,
} as const;
