/** Logger, metrics and tracer of this environment: one each, named once. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { METRICS_NAMESPACE, metricDefinitions, type MetricName } from '../metrics.ts';

const SERVICE = 'afterwrite';

export const logger = new Logger({ serviceName: SERVICE });
export const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: SERVICE });
export const tracer = new Tracer({ serviceName: SERVICE, captureHTTPsRequests: false });

/** Adds one value; what is added in an invocation leaves it as one document. */
export function record(name: MetricName, value: number): void {
  metrics.addMetric(name, metricDefinitions[name].unit, value);
}
