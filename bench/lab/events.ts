/** Events as the HTTP API makes them, payload format 2.0, signed by IAM. */
import type { FunctionName } from '@afterwrite/functions/catalog';
import { type Route, routes } from '@afterwrite/functions/routes';

/** What a client and the gateway put there. */
const HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'gzip, deflate, br',
  authorization: 'AWS4-HMAC-SHA256 Credential=…',
  host: 'bench.execute-api.eu-central-1.amazonaws.com',
  'user-agent': 'bench',
  'x-amzn-trace-id': 'Root=1-00000000-000000000000000000000000',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-proto': 'https',
};
const IAM = { accountId: '123456789012', userArn: 'arn:aws:iam::123456789012:user/bench' };

/** What a function gets that no route leads to; nothing where this has nothing. A sample of many would be work, not start. */
const CALLS: Readonly<Partial<Record<FunctionName, unknown>>> = { reconcile: { sample: 1 } };

/** One that this function can answer by itself, of its first route. */
export function eventOf(name: FunctionName, flightId: string, body?: unknown): unknown {
  const route: Route | undefined = routes.find((each) => each.function === name);
  if (!route) return CALLS[name] ?? {};
  const { method } = route;
  const path = route.path.replace('{flightId}', flightId);
  return {
    version: '2.0',
    routeKey: `${method} ${route.path}`,
    rawPath: path,
    rawQueryString: '',
    headers: body === undefined ? HEADERS : { ...HEADERS, 'content-type': 'application/json' },
    pathParameters: { flightId, receipt: 'none' },
    requestContext: {
      accountId: IAM.accountId,
      authorizer: { iam: IAM },
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'bench' },
      stage: '$default',
    },
    isBase64Encoded: false,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}
