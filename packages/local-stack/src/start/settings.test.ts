import { parseSettings } from '@afterwrite/write-behind';
import { expect, test } from 'vitest';
import { functionVariables } from './function-variables.ts';
import { parseStartSettings } from './settings.ts';

test('on this machine, for everybody on it, unless told otherwise', () => {
  expect(parseStartSettings({ PORT: '' })).toEqual({
    host: '127.0.0.1',
    port: 3000,
    lambdaPort: 0,
    concurrency: 8,
    freezes: true,
    allowsLoad: false,
    auth: { mode: 'none' },
  });
  const chosen = {
    HOST: '::1',
    PORT: '0',
    LAMBDA_PORT: '9001',
    LAMBDA_CONCURRENCY: '2',
    LAMBDA_FREEZE: 'false',
  };
  expect(parseStartSettings(chosen)).toMatchObject({
    host: '::1',
    port: 0,
    lambdaPort: 9001,
    concurrency: 2,
    freezes: false,
  });
});

test.each([
  [
    { PORT: 'x', LAMBDA_PORT: '70000', LAMBDA_CONCURRENCY: '0', LAMBDA_FREEZE: 'maybe' },
    /LAMBDA_FREEZE: [^]*PORT: [^]*LAMBDA_PORT: [^]*LAMBDA_CONCURRENCY: /,
  ],
  [{ HOST: '0.0.0.0' }, /HOST: 0\.0\.0\.0 can be reached from other machines/],
  [{ HOST: '0.0.0.0', AUTH_MODE: 'none', ALLOW_UNAUTHENTICATED: 'yes' }, /ALLOW_UNAUTHENTICATED=1/],
  [{ AUTH_MODE: 'iam' }, /AUTH_MODE: iam needs AWS/],
  [{ AUTH_MODE: 'password' }, /AUTH_MODE: must be none, jwt or iam/],
  [{ AUTH_MODE: 'jwt' }, /JWT_JWKS_FILE: [^]*JWT_ISSUER: [^]*JWT_AUDIENCE: /],
])('refuses %o', (environment, message) => {
  expect(() => parseStartSettings(environment)).toThrow(message);
});

test('takes other machines with a token, or when that is said to be meant', () => {
  expect(parseStartSettings({ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: '1' }).host).toBe('0.0.0.0');
  const jwt = { AUTH_MODE: 'jwt', JWT_JWKS_FILE: 'keys.json', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a, b' };
  expect(parseStartSettings({ HOST: '0.0.0.0', ...jwt }).auth).toEqual({
    mode: 'jwt',
    keySetFile: 'keys.json',
    issuer: 'i',
    audience: ['a', 'b'],
  });
});

test('functions are told what was named for them and where the servers are, and nothing else', () => {
  const environment = {
    HOME: '/home/ada',
    AWS_SECRET_ACCESS_KEY: 'real',
    DB_SECRET_ARN: 'arn:aws:secretsmanager:x',
    DB_HOST: 'ignored',
    DB_POOL_SIZE: '5',
    QUEUE_NUDGE_LENGTH: '7',
    QUEUE_BATCH_SIZE: '',
    ALLOW_UNAUTHENTICATED: '1',
  };
  const servers = parseSettings({
    DB_HOST: '127.0.0.1',
    DB_PASSWORD: '',
    DB_TLS: 'true',
    DB_TLS_CA: 'ca.pem',
  });
  const variables = functionVariables({
    environment,
    servers,
    ownsDatabase: true,
    settings: parseStartSettings({}),
    lambdaEndpoint: 'http://127.0.0.1:9',
  });
  expect(variables).toEqual({
    POWERTOOLS_TRACE_ENABLED: 'false',
    METRICS_EVERY_MS: '500',
    POWERTOOLS_METRICS_DISABLED: 'false',
    FLIGHT_LOG_INDEX: '1',
    DB_POOL_SIZE: '5',
    QUEUE_NUDGE_LENGTH: '7',
    ALLOW_UNAUTHENTICATED: '1',
    AUTH_MODE: 'none',
    FLUSH_FUNCTION_NAME: 'flush',
    AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:9',
    DB_HOST: '127.0.0.1',
    DB_PORT: '3306',
    DB_NAME: 'flughafendb',
    DB_USER: 'root',
    DB_PASSWORD: '',
    DB_TLS: 'true',
    DB_TLS_CA: `${process.cwd()}/ca.pem`,
    CACHE_HOST: 'localhost',
    CACHE_PORT: '6379',
    CACHE_TLS: 'false',
    CACHE_CLUSTER: 'false',
    QUEUE_PORT: '6379',
    QUEUE_TLS: 'false',
    QUEUE_CLUSTER: 'false',
  });
  // They come to the same settings, defaults of the place included.
  expect(parseSettings(variables)).toMatchObject({ DB_PASSWORD: '', DB_TLS: true, CACHE_TLS: false });
});

test('functions are told where the local servers are, that of the queue too', () => {
  const environment = { CACHE_ENGINE: 'memcached', DB_ENGINE: 'postgresql', QUEUE_HOST: '' };
  const places = {
    CACHE_HOST: '127.0.0.1',
    QUEUE_HOST: '127.0.0.1',
    QUEUE_PORT: '17',
    DB_HOST: '127.0.0.1',
  };
  const variables = functionVariables({
    environment,
    servers: parseSettings({ ...environment, ...places }),
    ownsDatabase: true,
    settings: parseStartSettings({}),
    lambdaEndpoint: 'http://127.0.0.1:9',
  });
  expect(parseSettings(variables)).toMatchObject({
    ...{ CACHE_ENGINE: 'memcached', CACHE_PORT: 11_211, QUEUE_HOST: '127.0.0.1', QUEUE_PORT: 17 },
    ...{ DB_ENGINE: 'postgresql', DB_PORT: 5432, DB_USER: 'postgres' },
  });
});
