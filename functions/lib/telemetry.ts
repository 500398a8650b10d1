/** Logger, metrics and tracer of this environment: one each, named once. */
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { MiddlewareObj } from '@middy/core';
import type { Logger as EngineLogger } from '@afterwrite/write-behind';
import { METRICS_NAMESPACE, metricDefinitions, type MetricName } from '../metrics.ts';
import { Recorder } from './recorder.ts';

/** A dimension of every metric: deployments that share an account have one each. */
const SERVICE = process.env.POWERTOOLS_SERVICE_NAME ?? 'afterwrite';
/** Updates of traced requests that one invocation writes a line for. */
const MAX_FOLLOWED = 100;

export const logger = new Logger({ serviceName: SERVICE });
const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: SERVICE });
const tracing = process.env.POWERTOOLS_TRACE_ENABLED === 'false' ? undefined : await loadTracing();
/** Of the environment, not of an invocation: what one leaves behind that was ended goes with the next. */
const recorder = new Recorder();
let followed = 0;

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
  recorder.add(name, value);
}

/** For a person who reads the document; no metric and no dimension. */
export function note(name: 'longestPartition', value: number): void {
  metrics.addMetadata(name, String(value));
}

/** Whether one more update may be followed by this invocation; says once that no more are. */
export function mayFollow(): boolean {
  followed++;
  if (followed === MAX_FOLLOWED + 1) logger.info('more updates of traced requests are not followed here');
  return followed <= MAX_FOLLOWED;
}

export interface TraceSegment {
  readonly root: string;
  readonly parent: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly annotations: Readonly<Record<string, string | number | boolean>>;
}

/** Beside the request's own segments in its trace; nothing where X-Ray is off. */
export function sendSegment({ root, parent, startMs, endMs, annotations }: TraceSegment): void {
  if (!tracing) return;
  const segment = new tracing.Segment(`${SERVICE}-queue`, root, parent);
  segment.start_time = startMs / 1000;
  segment.end_time = endMs / 1000;
  for (const [name, value] of Object.entries(annotations)) segment.addAnnotation(name, value);
  segment.close();
}

/**
 * Only where it is not switched off: once loaded, the X-Ray SDK follows every promise of the process by async hooks,
 * whether it traces or not. That alone costs an update a third of its time (bench/NOTES.md).
 */
async function loadTracing() {
  const { Tracer } = await import('@aws-lambda-powertools/tracer');
  const { captureLambdaHandler } = await import('@aws-lambda-powertools/tracer/middleware');
  const { default: sdk } = await import('aws-xray-sdk-core');
  const tracer = new Tracer({ serviceName: SERVICE, captureHTTPsRequests: false });
  const middleware: MiddlewareObj = captureLambdaHandler(tracer, { captureResponse: false });
  return { middleware, Segment: sdk.Segment };
}

function publish(): void {
  const recorded = recorder.take();
  if (recorded.size === 0) return;
  for (const [name, values] of recorded) {
    // Microseconds are enough, and the document is half as long.
    for (const value of values) {
      metrics.addMetric(name, metricDefinitions[name].unit, Math.round(value * 1000) / 1000);
    }
  }
  metrics.publishStoredMetrics();
}

/**
 * Around every handler: trace, log context, and what was recorded as one document, if anything was. With METRICS_EVERY_MS
 * also meanwhile, at most that often: on one machine figures are to be live although an invocation lasts a minute.
 */
export function observed(): MiddlewareObj[] {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  const end = (request: object) => {
    clearInterval(timers.get(request));
    publish();
  };
  const publishing: MiddlewareObj = {
    before: (request) => {
      followed = 0;
      const everyMs = Number(process.env.METRICS_EVERY_MS ?? 0);
      if (everyMs > 0) timers.set(request, setInterval(publish, everyMs).unref());
    },
    after: end,
    onError: end,
  };
  return [...(tracing ? [tracing.middleware] : []), injectLambdaContext(logger), publishing];
}
