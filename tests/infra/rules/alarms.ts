/** What somebody has to look at. */
import { metricDefinitions, METRICS_NAMESPACE } from '@afterwrite/functions/metrics';
import { missing, type Rule, type Stack, variables } from '../stack.ts';

/** What AWS emits by itself, by namespace and dimensions: a metric of others, or with others, has no data. */
const OF_AWS = new Map([
  ['AWS/Lambda FunctionName', ['Errors', 'Throttles']],
  ['AWS/ApiGateway ApiId', ['Count', '4xx', '5xx']],
  ['AWS/SQS QueueName', ['ApproximateNumberOfMessagesVisible']],
  // An instance of RDS; Aurora has no free space, because it grows.
  ['AWS/RDS DBInstanceIdentifier', ['CPUUtilization', 'DatabaseConnections', 'FreeStorageSpace']],
  ['AWS/RDS DBClusterIdentifier,Role', ['CPUUtilization', 'DatabaseConnections']],
  ['AWS/RDS DBClusterIdentifier', ['VolumeBytesUsed']],
  // A node of Valkey or Redis; of memcached its share of memory is not counted.
  ['AWS/ElastiCache CacheClusterId', ['DatabaseMemoryUsagePercentage', 'Evictions']],
  ['AWS/ElastiCache CacheClusterId,CacheNodeId', ['CPUUtilization', 'CurrConnections', 'Evictions']],
]);

/** What a reader may take for the name of a server. */
const ALL_NAMES = ['MySQL', 'MariaDB', 'PostgreSQL', 'Aurora', 'Valkey', 'Redis', 'memcached'];

function isEmitted(namespace: string, name: string, dimensions: Readonly<Record<string, unknown>>): boolean {
  if (namespace === METRICS_NAMESPACE) return name in metricDefinitions;
  const key = `${namespace} ${Object.keys(dimensions).sort().join()}`;
  return OF_AWS.get(key)?.includes(name) ?? false;
}

/** `[namespace, name, dimension, value, …, options]` of each line that is no expression. */
function drawn(stack: Stack): { title: string; namespace: string; name: string; dimensions: object }[] {
  const { widgets } = JSON.parse(stack.one('cloudwatch/dashboard').dashboardBody) as {
    widgets: { properties: { title: string; metrics: unknown[][] } }[];
  };
  return widgets.flatMap(({ properties: { title, metrics } }) =>
    metrics
      .filter((line) => line.length > 1)
      .map((line) => {
        const [namespace, name, ...rest] = line.slice(0, -1).map(String);
        const dimensions = Object.fromEntries(rest.flatMap((key, i) => (i % 2 ? [] : [[key, rest[i + 1]]])));
        return { title, namespace: namespace ?? '', name: name ?? '', dimensions };
      }),
  );
}

const EXPECTED_ALARMS = [
  'QueueLength',
  'OldestUpdateAge',
  'DeadLetters',
  'FlushErrors',
  'NoFlush',
  'FailureRate',
  'Divergence',
  'ReconcileErrors',
  'ServerErrors',
  'CacheMemory1',
  'CacheEvictions1',
  'DatabaseConnections',
  'DatabaseCpu',
  'DatabaseStorage',
];

interface AlarmInputs {
  readonly namespace?: string;
  readonly metricName?: string;
  readonly dimensions?: Record<string, string>;
  readonly metricQueries?: { metric?: AlarmInputs }[];
  readonly alarmActions?: string[];
}

export const alarms: readonly Rule[] = [
  {
    name: 'every alarm watches a metric that somebody emits, of this stage, and tells somebody',
    check: (stack) => {
      const service = variables(stack, 'flush').POWERTOOLS_SERVICE_NAME;
      return stack.all('cloudwatch/metricAlarm').flatMap(({ name, inputs }) => {
        const alarm = inputs as AlarmInputs;
        const metrics = alarm.metricQueries?.flatMap(({ metric }) => metric ?? []) ?? [alarm];
        return [
          ...metrics.flatMap(({ namespace = '', metricName = '', dimensions = {} }) => [
            ...missing(
              `${name} watches ${namespace} ${metricName}, which nobody emits`,
              isEmitted(namespace, metricName, dimensions),
            ),
            ...missing(
              `${name} watches another stage`,
              namespace !== METRICS_NAMESPACE || JSON.stringify(dimensions) === JSON.stringify({ service }),
            ),
          ]),
          ...missing(`${name} tells nobody`, alarm.alarmActions?.length),
        ];
      });
    },
    breaks: {
      'a metric that nobody emits': (stack) =>
        (stack.one('cloudwatch/metricAlarm', 'QueueLengthAlarm').metricName = 'QueueSize'),
      'dimensions of another kind of server': (stack) =>
        (stack.one('cloudwatch/metricAlarm', 'DatabaseCpuAlarm').dimensions = { Volume: 'x' }),
      'another stage': (stack) =>
        (stack.one('cloudwatch/metricAlarm', 'QueueLengthAlarm').dimensions = { service: 'x' }),
      'nobody told': (stack) => (stack.one('cloudwatch/metricAlarm', 'NoFlushAlarm').alarmActions = []),
    },
  },
  {
    name: 'there is an alarm for each thing that somebody has to look at',
    check: (stack) =>
      EXPECTED_ALARMS.filter(
        (name) => !stack.all('cloudwatch/metricAlarm').some((alarm) => alarm.name === `${name}Alarm`),
      ).map((name) => `the alarm ${name} is missing`),
    breaks: { 'an alarm fewer': (stack) => stack.remove('cloudwatch/metricAlarm', 'DeadLettersAlarm') },
  },
  {
    name: 'every chart draws what somebody emits, and all servers are drawn',
    check: (stack) => {
      const lines = drawn(stack);
      const titles = new Set(lines.map(({ title }) => title));
      const { database, cache } = stack.expected;
      const charts = [database.names.join(' '), `${cache.names.at(-1)} memory`, cache.names[0] ?? ''];
      return [
        ...lines.flatMap(({ title, namespace, name, dimensions }) =>
          missing(`${title} draws ${namespace} ${name}`, isEmitted(namespace, name, { ...dimensions })),
        ),
        ...(cache.names.length > 1 ? charts : charts.slice(0, 2)).flatMap((title) =>
          missing(`${title} is not drawn`, titles.has(title)),
        ),
      ];
    },
    breaks: {
      'a metric that nobody emits': (stack) => {
        const dashboard = stack.one('cloudwatch/dashboard');
        dashboard.dashboardBody = dashboard.dashboardBody.replace('DatabaseConnections', 'Sessions');
      },
      'a server that is not drawn': (stack) => {
        const dashboard = stack.one('cloudwatch/dashboard');
        dashboard.dashboardBody = dashboard.dashboardBody.replace(' memory"', ' storage"');
      },
    },
  },
  {
    name: 'texts for people name no server that is not there',
    check: (stack) => {
      const { database, cache } = stack.expected;
      const foreign = ALL_NAMES.filter((name) => ![...database.names, ...cache.names].includes(name));
      const texts = [
        ...stack.all('cloudwatch/metricAlarm').map(({ inputs }) => inputs.alarmDescription),
        ...stack.all('ec2/securityGroup').map(({ inputs }) => inputs.description),
        ...stack.all('secretsmanager/secret').map(({ inputs }) => inputs.description),
        stack.one('cloudwatch/dashboard').dashboardBody,
      ];
      return texts
        .flatMap((text) => (text ? [String(text)] : []))
        .flatMap((text) =>
          foreign
            .filter((name) => new RegExp(`\\b${name}\\b`).test(text))
            .map((name) => `${name} in: ${text.slice(0, 100)}`),
        );
    },
    breaks: {
      'another database': (stack) =>
        (stack.one('cloudwatch/metricAlarm', 'DatabaseCpuAlarm').alarmDescription =
          'Look at MySQL and PostgreSQL.'),
    },
  },
  {
    name: 'silence of the flusher is an alarm',
    check: (stack) =>
      missing(
        'no data from the flusher is taken for no trouble',
        stack.one('cloudwatch/metricAlarm', 'NoFlushAlarm').treatMissingData === 'breaching',
      ),
    breaks: {
      silence: (stack) =>
        (stack.one('cloudwatch/metricAlarm', 'NoFlushAlarm').treatMissingData = 'notBreaching'),
    },
  },
];
