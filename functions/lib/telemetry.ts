/** Logger, metrics and tracer of this environment: one each, named once. */
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { MiddlewareObj } from '@middy/core';
import type { Logger as EngineLogger } from '@afterwrite/write-behind';
import { METRICS_NAMESPACE, metricDefinitions, type MetricName } from '../metrics.ts';

/** A dimension of every metric: deployments that share an account have one each. */
const SERVICE = process.env.POWERTOOLS_SERVICE_NAME ?? 'afterwrite';

export const logger = new Logger({ serviceName: SERVICE });
const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: SERVICE });
const traced = process.env.POWERTOOLS_TRACE_ENABLED === 'false' ? [] : [await loadTracing()];

/** The same, as the engine calls it. */
export const engineLogger: EngineLogger = {
  debug: (message, details = {}) => {
    logger.debug(message, details);
  },
  info: (message, details = {}) => {
    logger.info(message, details);
  },
  warn: (message, details = {}) => {
    logger.warn(message, details);
  },
  error: (message, details = {}) => {
    logger.error(message, details);
  },
};

/** Adds one value; what is added in an invocation leaves it as one document. */
export function record(name: MetricName, value: number): void {
  metrics.addMetric(name, metricDefinitions[name].unit, value);
}

/**
 * Only where it is not switched off: once loaded, the X-Ray SDK follows every promise of the process by async hooks,
 * whether it traces or not. That alone costs an update a third of its time (bench/NOTES.md).
 */
async function loadTracing(): Promise<MiddlewareObj> {
  const { Tracer } = await import('@aws-lambda-powertools/tracer');
  const { captureLambdaHandler } = await import('@aws-lambda-powertools/tracer/middleware');
  const tracer = new Tracer({ serviceName: SERVICE, captureHTTPsRequests: false });
  return captureLambdaHandler(tracer, { captureResponse: false });
}

/** Around every handler: trace, log context, and what was recorded as one document, if anything was. */
export function observed(): MiddlewareObj[] {
  const publish = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return [...traced, injectLambdaContext(logger), { after: publish, onError: publish }];
}
