/** How alarms and charts name what they watch. */
import { METRICS_NAMESPACE, type MetricName } from '../functions/metrics.ts';
import { serviceName } from './functions.ts';

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
}

/** One that the functions emit. */
export function ownMetric(name: MetricName): Metric {
  return { namespace: METRICS_NAMESPACE, name, dimensions: { service: serviceName() } };
}

export function apiMetric(api: sst.aws.ApiGatewayV2, name: '5xx' | '4xx' | 'Count' | 'Latency'): Metric {
  return { namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: api.nodes.api.id } };
}

export function functionMetric(fn: sst.aws.Function, name: 'Errors' | 'Throttles' | 'Invocations'): Metric {
  return { namespace: 'AWS/Lambda', name, dimensions: { FunctionName: fn.name } };
}

export function databaseMetric(
  dimensions: Metric['dimensions'],
  name: 'CPUUtilization' | 'DatabaseConnections' | 'FreeStorageSpace' | 'VolumeBytesUsed',
): Metric {
  return { namespace: 'AWS/RDS', name, dimensions };
}

export function cacheMetric(
  dimensions: Metric['dimensions'],
  name: 'CPUUtilization' | 'CurrConnections' | 'DatabaseMemoryUsagePercentage' | 'Evictions',
): Metric {
  return { namespace: 'AWS/ElastiCache', name, dimensions };
}

export function queueMetric(queue: sst.aws.Queue, name: 'ApproximateNumberOfMessagesVisible'): Metric {
  return {
    namespace: 'AWS/SQS',
    name,
    dimensions: { QueueName: queue.nodes.queue.name },
  };
}
