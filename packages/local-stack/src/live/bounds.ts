/** The bounds by which a metric's values are counted, where they are distributed. */
import { LATENCY_BOUNDS_MS } from '@afterwrite/client';
import { type MetricName, metricDefinitions } from '@afterwrite/functions/metrics';

/** Numbers of things: 1, 2, 4, … 65,536. */
const COUNT_BOUNDS = Array.from({ length: 17 }, (_, k) => 2 ** k);

export function boundsOf(name: MetricName): readonly number[] {
  return metricDefinitions[name].unit === 'Milliseconds' ? LATENCY_BOUNDS_MS : COUNT_BOUNDS;
}
