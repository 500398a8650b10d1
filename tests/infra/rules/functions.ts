/** How the functions run, and what calls them. */
import {
  catalog,
  flushConcurrency,
  type FunctionName,
  poolSizeFor,
  standalone,
} from '@afterwrite/functions/catalog';
import { functionNames, missing, type Rule, type Stack, variables } from '../stack.ts';

const FLUSH_SCHEDULE = 'FlushScheduleSchedule';
const RECONCILE_SCHEDULE = 'ReconcileScheduleSchedule';

/** What one environment of a function may open. */
function connectionsOf(stack: Stack, name: FunctionName): number {
  const { DB_POOL_SIZE, QUEUE_FLUSH_CONCURRENCY } = variables(stack, name);
  const purpose = name === 'flush' || name === 'migrate' ? 'flush' : 'request';
  return Number(DB_POOL_SIZE ?? poolSizeFor(Number(QUEUE_FLUSH_CONCURRENCY ?? flushConcurrency[purpose])));
}

/** What is said of servers, without how they are encrypted. */
function serversIn(told: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(told)
    .filter(([name]) =>
      /^(DB|CACHE|QUEUE)_(ENGINE|HOST|PORT|CLUSTER|SECRET_ARN|USER|USERNAME|PASSWORD)$/.test(name),
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function expectedServers(stack: Stack): [string, string][] {
  const { database, cache } = stack.expected;
  const secret = (name: string) => `arn:aws:secretsmanager:us-east-1:123456789012:${name}`;
  const writer = database.isCluster ? 'writer.made-up' : 'database.made-up';
  const hasProxy = stack.all('rds/proxy').length > 0;
  const clean = { CACHE_HOST: 'memcached.made-up', CACHE_PORT: '11211' };
  return serversIn({
    DB_ENGINE: database.driver,
    DB_HOST: hasProxy ? 'proxy.made-up' : writer,
    DB_PORT: String(database.port),
    DB_SECRET_ARN: secret('DatabaseSecret'),
    CACHE_ENGINE: stack.engines.cache,
    ...(cache.serverPrefix === 'QUEUE' && clean),
    [`${cache.serverPrefix}_HOST`]: 'cache.made-up',
    [`${cache.serverPrefix}_PORT`]: '6379',
    [`${cache.serverPrefix}_CLUSTER`]: 'true',
    [`${cache.serverPrefix}_SECRET_ARN`]: secret('CacheSecret'),
  });
}

export const functions: readonly Rule[] = [
  {
    name: 'the functions run as the catalog says, on arm64, from their bundles',
    check: (stack) =>
      functionNames.flatMap((name) => {
        const fn = stack.function(name);
        const { timeoutSeconds, memoryMb } = catalog[name];
        return [
          ...missing(`${name} has ${fn.memorySize} MB, not ${memoryMb}`, fn.memorySize === memoryMb),
          ...missing(`${name} has ${fn.timeout} s, not ${timeoutSeconds}`, fn.timeout === timeoutSeconds),
          ...missing(`${name} is not on arm64`, fn.architectures?.join() === 'arm64'),
          ...missing(`${name} does not run on Node 24`, fn.runtime === 'nodejs24.x'),
          ...missing(`${name} has no handler`, fn.handler === 'index.handler' && fn.s3Key),
        ];
      }),
    breaks: {
      memory: (stack) => (stack.function('get-flight').memorySize = 128),
      timeout: (stack) => (stack.function('flush').timeout = 20),
      'another architecture': (stack) => (stack.function('flush').architectures = ['x86_64']),
      'no handler': (stack) => (stack.function('queue').handler = 'server.main'),
    },
  },
  {
    name: 'logs are not kept for ever',
    check: (stack) =>
      stack
        .all('cloudwatch/logGroup')
        .flatMap(({ name, inputs }) => missing(`${name} is kept for ever`, inputs.retentionInDays > 0)),
    breaks: {
      'a log without end': (stack) => delete stack.all('cloudwatch/logGroup')[0]!.inputs.retentionInDays,
    },
  },
  {
    name: 'the functions cannot take more connections than the database has',
    isForProduction: true,
    check: (stack) => {
      const most = Number(stack.parameter('max_connections')?.value);
      const used = functionNames
        .filter((name) => !standalone.has(name))
        .map((name) => {
          const reserved = stack.function(name).reservedConcurrentExecutions ?? Infinity;
          return reserved * connectionsOf(stack, name);
        })
        .reduce((sum, each) => sum + each, 0);
      return missing(`the functions may open ${used} connections of ${most}`, used <= most * 0.9);
    },
    breaks: {
      'no limit': (stack) => delete stack.function('get-flight').reservedConcurrentExecutions,
      'a larger pool': (stack) => (variables(stack, 'get-flight').DB_POOL_SIZE = '100'),
      'fewer connections': (stack) => (stack.parameter('max_connections').value = '100'),
    },
  },
  {
    name: 'the functions are told which servers there are, and where',
    check: (stack) =>
      functionNames
        .filter((name) => !standalone.has(name))
        .flatMap((name) => {
          const told = serversIn(variables(stack, name));
          const expected = expectedServers(stack);
          return missing(
            `${name} is told ${JSON.stringify(told)}, not ${JSON.stringify(expected)}`,
            JSON.stringify(told) === JSON.stringify(expected),
          );
        }),
    breaks: {
      'another database': (stack) => (variables(stack, 'flush').DB_ENGINE = 'sqlite'),
      'another cache': (stack) => (variables(stack, 'flush').CACHE_ENGINE = 'hazelcast'),
      'another port': (stack) => (variables(stack, 'get-flight').DB_PORT = '1433'),
      'a password of another server': (stack) =>
        (variables(stack, 'flush').DB_SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:1:CacheSecret'),
      'a queue that is not there': (stack) => (variables(stack, 'flush').QUEUE_HOST = 'x'),
    },
  },
  {
    name: 'a flush is called every minute, retried, and what fails for good is kept',
    check: (stack) => {
      const schedule = stack.one('scheduler/schedule', FLUSH_SCHEDULE);
      const queues = stack.all('sqs/queue').map(({ name }) => `arn:aws:sqs:us-east-1:123456789012:${name}`);
      const invoke = stack.one('lambda/functionEventInvokeConfig', 'FlushEventInvokeConfig');
      return [
        ...missing(
          `the schedule's rate is ${schedule.scheduleExpression}`,
          schedule.scheduleExpression === 'rate(1 minute)',
        ),
        ...missing('the schedule is off', schedule.state === 'ENABLED'),
        ...missing(
          'the schedule calls another function',
          schedule.target.arn.endsWith(`:${stack.function('flush').name}`),
        ),
        ...missing("the schedule's retries are off", schedule.target.retryPolicy?.maximumRetryAttempts > 0),
        ...missing(
          "the schedule's dead-letter queue is missing",
          queues.includes(schedule.target.deadLetterConfig?.arn),
        ),
        ...missing(
          "flush's on-failure destination is missing",
          queues.includes(invoke.destinationConfig?.onFailure?.destination),
        ),
      ];
    },
    breaks: {
      'another rate': (stack) =>
        (stack.one('scheduler/schedule', FLUSH_SCHEDULE).scheduleExpression = 'rate(1 hour)'),
      'no retries': (stack) =>
        (stack.one('scheduler/schedule', FLUSH_SCHEDULE).target.retryPolicy.maximumRetryAttempts = 0),
      'no dead-letter queue': (stack) =>
        delete stack.one('scheduler/schedule', FLUSH_SCHEDULE).target.deadLetterConfig,
      'no destination': (stack) =>
        delete stack.one('lambda/functionEventInvokeConfig', 'FlushEventInvokeConfig').destinationConfig,
    },
  },
  {
    name: 'cache and database are compared every hour',
    check: (stack) => {
      const { scheduleExpression, state, target } = stack.one('scheduler/schedule', RECONCILE_SCHEDULE);
      return [
        ...missing(`the rate is ${scheduleExpression}`, scheduleExpression === 'rate(1 hour)'),
        ...missing('the schedule is off', state === 'ENABLED'),
        ...missing(
          'the schedule calls another function',
          target.arn.endsWith(`:${stack.function('reconcile').name}`),
        ),
      ];
    },
    breaks: {
      'another rate': (stack) =>
        (stack.one('scheduler/schedule', RECONCILE_SCHEDULE).scheduleExpression = 'rate(1 minute)'),
      'switched off': (stack) => (stack.one('scheduler/schedule', RECONCILE_SCHEDULE).state = 'DISABLED'),
      'another function': (stack) => (stack.one('scheduler/schedule', RECONCILE_SCHEDULE).target.arn = 'x'),
    },
  },
  {
    name: 'the migration runs at deploy, and again when its code has changed',
    check: (stack) => {
      const { functionName, triggers } = stack.one('lambda/invocation');
      return [
        ...missing('migrate is not called', functionName === stack.function('migrate').name),
        ...missing('a changed migration is not called again', triggers?.bundle),
      ];
    },
    breaks: {
      'another function': (stack) => (stack.one('lambda/invocation').functionName = 'x'),
      'no trigger': (stack) => delete stack.one('lambda/invocation').triggers,
    },
  },
];
