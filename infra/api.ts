/** The HTTP API in front of the functions: never open, throttled, with access logs. */
import { createRoutes } from './routes.ts';
import type { Functions } from './functions.ts';
import type { DeployOptions, StageSettings } from './settings.ts';

export function createApi(
  settings: StageSettings,
  deploy: DeployOptions,
  functions: Functions,
): sst.aws.ApiGatewayV2 {
  const { requestsPerSecond, burst } = settings.api;
  const api = new sst.aws.ApiGatewayV2('Api', {
    // SST's own default lets every page of the web call it.
    cors:
      deploy.corsOrigins.length === 0
        ? false
        : {
            allowOrigins: [...deploy.corsOrigins],
            allowMethods: ['GET', 'PATCH', 'POST'],
            allowHeaders: [
              'authorization',
              'content-type',
              'idempotency-key',
              'if-match',
              'prefer',
              'traceparent',
            ],
            exposeHeaders: ['etag', 'location', 'retry-after'],
            maxAge: '1 hour',
          },
    accessLog: { retention: settings.logRetention },
    transform: {
      stage: (args) => {
        args.defaultRouteSettings = {
          throttlingRateLimit: requestsPerSecond,
          throttlingBurstLimit: burst,
          // Latency and errors a route.
          detailedMetricsEnabled: true,
        };
      },
    },
  });
  const authorizer = deploy.jwt
    ? api.addAuthorizer({
        name: 'Jwt',
        jwt: { issuer: deploy.jwt.issuer, audiences: [...deploy.jwt.audiences] },
      })
    : null;
  createRoutes(api, functions, authorizer);
  return api;
}
