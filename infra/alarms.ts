/** One alarm for each thing that somebody has to look at; docs/OPERATIONS.md says of each what to do. */
import type { Cache } from './cache.ts';
import type { Database } from './database.ts';
import type { Functions } from './functions.ts';
import {
  apiMetric,
  cacheMetric,
  databaseMetric,
  functionMetric,
  type Metric,
  ownMetric,
  queueMetric,
} from './metrics.ts';
import { type AlarmOn, FAILURE_RATE, failureRateAlarm, ownAlarms } from './own-alarms.ts';
import type { DeployOptions, StageSettings } from './settings.ts';

const MINUTE_SECONDS = 60;

export interface AlarmsOptions {
  readonly settings: StageSettings;
  readonly deploy: DeployOptions;
  readonly functions: Functions;
  readonly api: sst.aws.ApiGatewayV2;
  readonly cache: Cache;
  readonly database: Database;
  readonly flushFailures: sst.aws.Queue;
  readonly deliveryFailures: sst.aws.Queue;
}

type Alarm = AlarmOn<Metric>;

export function createAlarms(options: AlarmsOptions): void {
  const topic = new aws.sns.Topic('Alarms', { name: `${$app.name}-${$app.stage}-alarms` });
  if (options.deploy.alarmEmail !== null) {
    new aws.sns.TopicSubscription('AlarmsByEmail', {
      topic: topic.arn,
      protocol: 'email',
      endpoint: options.deploy.alarmEmail,
    });
  }
  const own = ownAlarms.map((alarm) => ({ ...alarm, metric: ownMetric(alarm.metric) }));
  const all = [...own, ...functionAlarms(options), ...engineAlarms(options)];
  for (const alarm of all) createAlarm(alarm, topic);
  createFailureRateAlarm(topic);
}

function functionAlarms({ functions, api, flushFailures, deliveryFailures }: AlarmsOptions): Alarm[] {
  return [
    {
      name: 'FlushErrors',
      meaning: 'The flush function failed three minutes in a row.',
      metric: functionMetric(functions.flush, 'Errors'),
      statistic: 'Sum',
      threshold: 0,
      minutes: 3,
    },
    {
      name: 'FlushFailures',
      meaning: 'An invocation of the flush function failed for good; the message says with what.',
      metric: queueMetric(flushFailures, 'ApproximateNumberOfMessagesVisible'),
      statistic: 'Maximum',
      threshold: 0,
    },
    {
      name: 'FlushDeliveryFailures',
      meaning: 'The schedule could not call the flush function.',
      metric: queueMetric(deliveryFailures, 'ApproximateNumberOfMessagesVisible'),
      statistic: 'Maximum',
      threshold: 0,
    },
    {
      name: 'ReconcileErrors',
      meaning: 'The comparison of the cache with the database failed.',
      metric: functionMetric(functions.reconcile, 'Errors'),
      statistic: 'Sum',
      threshold: 0,
    },
    {
      name: 'UpdatesThrottled',
      meaning: 'More updates came at once than update-flight may run at once; callers got errors.',
      metric: functionMetric(functions['update-flight'], 'Throttles'),
      statistic: 'Sum',
      threshold: 0,
      minutes: 2,
    },
    {
      name: 'ServerErrors',
      meaning: 'The API answered with 5xx in two minutes in a row.',
      metric: apiMetric(api, '5xx'),
      statistic: 'Sum',
      threshold: 0,
      minutes: 2,
    },
  ];
}

function engineAlarms({ settings, cache, database }: AlarmsOptions): Alarm[] {
  const { title, dimensions, storage } = database;
  return [
    ...cacheAlarms(cache),
    {
      name: 'DatabaseCpu',
      meaning: `${title} has used more than 80% of its CPU for ten minutes.`,
      metric: databaseMetric(dimensions, 'CPUUtilization'),
      statistic: 'Average',
      threshold: 80,
      minutes: 10,
    },
    {
      name: 'DatabaseConnections',
      meaning: `More than 80% of the connections that ${title} allows are taken.`,
      metric: databaseMetric(dimensions, 'DatabaseConnections'),
      statistic: 'Maximum',
      threshold: Math.floor(settings.database.maxConnections * 0.8),
      minutes: 3,
    },
    { ...storage, name: 'DatabaseStorage' },
  ];
}

function cacheAlarms({ server, memcached }: Cache): Alarm[] {
  const evictions = (title: string, node: Metric['dimensions'], index: number): Alarm => ({
    name: `CacheEvictions${index + 1}`,
    meaning: `A node of ${title} is full and drops cached flights that are clean; reads go to the database.`,
    metric: cacheMetric(node, 'Evictions'),
    statistic: 'Sum',
    threshold: 0,
    minutes: 3,
  });
  return [
    ...server.nodes.flatMap((node, index): Alarm[] => [
      {
        name: `CacheMemory${index + 1}`,
        meaning: `A node of ${server.title} is 80% full; at 100% updates are refused.`,
        metric: cacheMetric(node, 'DatabaseMemoryUsagePercentage'),
        statistic: 'Maximum',
        threshold: 80,
        minutes: 3,
      },
      evictions(server.title, node, index),
    ]),
    ...(memcached ? [evictions(memcached.title, memcached.node, server.nodes.length)] : []),
  ];
}

function createAlarm(alarm: Alarm, topic: aws.sns.Topic): void {
  const { metric, minutes = 1, periodMinutes = 1, isBelow = false, isSilenceBad = false } = alarm;
  new aws.cloudwatch.MetricAlarm(`${alarm.name}Alarm`, {
    ...describe(alarm.name, alarm.meaning, topic),
    namespace: metric.namespace,
    metricName: metric.name,
    dimensions: metric.dimensions,
    statistic: alarm.statistic,
    period: periodMinutes * MINUTE_SECONDS,
    evaluationPeriods: minutes,
    datapointsToAlarm: minutes,
    comparisonOperator: isBelow ? 'LessThanThreshold' : 'GreaterThanThreshold',
    threshold: alarm.threshold,
    treatMissingData: isSilenceBad ? 'breaching' : 'notBreaching',
  });
}

/** Of all updates that left the queue, in percent. */
function createFailureRateAlarm(topic: aws.sns.Topic): void {
  const { name, meaning, metrics, threshold, minutes } = failureRateAlarm;
  const queries = Object.entries(metrics).map(([id, own]) => {
    const { namespace, name: metricName, dimensions } = ownMetric(own);
    return { id, metric: { namespace, metricName, dimensions, stat: 'Sum', period: MINUTE_SECONDS } };
  });
  new aws.cloudwatch.MetricAlarm('FailureRateAlarm', {
    ...describe(name, meaning, topic),
    metricQueries: [
      ...queries,
      { id: 'rate', expression: FAILURE_RATE, label: 'Failure rate (%)', returnData: true },
    ],
    evaluationPeriods: minutes,
    datapointsToAlarm: minutes,
    comparisonOperator: 'GreaterThanThreshold',
    threshold,
    treatMissingData: 'notBreaching',
  });
}

function describe(name: string, meaning: string, topic: aws.sns.Topic) {
  return {
    name: `${$app.name}-${$app.stage}-${name}`,
    alarmDescription: `${meaning} What to do: docs/OPERATIONS.md, ${name.replace(/\d+$/, '')}.`,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  };
}
