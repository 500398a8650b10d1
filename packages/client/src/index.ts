export {
  AfterwriteClient,
  type CallOptions,
  type ClientOptions,
  type ReadOptions,
  type UpdateOptions,
} from './client.ts';
export { AfterwriteClientError, ApiProblem, ApiUnreachableError, WriteNotStoredError } from './errors.ts';
export type { RetryLimits } from './retry.ts';
export type { Runtime } from './runtime.ts';
export type { Fetch, FetchInit, FetchResponse } from './transport.ts';
export type * from './types.ts';
export { type CountsOfTime, countsBetween, failureShare, hitShare } from './live-counts.ts';
export * from './local-stage.ts';
export { type Heading, headingOf, headingOfCheck, HEADINGS } from './operations.ts';
export { betweenFlushesMs, noFlush, type Threshold, thresholds } from '@afterwrite/functions/thresholds';
