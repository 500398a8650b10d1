/** The functions as the catalog lists them: its limits, the bundles as they are, and only the rights that each one needs. */
import { existsSync } from 'node:fs';
import { catalog, type FunctionName, standalone } from '../functions/catalog.ts';
import type { Cache } from './cache.ts';
import type { Database } from './database.ts';
import type { Network } from './network.ts';
import type { DeployOptions, StageSettings } from './settings.ts';

export type Functions = Readonly<Record<FunctionName, sst.aws.Function>>;

/** When the queue is long, when a caller waits, or when work is left at the end of its time. */
const CALLS_FLUSH: ReadonlySet<FunctionName> = new Set(['update-flight', 'flush']);
const BUNDLES = 'functions/dist';

interface FunctionsOptions {
  readonly settings: StageSettings;
  readonly deploy: DeployOptions;
  readonly network: Network | null;
  readonly cache: Cache;
  readonly database: Database;
  /** Where invocations of `flush` go that it failed itself, after Lambda's own retries. */
  readonly flushFailures: sst.aws.Queue;
}

export function createFunctions(options: FunctionsOptions): Functions {
  const names = Object.keys(catalog) as FunctionName[];
  return Object.fromEntries(names.map((name) => [name, createFunction(name, options)])) as Functions;
}

/** `get-flight` -> `GetFlight`. */
export function componentName(name: FunctionName): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function createFunction(name: FunctionName, options: FunctionsOptions): sst.aws.Function {
  const { settings, network } = options;
  const { timeoutSeconds, memoryMb } = catalog[name];
  const reserved = settings.reservedConcurrency[name];
  const bundle = `${BUNDLES}/${name}`;
  if (!existsSync(`${$cli.paths.root}/${bundle}/index.mjs`))
    throw new Error(`${bundle} is missing: run \`npm run bundle\` first.`);
  return new sst.aws.Function(componentName(name), {
    ...(name === 'flush' && { name: flushName() }),
    description: `${name} of ${$app.name}, stage ${$app.stage}`,
    bundle,
    handler: 'index.handler',
    runtime: 'nodejs24.x',
    architecture: 'arm64',
    timeout: `${timeoutSeconds} seconds`,
    memory: `${memoryMb} MB`,
    environment: environmentOf(name, options),
    permissions: permissionsOf(name, options),
    logging: { retention: settings.logRetention },
    ...(reserved !== undefined && { concurrency: { reserved } }),
    ...(network &&
      !standalone.has(name) && {
        vpc: { privateSubnets: network.subnetIds, securityGroups: [network.groups.functions.id] },
      }),
    // A flush that fails is tried again by the schedule; asked twice more first, because it may have been a moment's fault.
    ...(name === 'flush' && { retries: 2 }),
    // One that fails is an alarm; the next hour's takes another sample.
    ...(name === 'reconcile' && { retries: 0 }),
    transform: {
      // SST lets the whole account take the role on. In `sst dev` it has to: the code runs on this machine.
      ...(!$dev && { role: { assumeRolePolicy: trustLambda() }, function: withoutLinkKey }),
      ...(name === 'flush' && {
        eventInvokeConfig: {
          // The schedule has called again by then.
          maximumEventAgeInSeconds: 300,
          destinationConfig: { onFailure: { destination: options.flushFailures.arn } },
        },
      }),
    },
  });
}

/** SST's key to its file of links. There are no links, and nothing that looks like a secret stands in a variable. */
function withoutLinkKey(args: aws.lambda.FunctionArgs): undefined {
  args.environment = $util.output(args.environment).apply((environment) => {
    const { SST_KEY: _key, SST_KEY_FILE: _file, ...variables } = environment?.variables ?? {};
    return { variables };
  });
}

function trustLambda() {
  return aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' });
}

/** Named here, because it calls itself by its name. */
function flushName(): string {
  return `${$app.name}-${$app.stage}-flush`;
}

function environmentOf(name: FunctionName, { settings, cache, database, deploy }: FunctionsOptions) {
  const common = {
    ...settings.variables,
    // A dimension of every metric: two stages of one account stay apart.
    POWERTOOLS_SERVICE_NAME: serviceName(),
    POWERTOOLS_TRACE_ENABLED: 'false',
    AUTH_MODE: deploy.jwt ? 'jwt' : 'iam',
  };
  if (standalone.has(name)) return common;
  return {
    ...common,
    ...cache.environment,
    ...database.environment,
    ...(CALLS_FLUSH.has(name) && { FLUSH_FUNCTION_NAME: flushName() }),
    ...(name === 'migrate' && { FLIGHT_LOG_INDEX: deploy.hasFlightLogIndex ? '1' : '0' }),
  };
}

export function serviceName(): string {
  return `${$app.name}-${$app.stage}`;
}

function permissionsOf(name: FunctionName, { cache, database, flushFailures }: FunctionsOptions) {
  const credentials = [cache.credentials, database.credentials].filter((each) => each !== null);
  const permissions = [];
  if (!standalone.has(name) && credentials.length > 0) {
    const resources = credentials.map(({ secret }) => secret.arn);
    permissions.push({ actions: ['secretsmanager:GetSecretValue'], resources });
  }
  if (CALLS_FLUSH.has(name)) {
    const { region } = aws.getRegionOutput();
    const { accountId } = aws.getCallerIdentityOutput();
    const flushArn = $interpolate`arn:aws:lambda:${region}:${accountId}:function:${flushName()}`;
    permissions.push({ actions: ['lambda:InvokeFunction'], resources: [flushArn] });
  }
  if (name === 'flush') permissions.push({ actions: ['sqs:SendMessage'], resources: [flushFailures.arn] });
  return permissions;
}
