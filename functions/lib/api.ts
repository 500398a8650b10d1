/**
 * What every function behind the gateway does around its own few lines: who calls, what is asked, answers and errors as
 * JSON. An operation gets checked input and gives a body; whatever it throws becomes a problem document.
 */
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { z } from 'zod';
import { routes } from '../routes.ts';
import { authorise, type Caller, readAuthSettings } from './auth.ts';
import { Problem, toProblem } from './problem.ts';
import { MAX_BODY_BYTES } from './schemas.ts';
import { logger, observed } from './telemetry.ts';

export interface Call {
  readonly event: APIGatewayProxyEventV2;
  readonly caller: Caller;
  readonly remainingMs: () => number;
  /** A parameter of the path. */
  readonly parameter: (name: string) => string;
  /** A header by its lower-case name; empty counts as not sent. */
  readonly header: (name: string) => string | undefined;
  readonly query: <T>(schema: z.ZodType<T>) => T;
  readonly body: <T>(schema: z.ZodType<T>) => T;
}

export interface Answer {
  readonly status: number;
  /** undefined: no body at all. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of a body: bytes as they are. */
  readonly file?: { readonly type: string; readonly bytes: Buffer };
}

export type Operation = (call: Call) => Promise<Answer>;

type RouteKey = (typeof routes)[number] extends infer R
  ? R extends { method: infer M extends string; path: infer P extends string }
    ? `${M} ${P}`
    : never
  : never;

/** A Lambda handler for these routes. */
export function apiFunction(operations: Partial<Record<RouteKey, Operation>>) {
  const answer = async (event: APIGatewayProxyEventV2, context: Context) => {
    try {
      return toResult(await run(operations, event, context));
    } catch (error) {
      const problem = toProblem(error);
      const { status } = problem.document;
      const details = {
        status,
        problem: problem.document.type,
        error: error instanceof Error ? error : String(error),
      };
      if (status >= 500) logger.error('request failed', details);
      else logger.info('request refused', { status, detail: problem.document.detail });
      return toResult(
        { status, body: problem.document, headers: problem.headers },
        'application/problem+json',
      );
    }
  };
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>().use(observed()).handler(answer);
}

async function run(
  operations: Partial<Record<string, Operation>>,
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<Answer> {
  const operation = operations[event.routeKey];
  const route = routes.find(({ method, path }) => `${method} ${path}` === event.routeKey);
  if (!operation || !route) throw new Problem('not-found', 'There is no such path.');
  const caller = authorise(readAuthSettings(process.env), event.requestContext, route.scope);
  return await operation({
    event,
    caller,
    remainingMs: () => context.getRemainingTimeInMillis(),
    parameter: (name) => event.pathParameters?.[name] ?? '',
    header: (name) => emptyAsMissing(event.headers[name]?.trim()),
    query: (schema) => check(schema, event.queryStringParameters ?? {}),
    body: (schema) => check(schema, readJson(event)),
  });
}

function emptyAsMissing(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function readJson(event: APIGatewayProxyEventV2): unknown {
  const encoded = event.body ?? '';
  const bytes = Buffer.from(encoded, event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) {
    throw new Problem('too-large', `A body may have ${String(MAX_BODY_BYTES)} bytes.`);
  }
  if (bytes.length === 0) return {};
  const [type = ''] = (event.headers['content-type'] ?? '').split(';');
  if (!/^application\/(json|merge-patch\+json)$/i.test(type.trim())) {
    throw new Problem('unsupported-media-type', 'Send Content-Type: application/json.', {
      field: 'Content-Type',
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem('malformed-request', 'The body is not JSON in UTF-8.');
  }
}

/** Names the first field at fault. */
function check<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = unknown ?? issue?.path.map(String).join('.') ?? '';
  const detail = unknown === undefined ? (issue?.message ?? 'not valid') : 'is not a field of this request';
  throw new Problem(
    'invalid-field',
    field === '' ? detail : `${field}: ${detail}`,
    field === '' ? {} : { field },
  );
}

function toResult(
  { status, body, headers, file }: Answer,
  type = 'application/json',
): APIGatewayProxyStructuredResultV2 {
  const common = { 'cache-control': 'no-store', ...headers };
  if (file) {
    const typed = { 'content-type': file.type, ...common };
    return { statusCode: status, headers: typed, body: file.bytes.toString('base64'), isBase64Encoded: true };
  }
  return body === undefined
    ? { statusCode: status, headers: common }
    : { statusCode: status, headers: { 'content-type': type, ...common }, body: JSON.stringify(body) };
}
