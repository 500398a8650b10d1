/** Errors of the gateway itself as RFC 9457 problem documents, in the functions' own words where they have them. */
import { problemTypes } from '@afterwrite/functions/lib/problem';

const gatewayProblems = {
  'malformed-request': problemTypes['malformed-request'],
  'invalid-field': problemTypes['invalid-field'],
  unauthenticated: problemTypes.unauthenticated,
  forbidden: problemTypes.forbidden,
  'not-found': problemTypes['not-found'],
  'method-not-allowed': problemTypes['method-not-allowed'],
  'too-large': problemTypes['too-large'],
  'unsupported-media-type': problemTypes['unsupported-media-type'],
  internal: problemTypes.internal,
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  conflict: { status: 409, title: 'It does not fit to what goes on now' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'expectation-failed': { status: 417, title: 'This expectation cannot be met' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  throttled: { status: 503, title: 'Too many requests run at the same time' },
  stopping: { status: 503, title: 'The API is being stopped' },
  'gateway-timeout': { status: 504, title: 'The function took too long' },
} as const;

export type GatewayProblem = keyof typeof gatewayProblems;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** Seconds after which a caller may try again. */
const RETRY_AFTER_SECONDS = '1';
const RETRYABLE: ReadonlySet<GatewayProblem> = new Set(['throttled', 'stopping', 'gateway-timeout']);

export function problemAnswer(
  type: GatewayProblem,
  detail: string,
  headers: HttpAnswer['headers'] = {},
): HttpAnswer {
  const { status, title } = gatewayProblems[type];
  const document = { type: `urn:afterwrite:problem:${type}`, title, status, detail };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(RETRYABLE.has(type) ? { 'retry-after': RETRY_AFTER_SECONDS } : {}),
      ...headers,
    },
    body: Buffer.from(JSON.stringify(document)),
  };
}
