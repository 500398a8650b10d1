/** What a metric's values are to be taken for, and the bounds of those that are distributed. */
import { LATENCY_BOUNDS_MS } from '@afterwrite/client';
import { type MetricName, metricDefinitions } from '@afterwrite/functions/metrics';

/** Added up; the last one counts; each one counts. */
export type MetricKind = 'counter' | 'gauge' | 'distribution';

/** Until every definition says so itself, as some do. */
const definitions: Readonly<Record<MetricName, { readonly unit: string; readonly kind?: MetricKind }>> =
  metricDefinitions;

const GAUGES: ReadonlySet<MetricName> = new Set([
  'QueueLength',
  'OldestUpdateAge',
  'DeadLetters',
  'PartitionsStopped',
  'StoreAway',
]);

export function kindOf(name: MetricName): MetricKind {
  const { unit, kind } = definitions[name];
  if (kind !== undefined) return kind;
  if (GAUGES.has(name)) return 'gauge';
  return unit === 'Milliseconds' || name === 'BatchSize' ? 'distribution' : 'counter';
}

/** Transactions by which updates left the queue: counted, or else by their sizes. */
export const BATCHES = ('BatchesCommitted' in definitions ? 'BatchesCommitted' : 'BatchSize') as MetricName;

/** Numbers of things: 1, 2, 4, … 65,536. */
const COUNT_BOUNDS = Array.from({ length: 17 }, (_, k) => 2 ** k);

export function boundsOf(name: MetricName): readonly number[] {
  return metricDefinitions[name].unit === 'Milliseconds' ? LATENCY_BOUNDS_MS : COUNT_BOUNDS;
}
