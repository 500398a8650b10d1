/** The one table of routes, as API Gateway takes it. */
import { routes, type Route } from '../functions/routes.ts';
import { componentName, type Functions } from './functions.ts';

type Authorizer = ReturnType<sst.aws.ApiGatewayV2['addAuthorizer']>;

/** Every route asks who calls: also those without a scope, which any caller that is known may use. */
export function createRoutes(
  api: sst.aws.ApiGatewayV2,
  functions: Functions,
  authorizer: Authorizer | null,
): void {
  for (const route of routes as readonly Route[]) {
    const { method, path, function: name, scope } = route;
    api.route(`${method} ${path}`, functions[name].arn, {
      name: routeName(route),
      auth: authorizer
        ? { jwt: { authorizer: authorizer.id, ...(scope && { scopes: [scope] }) } }
        : { iam: true },
    });
  }
}

/** `GET /queue/dead-letters` of `queue` -> `QueueGetQueueDeadLetters`: the same on every run, unlike SST's own. */
function routeName({ method, path, function: name }: Route): string {
  const words = `${method.toLowerCase()} ${path}`.split(/[^\w]+/).filter((word) => word !== '');
  return componentName(name) + words.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
}
