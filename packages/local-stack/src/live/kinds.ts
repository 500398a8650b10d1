/** What a metric's values are to be taken for, and the bounds of those that are distributed. */
import { LATENCY_BOUNDS_MS } from '@afterwrite/client';
import { type MetricName, metricDefinitions } from '@afterwrite/functions/metrics';

/** Added up; the last one counts; each one counts. */
export type MetricKind = 'counter' | 'gauge' | 'distribution';

const GAUGES: ReadonlySet<MetricName> = new Set([
  'QueueLength',
  'OldestUpdateAge',
  'DeadLetters',
  'PartitionsStopped',
  'StoreAway',
]);

export function kindOf(name: MetricName): MetricKind {
  if (GAUGES.has(name)) return 'gauge';
  return metricDefinitions[name].unit === 'Milliseconds' || name === 'BatchSize' ? 'distribution' : 'counter';
}

/** Numbers of things: 1, 2, 4, … 65,536. */
const COUNT_BOUNDS = Array.from({ length: 17 }, (_, k) => 2 ** k);

export function boundsOf(name: MetricName): readonly number[] {
  return metricDefinitions[name].unit === 'Milliseconds' ? LATENCY_BOUNDS_MS : COUNT_BOUNDS;
}
