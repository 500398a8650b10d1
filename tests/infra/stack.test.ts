/**
 * The real program for both stages, with all that whoever deploys may choose, and for each database with each cache, held to
 * the rules.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { routes } from '@afterwrite/functions/routes';
import { rules } from './rules/index.ts';
import { type Rule, Stack, variables } from './stack.ts';
import {
  combinations,
  enginesOf,
  LONGEST_OF_ALL_MS,
  resourcesOf,
  runScript,
  type Variant,
} from './synthesized.ts';

const stackOf = async (variant: Variant) => new Stack(await resourcesOf(variant), enginesOf(variant));

/** The rules for its engines; what only production must be, is not asked of `dev`. */
function rulesFor(variant: Variant): readonly Rule[] {
  const engines = enginesOf(variant);
  return rules.filter(
    ({ isForProduction = false, isFor = () => true }) =>
      isFor(engines) && (!isForProduction || !variant.startsWith('dev')),
  );
}

const stages = ['production', 'dev', 'dev-others', 'options', 'options-others'] as const;

// The longest run. None beside another: they write archives of the bundles to the same place.
beforeAll(async () => {
  await resourcesOf('rds-mysql+valkey');
}, LONGEST_OF_ALL_MS);

describe.each([...stages, ...combinations])('%s', (variant) => {
  test.each(rulesFor(variant))('$name', async ({ check }) => {
    expect(check(await stackOf(variant))).toEqual([]);
  });
});

/** Each database once, and each cache. */
const spoiled: readonly Variant[] = [
  'production',
  'rds-mariadb+redis',
  'rds-postgresql+memcached',
  'aurora-mysql+redis',
  'aurora-postgresql+memcached',
];

describe.each(spoiled)('%s', (variant) => {
  const breaks = rulesFor(variant).flatMap(({ name, check, breaks: ways }) =>
    Object.entries(ways).map(([how, spoil]) => ({ name, how, check, spoil })),
  );

  test.each(breaks)('$name: noticed is $how', async ({ check, spoil }) => {
    const stack = await stackOf(variant);
    spoil(stack);
    expect(check(stack)).not.toEqual([]);
  });
});

test('the small stage can be removed and costs little', async () => {
  const stack = await stackOf('dev');
  expect(stack.one('rds/instance')).toMatchObject({
    instanceClass: 'db.t4g.micro',
    deletionProtection: false,
    skipFinalSnapshot: true,
    multiAz: false,
  });
  expect(stack.one('elasticache/replicationGroup')).toMatchObject({
    nodeType: 'cache.t4g.micro',
    numNodeGroups: 1,
    replicasPerNodeGroup: 0,
  });
  for (const { inputs } of stack.all('ec2/vpcEndpoint')) expect(inputs.subnetIds).toHaveLength(1);
});

test('with Aurora and memcached too', async () => {
  const stack = await stackOf('dev-others');
  expect(stack.database).toMatchObject({
    serverlessv2ScalingConfiguration: { minCapacity: 0.5, maxCapacity: 2 },
    deletionProtection: false,
    skipFinalSnapshot: true,
  });
  expect(stack.databaseInstances).toHaveLength(1);
  expect(stack.one('elasticache/cluster')).toMatchObject({ nodeType: 'cache.t4g.micro', numCacheNodes: 1 });
  expect(stack.queueServer).toMatchObject({ nodeType: 'cache.t4g.micro', replicasPerNodeGroup: 0 });
});

test('Aurora has a reader of the same capacity where the stage is highly available', async () => {
  const stack = await stackOf('aurora-mysql+valkey');
  expect(stack.databaseInstances.map(({ instanceClass }) => String(instanceClass))).toEqual([
    'db.serverless',
    'db.serverless',
  ]);
  expect(variables(stack, 'flush')).toMatchObject({ DB_HOST: 'writer.made-up' });
  expect(JSON.stringify(stack.resources)).not.toContain('reader.made-up');
});

test('a stage that goes over to memcached keeps the server that has its queue', async () => {
  const [before, after] = [await stackOf('rds-mysql+valkey'), await stackOf('rds-mysql+memcached')];
  const named = (stack: Stack) =>
    ['elasticache/replicationGroup', 'elasticache/parameterGroup', 'ec2/securityGroup'].flatMap((type) =>
      stack.all(type).filter(({ name }) => name.startsWith('Cache')),
    );
  expect(named(after)).toEqual(named(before));
});

const deployPage = readFileSync(join(import.meta.dirname, '../../docs/DEPLOY.md'), 'utf8').replaceAll(
  /\s+/g,
  ' ',
);

test.each(combinations)('docs/DEPLOY.md names the versions of %s', async (variant) => {
  const stack = await stackOf(variant);
  const { database, cache } = stack.engines;
  const version = String(stack.database.engineVersion).replace(/^.*aurora\.(\d+\.\d+).*$/, '$1');
  const [memcached] = stack.all('elasticache/cluster');
  expect(rowOf(database)).toContain(` ${version}`);
  expect(rowOf(cache)).toContain(
    ` ${String(memcached?.inputs.engineVersion ?? stack.queueServer.engineVersion)}`,
  );
});

/** The second column of the row, which says what is created. */
function rowOf(engine: string): string {
  return new RegExp(`\\| \`${engine}\` \\| ([^|]+) \\|`).exec(deployPage)?.[1] ?? '';
}

test('docs/DEPLOY.md counts what there is', async () => {
  const production = await stackOf('production');
  const functions = production.all('lambda/function');
  const reserved = functions
    .map(({ inputs }) => Number(inputs.reservedConcurrentExecutions ?? 0))
    .reduce((sum, each) => sum + each, 0);
  const [most, fewest] = [production, await stackOf('dev')].map(
    (stack) => stack.all('cloudwatch/metricAlarm').length,
  );
  const said = [
    // AWS wants 100 that nobody reserves.
    `a quota of at least ${String(reserved + 100)} concurrent executions`,
    `the stage reserves ${String(reserved)} and`,
    ` ${String(routes.length)} routes,`,
    ` ${String(functions.length)} functions on arm64`,
    ` ${String(fewest)} alarms and one dashboard (${String(most)} alarms in production`,
  ];
  expect(said.filter((each) => !deployPage.includes(each))).toEqual([]);
});

test('with tokens, pages, a proxy and an address for alarms', async () => {
  const stack = await stackOf('options');
  expect(stack.one('apigatewayv2/authorizer')).toMatchObject({
    authorizerType: 'JWT',
    jwtConfiguration: { issuer: 'https://issuer.example', audiences: ['afterwrite', 'other'] },
  });
  expect(stack.one('apigatewayv2/api').corsConfiguration).toMatchObject({
    allowOrigins: ['https://app.example'],
  });
  expect(stack.one('sns/topicSubscription')).toMatchObject({ endpoint: 'ops@example.com' });
  const variables = stack.function('get-flight').environment.variables as Record<string, string>;
  expect(variables).toMatchObject({ AUTH_MODE: 'jwt', DB_HOST: 'proxy.made-up', DB_TLS: 'true' });
  // The proxy's certificate is one that everybody trusts.
  expect(variables).not.toHaveProperty('DB_TLS_CA');
  expect(stack.function('migrate').environment.variables).toMatchObject({ FLIGHT_LOG_INDEX: '1' });
});

test('sst dev uses the servers of this machine and creates none', async () => {
  const stack = await stackOf('local');
  const types = new Set(stack.resources.map(({ type }) => type.split('/')[0]));
  for (const type of [
    'aws:rds',
    'aws:elasticache',
    'aws:ec2',
    'aws:vpc',
    'aws:scheduler',
    'aws:secretsmanager',
  ])
    expect(types).not.toContain(type);
  for (const name of ['get-flight', 'update-flight', 'flush'] as const) {
    const { environment, vpcConfig } = stack.function(name);
    expect(vpcConfig).toBeUndefined();
    expect(environment.variables).toMatchObject({ DB_HOST: 'localhost', CACHE_HOST: 'localhost' });
    expect(environment.variables).not.toHaveProperty('DB_SECRET_ARN');
  }
  expect(stack.all('apigatewayv2/route')).toHaveLength(routes.length);
});

test('the dashboard shows what is asked first', async () => {
  const stack = await stackOf('production');
  const { widgets } = JSON.parse(stack.one('cloudwatch/dashboard').dashboardBody) as {
    widgets: { properties: { title: string } }[];
  };
  expect(widgets.map(({ properties }) => properties.title)).toEqual(
    expect.arrayContaining([
      'Queue length',
      'Processing rate',
      'Failure rate',
      'Consistency lag',
      'Write latency',
      'Hit rate',
    ]),
  );
});

test('each alarm is explained', async () => {
  const stack = await stackOf('production');
  const page = readFileSync(join(import.meta.dirname, '../../docs/OPERATIONS.md'), 'utf8');
  const names = stack.all('cloudwatch/metricAlarm').map(({ name }) => name.replace(/\d*Alarm$/, ''));
  const explained = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(explained.sort()).toEqual([...new Set(names)].sort());
});

test('every run gives the same, and one by one the same as all together', async () => {
  const chosen = ['--database', 'rds-mysql', '--cache', 'valkey'];
  const again = await runScript('scripts/synth.ts', ['--stage', 'production', ...chosen]);
  expect(JSON.parse(again)).toEqual(await resourcesOf('production'));
  expect(await resourcesOf('rds-mysql+valkey')).toEqual(await resourcesOf('production'));
});

test.each([
  [{ JWT_ISSUER: 'https://issuer.example' }, 'JWT_ISSUER and JWT_AUDIENCE go together'],
  [{ JWT_ISSUER: 'http://issuer.example', JWT_AUDIENCE: 'a' }, 'JWT_ISSUER is http://issuer.example'],
  [{ CORS_ORIGINS: '*' }, 'CORS_ORIGINS is *'],
  [{ DB_PROXY: 'yes' }, 'DB_PROXY is yes; it must be 0 or 1'],
])('%o is refused in words', async (env, words) => {
  await expect(runScript('scripts/synth.ts', ['--stage', 'dev'], env)).rejects.toThrow(words);
});
