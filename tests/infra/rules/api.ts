/** Who may call what. */
import { routes } from '@afterwrite/functions/routes';
import { missing, type Rule } from '../stack.ts';

export const api: readonly Rule[] = [
  {
    name: 'every route has an authorizer, and with tokens its scope',
    check: (stack) => {
      const isJwt = stack.all('apigatewayv2/authorizer').length > 0;
      return stack.all('apigatewayv2/route').flatMap(({ inputs }) => {
        const key = String(inputs.routeKey);
        const scope = routes.find(({ method, path }) => `${method} ${path}` === key)?.scope;
        if (!isJwt)
          return missing(`the route ${key} has no authorizer`, inputs.authorizationType === 'AWS_IAM');
        return [
          ...missing(
            `the route ${key} has no authorizer`,
            inputs.authorizationType === 'JWT' && inputs.authorizerId,
          ),
          ...missing(
            `the route ${key} asks for no scope ${scope}`,
            (inputs.authorizationScopes ?? []).join() === (scope ?? ''),
          ),
        ];
      });
    },
    breaks: {
      'an open route': (stack) => (stack.all('apigatewayv2/route')[3]!.inputs.authorizationType = 'NONE'),
    },
  },
  {
    name: 'the routes are those of the table that the local front uses, each to its function',
    check: (stack) => {
      const integrations = new Map(
        stack
          .all('apigatewayv2/integration')
          .map(({ name, inputs }) => [`integrations/${name}-id`, String(inputs.integrationUri)]),
      );
      const found = stack
        .all('apigatewayv2/route')
        .map(({ inputs }) => `${inputs.routeKey} -> ${integrations.get(inputs.target)?.split(':').at(-1)}`);
      const expected = routes.map(
        ({ method, path, function: name }) => `${method} ${path} -> ${stack.function(name).name}`,
      );
      return [
        ...expected.filter((each) => !found.includes(each)).map((each) => `the route ${each} is missing`),
        ...found
          .filter((each) => !expected.includes(each))
          .map((each) => `the route ${each} is not in the table`),
      ];
    },
    breaks: {
      'a route fewer': (stack) =>
        stack.remove('apigatewayv2/route', stack.all('apigatewayv2/route')[0]!.name),
      'another function': (stack) =>
        (stack.all('apigatewayv2/integration')[0]!.inputs.integrationUri = 'arn:x:other'),
    },
  },
  {
    name: 'the API is throttled, logged, and closed to web pages that nobody named',
    check: (stack) => {
      const stage = stack.one('apigatewayv2/stage');
      const { allowOrigins = [] } = stack.one('apigatewayv2/api').corsConfiguration as {
        allowOrigins?: string[];
      };
      return [
        ...missing(
          'the API is not throttled',
          stage.defaultRouteSettings?.throttlingRateLimit > 0 &&
            stage.defaultRouteSettings.throttlingBurstLimit > 0,
        ),
        ...missing('the API has no access log', stage.accessLogSettings?.destinationArn),
        ...missing('CORS lets any web page call the API', !allowOrigins.includes('*')),
      ];
    },
    breaks: {
      'no throttling': (stack) => delete stack.one('apigatewayv2/stage').defaultRouteSettings,
      'no log': (stack) => delete stack.one('apigatewayv2/stage').accessLogSettings,
      'open CORS': (stack) => (stack.one('apigatewayv2/api').corsConfiguration = { allowOrigins: ['*'] }),
    },
  },
];
