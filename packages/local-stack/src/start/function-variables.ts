/** What the functions are told: the user's own settings for them, and where this stack's servers are. */
import { resolve } from 'node:path';
import type { Settings } from '@afterwrite/write-behind';
import type { Environment, StartSettings } from './settings.ts';

/** The rest of the environment is nothing to them. Defaults are theirs to choose, so only what was named goes on. */
const MEANT_FOR_FUNCTIONS =
  /^(?:DB|CACHE|QUEUE|FLUSH|DEAD_LETTER|IDEMPOTENCY|POWERTOOLS)_|^(?:ALLOW_UNAUTHENTICATED|FLIGHT_LOG_INDEX|METRICS_EVERY_MS)$/;
/** Read from AWS; here the passwords are known. */
const ONLY_ON_AWS = '_SECRET_ARN';

/** A local engine is not where the environment says, and a default may depend on the place. */
const PLACES = [
  'DB_HOST',
  'DB_PORT',
  'DB_NAME',
  'DB_USER',
  'DB_PASSWORD',
  'DB_TLS',
  'CACHE_HOST',
  'CACHE_PORT',
  'CACHE_USERNAME',
  'CACHE_PASSWORD',
  'CACHE_TLS',
  'CACHE_CLUSTER',
  'QUEUE_HOST',
  'QUEUE_PORT',
  'QUEUE_USERNAME',
  'QUEUE_PASSWORD',
  'QUEUE_TLS',
  'QUEUE_CLUSTER',
] as const satisfies readonly (keyof Settings)[];
/** Functions run in folders of their own. */
const FILES = ['DB_TLS_CA', 'CACHE_TLS_CA', 'QUEUE_TLS_CA'] as const satisfies readonly (keyof Settings)[];

export interface FunctionVariablesOptions {
  readonly environment: Environment;
  readonly servers: Settings;
  /** The database is this stack's own: its flight_log may be given an index. */
  readonly ownsDatabase: boolean;
  readonly settings: StartSettings;
  /** Of the Invoke API. */
  readonly lambdaEndpoint: string;
}

export function functionVariables(options: FunctionVariablesOptions): Record<string, string> {
  const { environment, servers, ownsDatabase, settings, lambdaEndpoint } = options;
  const named = Object.entries(environment).filter(
    ([name, value]) =>
      value !== undefined && value !== '' && MEANT_FOR_FUNCTIONS.test(name) && !name.endsWith(ONLY_ON_AWS),
  );
  const variables: Record<string, string | undefined> = {
    // There is no X-Ray daemon here.
    POWERTOOLS_TRACE_ENABLED: 'false',
    // Figures are live here although a flush lingers for a minute.
    METRICS_EVERY_MS: '500',
    // The live figures are what functions print for CloudWatch, also where POWERTOOLS_DEV is on.
    POWERTOOLS_METRICS_DISABLED: 'false',
    FLIGHT_LOG_INDEX: ownsDatabase ? '1' : '0',
    ...Object.fromEntries(named),
    AUTH_MODE: settings.auth.mode,
    FLUSH_FUNCTION_NAME: 'flush',
    AWS_ENDPOINT_URL_LAMBDA: lambdaEndpoint,
  };
  for (const name of PLACES) variables[name] = servers[name]?.toString();
  for (const name of FILES) variables[name] = servers[name] && resolve(servers[name]);
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
