/** Calls the functions' handlers in this process with the gateway's own events, and checks every answer by the document. */
import { randomUUID } from 'node:crypto';
import { openApiDocument } from '@afterwrite/functions/openapi-document';
import { routes } from '@afterwrite/functions/routes';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { expect } from 'vitest';

export interface Request {
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: unknown;
  readonly authorizer?: unknown;
  readonly sourceIp?: string;
  readonly remainingMs?: number;
}

export interface Reply<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | boolean>>;
  readonly body: Body;
}

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const document = openApiDocument() as {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
  >;
};

export function lambdaContext(remainingMs = 10_000): Context {
  const until = Date.now() + remainingMs;
  return {
    awsRequestId: randomUUID(),
    functionName: 'test',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:test',
    memoryLimitInMB: '512',
    logGroupName: 'test',
    logStreamName: 'test',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, until - Date.now()),
  } as Context;
}

/** `call('GET', '/flights/115')`: finds the route, builds payload 2.0, validates the answer. */
export async function call<Body = Record<string, unknown>>(
  method: string,
  path: string,
  request: Request = {},
): Promise<Reply<Body>> {
  const found = routes.flatMap((route) => {
    const pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const match = route.method === method ? pattern.exec(path) : null;
    return match ? [{ route, parameters: match.groups ?? {} }] : [];
  })[0];
  if (!found) throw new Error(`no route for ${method} ${path}`);
  const { route } = found;
  const module = (await import(`@afterwrite/functions/${route.function}`)) as { handler: Handler };
  const event = toEvent(`${route.method} ${route.path}`, path, found.parameters, request);
  const result = (await module.handler(
    event,
    lambdaContext(request.remainingMs),
  )) as APIGatewayProxyStructuredResultV2;
  const reply = {
    status: result.statusCode ?? 0,
    headers: result.headers ?? {},
    body: (result.body === undefined ? undefined : JSON.parse(result.body)) as Body,
  };
  checkReply(route, reply);
  return reply;
}

function toEvent(
  routeKey: string,
  path: string,
  parameters: Record<string, string>,
  { query = {}, headers = {}, body, authorizer, sourceIp = '127.0.0.1' }: Request,
): APIGatewayProxyEventV2 {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const [method = ''] = routeKey.split(' ');
  const type = text === undefined ? {} : { 'content-type': 'application/json' };
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: { ...type, ...headers },
    queryStringParameters: query,
    pathParameters: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value)]),
    ),
    isBase64Encoded: false,
    ...(text === undefined ? {} : { body: text }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'localhost',
      domainPrefix: 'api',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp, userAgent: 'test' },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: new Date().toISOString(),
      timeEpoch: Date.now(),
      ...(authorizer === undefined ? {} : { authorizer }),
    },
  };
}

/** Fails unless the document has this status and content type for the call, with a schema that the body fits. */
export function checkReply(
  { method, path }: { readonly method: string; readonly path: string },
  reply: Reply<unknown>,
): void {
  const response = document.paths[path]?.[method.toLowerCase()]?.responses[String(reply.status)];
  expect(
    response,
    `status ${String(reply.status)} is not in the document: ${JSON.stringify(reply.body)}`,
  ).toBeDefined();
  const type = String(reply.headers['content-type']);
  const schema = response?.content?.[type]?.schema;
  if (reply.body === undefined) return;
  expect(schema, `${type} is not in the document for ${String(reply.status)}`).toBeDefined();
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile({ ...schema, components: (document as { components?: unknown }).components });
  validate(reply.body);
  expect(validate.errors ?? [], JSON.stringify(reply.body)).toEqual([]);
}
