/** What the dashboard draws of the functions' own metrics, plain data: docs/METRICS.md is made of it too. */
import type { MetricName } from '../functions/metrics.ts';
import { FAILURE_RATE } from './own-alarms.ts';

/** What one point of a chart stands for. */
export const PERIOD_SECONDS = 60;

export interface OwnChart {
  readonly title: string;
  readonly lines: readonly OwnLine[];
  readonly unit?: string;
}

type OwnLine =
  | {
      readonly metric: MetricName;
      readonly statistic: string;
      readonly label: string;
      /** Of a term of an expression, which is not drawn itself. */
      readonly id?: string;
    }
  | { readonly expression: string; readonly label: string };

export const ownCharts: readonly OwnChart[] = [
  {
    title: 'Queue length',
    lines: [
      { metric: 'QueueLength', statistic: 'Maximum', label: 'updates waiting' },
      { metric: 'PartitionQueueLength', statistic: 'Maximum', label: 'in the longest partition' },
      { metric: 'PartitionQueueLength', statistic: 'p50', label: 'in a partition, median' },
    ],
  },
  {
    title: 'Processing rate',
    unit: 'updates/s',
    lines: [
      ...sums(['accepted', 'UpdatesAccepted'], ['stored', 'UpdatesStored']),
      { expression: `accepted / ${PERIOD_SECONDS}`, label: 'accepted' },
      { expression: `stored / ${PERIOD_SECONDS}`, label: 'stored' },
    ],
  },
  {
    title: 'Failure rate',
    unit: '%',
    lines: [
      ...sums(['failed', 'UpdatesFailed'], ['stored', 'UpdatesStored']),
      { expression: FAILURE_RATE, label: 'refused by the database' },
    ],
  },
  {
    title: 'Consistency lag',
    unit: 'ms',
    lines: [
      { metric: 'ConsistencyLag', statistic: 'p50', label: 'p50' },
      { metric: 'ConsistencyLag', statistic: 'p99', label: 'p99' },
      { metric: 'ConsistencyLag', statistic: 'Maximum', label: 'longest' },
      { metric: 'OldestUpdateAge', statistic: 'Maximum', label: 'oldest that waits' },
    ],
  },
  {
    title: 'Write latency',
    unit: 'ms',
    lines: [
      { metric: 'WriteLatency', statistic: 'p50', label: 'p50' },
      { metric: 'WriteLatency', statistic: 'p99', label: 'p99' },
    ],
  },
  {
    title: 'Read latency',
    unit: 'ms',
    lines: [
      { metric: 'ReadLatency', statistic: 'p50', label: 'p50' },
      { metric: 'ReadLatency', statistic: 'p99', label: 'p99' },
    ],
  },
  {
    title: 'Hit rate',
    unit: '%',
    lines: [
      ...sums(['hits', 'CacheHits'], ['misses', 'CacheMisses'], ['bypasses', 'CacheBypasses']),
      {
        expression: 'IF(hits + misses + bypasses > 0, 100 * hits / (hits + misses + bypasses))',
        label: 'reads answered by the cache',
      },
    ],
  },
  {
    title: 'Parts of a batch',
    unit: 'ms, p50',
    lines: [
      { metric: 'PeekDuration', statistic: 'p50', label: 'read from the queue' },
      { metric: 'StoreDuration', statistic: 'p50', label: 'store' },
      { metric: 'AckDuration', statistic: 'p50', label: 'remove from the queue' },
    ],
  },
  {
    title: 'Batches',
    lines: [
      { metric: 'BatchesCommitted', statistic: 'Sum', label: 'committed' },
      { metric: 'BatchesRetried', statistic: 'Sum', label: 'attempts repeated' },
      { metric: 'BatchSize', statistic: 'Average', label: 'updates in one' },
    ],
  },
  {
    title: 'Dead letters and stopped partitions',
    lines: [
      { metric: 'DeadLetters', statistic: 'Maximum', label: 'dead letters' },
      { metric: 'PartitionsStopped', statistic: 'Maximum', label: 'stopped partitions' },
      { metric: 'PossibleLosses', statistic: 'Maximum', label: 'possible losses' },
      { metric: 'BreakerState', statistic: 'Maximum', label: 'breaker: 1 half open, 2 open' },
    ],
  },
  {
    title: 'Cache and database compared',
    lines: [
      { metric: 'ReconcileCompared', statistic: 'Sum', label: 'compared' },
      { metric: 'ReconcileDifferent', statistic: 'Sum', label: 'different' },
    ],
  },
];

function sums(...terms: readonly [string, MetricName][]): OwnLine[] {
  return terms.map(([id, metric]) => ({ id, metric, statistic: 'Sum', label: id }));
}
