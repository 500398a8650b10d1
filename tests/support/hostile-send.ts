/** Hostile requests to the handlers in this process, as events that a gateway would make of them. */
import { randomUUID } from 'node:crypto';
import { routes } from '@afterwrite/functions/routes';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { HostileReply, HostileRequest } from './hostile.ts';
import { lambdaContext } from './invoke.ts';

type Handler = (event: unknown, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

/** Of an update: 1 s is kept for its answer, so `Prefer: wait` waits no longer than the rest. */
const UPDATE_MS = 1050;

const handlers = new Map<string, Handler>();

/** Rejects with whatever a handler throws, which none should. */
export async function sendInProcess(request: HostileRequest): Promise<HostileReply> {
  const { method, path, query, headers, body, isBase64 } = request;
  const found = match(method, path);
  const { statusCode = 0, ...result } = await (
    await handlerOf(found.function)
  )(
    {
      version: '2.0',
      routeKey: found.routeKey,
      rawPath: path,
      rawQueryString: query,
      headers,
      ...(query === '' ? {} : { queryStringParameters: joined(query) }),
      pathParameters: found.parameters,
      isBase64Encoded: isBase64,
      ...(body === undefined ? {} : { body }),
      requestContext: {
        http: {
          method,
          path,
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: headers['user-agent'] ?? '',
        },
        requestId: randomUUID(),
        routeKey: found.routeKey,
        stage: '$default',
      },
    },
    lambdaContext(method === 'PATCH' ? UPDATE_MS : undefined),
  );
  const lines = Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)]);
  return {
    status: statusCode,
    headers: Object.fromEntries(lines) as Record<string, string>,
    body: result.body ?? '',
  };
}

async function handlerOf(name: string): Promise<Handler> {
  let handler = handlers.get(name);
  if (!handler) {
    ({ handler } = (await import(`@afterwrite/functions/${name}`)) as { handler: Handler });
    handlers.set(name, handler);
  }
  return handler;
}

/** What no route takes goes to a function all the same, as with a catch-all route. */
function match(method: string, path: string) {
  for (const route of routes) {
    const pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const matched = route.method === method ? pattern.exec(path) : null;
    if (!matched) continue;
    const parameters = Object.entries(matched.groups ?? {}).map(([name, text]) => [name, decoded(text)]);
    return {
      function: route.function,
      routeKey: `${route.method} ${route.path}`,
      parameters: Object.fromEntries(parameters) as Record<string, string>,
    };
  }
  return { function: 'update-flight', routeKey: '$default', parameters: {} };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `__proto__` stays a name like any other, as in an event that was parsed from JSON. */
function joined(query: string): Record<string, string> {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries([...parameters.keys()].map((name) => [name, parameters.getAll(name).join(',')]));
}
