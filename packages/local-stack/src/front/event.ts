/**
 * The event that an HTTP API makes of a request (payload format 2.0). Where the documentation is silent, as AWS was seen
 * to do it: `rawPath` is decoded, the query is not; a body is text for text types, JSON, XML and JavaScript only, and
 * Base64 for everything else, also for a form and when there is no content type.
 */
import type { IncomingMessage } from 'node:http';
import { newTraceId } from '../lambda/local-lambda.ts';
import { ACCOUNT_ID } from '../lambda/variables.ts';
import type { FrontRoute } from './router.ts';

export interface Authorizer {
  readonly jwt: {
    readonly claims: Readonly<Record<string, string>>;
    readonly scopes: readonly string[] | null;
  };
}

export interface EventOptions {
  readonly request: IncomingMessage;
  readonly route: FrontRoute;
  /** As in the request line, without the query. */
  readonly path: string;
  readonly rawQueryString: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly authorizer: Authorizer | undefined;
  readonly requestId: string;
  readonly now: Date;
}

const API_ID = 'local';
const TEXT = /^(?:text\/[^;]*|application\/(?:json|xml|javascript))\s*(?:;|$)/i;

export function gatewayEvent(options: EventOptions): Record<string, unknown> {
  const { request, route, rawQueryString, parameters, body } = options;
  const headers = headersOf(request);
  const cookies = request.headers.cookie?.split(/;\s*/).filter((cookie) => cookie !== '');
  const query = joined(new URLSearchParams(rawQueryString));
  const isText = TEXT.test(request.headers['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey: `${route.method} ${route.path}`,
    rawPath: decodeURIComponent(options.path),
    rawQueryString,
    ...(cookies ? { cookies } : {}),
    headers,
    ...(Object.keys(query).length > 0 ? { queryStringParameters: query } : {}),
    requestContext: requestContext(options, headers),
    ...(Object.keys(parameters).length > 0 ? { pathParameters: { ...parameters } } : {}),
    ...(body.length > 0 ? { body: body.toString(isText ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function requestContext(options: EventOptions, headers: Readonly<Record<string, string>>): unknown {
  const { request, route, path, authorizer, requestId, now } = options;
  const domainName = headers.host ?? '';
  return {
    accountId: ACCOUNT_ID,
    apiId: API_ID,
    ...(authorizer ? { authorizer } : {}),
    domainName,
    domainPrefix: domainName.split('.')[0] ?? '',
    http: {
      // A HEAD takes the way of its GET, which the function is to see.
      method: route.method,
      path: decodeURIComponent(path),
      protocol: `HTTP/${request.httpVersion}`,
      sourceIp: request.socket.remoteAddress ?? '',
      userAgent: headers['user-agent'] ?? '',
    },
    requestId,
    routeKey: `${route.method} ${route.path}`,
    stage: '$default',
    time: commonLogTime(now),
    timeEpoch: now.getTime(),
  };
}

/** Lower-case names; values of a name that came more than once joined with commas, in their order. */
function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (name !== 'cookie' && values) headers[name] = values.join(',');
  }
  const address = request.socket.remoteAddress ?? '';
  headers['x-forwarded-for'] = [headers['x-forwarded-for'], address].filter(Boolean).join(', ');
  headers['x-forwarded-port'] = String(request.socket.localPort ?? '');
  headers['x-forwarded-proto'] = 'http';
  headers['x-amzn-trace-id'] ??= newTraceId().split(';')[0] ?? '';
  return headers;
}

function joined(parameters: URLSearchParams): Record<string, string> {
  const query: Record<string, string> = {};
  for (const name of new Set(parameters.keys())) query[name] = parameters.getAll(name).join(',');
  return query;
}

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(now: Date): string {
  const [, day = '', month = '', year = '', time = ''] = now.toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}
