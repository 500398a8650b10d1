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
import type { DeployOptions, StageSettings } from './settings.ts';

const MINUTE_SECONDS = 60;
const GB = 1024 ** 3;

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

interface Alarm {
  /** Also the heading in docs/OPERATIONS.md. */
  readonly name: string;
  readonly meaning: string;
  readonly metric: Metric;
  readonly statistic: 'Sum' | 'Maximum' | 'Minimum' | 'Average' | 'SampleCount';
  readonly threshold: number;
  /** Default: more than the threshold. */
  readonly isBelow?: boolean;
  /** Minutes in a row. Default 1. */
  readonly minutes?: number;
  /** No data is an alarm too. Default: no data is fine. */
  readonly isSilenceBad?: boolean;
}

export function createAlarms(options: AlarmsOptions): void {
  const topic = new aws.sns.Topic('Alarms', { name: `${$app.name}-${$app.stage}-alarms` });
  if (options.deploy.alarmEmail !== null) {
    new aws.sns.TopicSubscription('AlarmsByEmail', {
      topic: topic.arn,
      protocol: 'email',
      endpoint: options.deploy.alarmEmail,
    });
  }
  const all = [...queueAlarms(), ...functionAlarms(options), ...engineAlarms(options)];
  for (const alarm of all) createAlarm(alarm, topic);
  createFailureRateAlarm(topic);
}

function queueAlarms(): Alarm[] {
  return [
    {
      name: 'QueueLength',
      meaning: 'More than 1,000 updates wait for the database: it is slower than the writers, or stopped.',
      metric: ownMetric('QueueLength'),
      statistic: 'Maximum',
      threshold: 1000,
      minutes: 3,
    },
    {
      name: 'OldestUpdateAge',
      meaning: 'An update has waited for five minutes although the queue is drained every few seconds.',
      metric: ownMetric('OldestUpdateAge'),
      statistic: 'Maximum',
      threshold: 5 * 60 * 1000,
    },
    {
      name: 'DeadLetters',
      meaning: 'The database refuses updates; they are kept until somebody redrives or discards them.',
      metric: ownMetric('DeadLetters'),
      statistic: 'Maximum',
      threshold: 0,
    },
    {
      name: 'PartitionsStopped',
      meaning: 'A partition stopped at an error that repeating does not mend. Its updates wait.',
      metric: ownMetric('PartitionsStopped'),
      statistic: 'Maximum',
      threshold: 0,
    },
    {
      name: 'PossibleLosses',
      meaning:
        'Valkey or MySQL came back, perhaps with less than it had: acknowledged updates may be missing.',
      metric: ownMetric('PossibleLosses'),
      statistic: 'Maximum',
      threshold: 0,
    },
    {
      name: 'StoreAway',
      meaning: 'Flushers have waited for three minutes because the database is away. Updates wait in order.',
      metric: ownMetric('StoreAway'),
      statistic: 'Minimum',
      threshold: 0,
      minutes: 3,
    },
    {
      name: 'Divergence',
      meaning:
        'Cached flights were not as their rows: something writes past the cache, or Valkey lost something.',
      metric: ownMetric('ReconcileDifferent'),
      statistic: 'Sum',
      threshold: 0,
    },
    {
      name: 'NoFlush',
      meaning: 'No flush has come to its end for three minutes.',
      metric: ownMetric('QueueLength'),
      statistic: 'SampleCount',
      threshold: 1,
      isBelow: true,
      minutes: 3,
      isSilenceBad: true,
    },
  ];
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
  const { maxConnections, storageGb } = settings.database;
  const { mysql } = database;
  return [
    ...cache.nodeIds.flatMap((nodeId, index): Alarm[] => [
      {
        name: `CacheMemory${index + 1}`,
        meaning: 'A node of Valkey is 80% full; at 100% updates are refused.',
        metric: cacheMetric(nodeId, 'DatabaseMemoryUsagePercentage'),
        statistic: 'Maximum',
        threshold: 80,
        minutes: 3,
      },
      {
        name: `CacheEvictions${index + 1}`,
        meaning:
          'A node of Valkey is full and drops cached flights that are clean; reads go to the database.',
        metric: cacheMetric(nodeId, 'Evictions'),
        statistic: 'Sum',
        threshold: 0,
        minutes: 3,
      },
    ]),
    {
      name: 'DatabaseCpu',
      meaning: 'MySQL has used more than 80% of its CPU for ten minutes.',
      metric: databaseMetric(mysql, 'CPUUtilization'),
      statistic: 'Average',
      threshold: 80,
      minutes: 10,
    },
    {
      name: 'DatabaseConnections',
      meaning: 'More than 80% of the connections that MySQL allows are taken.',
      metric: databaseMetric(mysql, 'DatabaseConnections'),
      statistic: 'Maximum',
      threshold: Math.floor(maxConnections * 0.8),
      minutes: 3,
    },
    {
      name: 'DatabaseStorage',
      meaning: 'Less than 10% of the most that the storage may grow to is free (at least 2 GB).',
      metric: databaseMetric(mysql, 'FreeStorageSpace'),
      statistic: 'Minimum',
      threshold: Math.max(2, storageGb * 0.1) * GB,
      isBelow: true,
      minutes: 5,
    },
  ];
}

function createAlarm(alarm: Alarm, topic: aws.sns.Topic): void {
  const { metric, minutes = 1, isBelow = false, isSilenceBad = false } = alarm;
  new aws.cloudwatch.MetricAlarm(`${alarm.name}Alarm`, {
    ...describe(alarm.name, alarm.meaning, topic),
    namespace: metric.namespace,
    metricName: metric.name,
    dimensions: metric.dimensions,
    statistic: alarm.statistic,
    period: MINUTE_SECONDS,
    evaluationPeriods: minutes,
    datapointsToAlarm: minutes,
    comparisonOperator: isBelow ? 'LessThanThreshold' : 'GreaterThanThreshold',
    threshold: alarm.threshold,
    treatMissingData: isSilenceBad ? 'breaching' : 'notBreaching',
  });
}

/** Of all updates that left the queue, in percent. */
function createFailureRateAlarm(topic: aws.sns.Topic): void {
  const query = (id: string, { namespace, name, dimensions }: Metric) => ({
    id,
    metric: { namespace, metricName: name, dimensions, stat: 'Sum', period: MINUTE_SECONDS },
  });
  const meaning = 'More than 1% of the updates were refused by the database over five minutes.';
  new aws.cloudwatch.MetricAlarm('FailureRateAlarm', {
    ...describe('FailureRate', meaning, topic),
    metricQueries: [
      query('failed', ownMetric('UpdatesFailed')),
      query('stored', ownMetric('UpdatesStored')),
      { id: 'rate', expression: FAILURE_RATE, label: 'Failure rate (%)', returnData: true },
    ],
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    comparisonOperator: 'GreaterThanThreshold',
    threshold: 1,
    treatMissingData: 'notBreaching',
  });
}

export const FAILURE_RATE = 'IF(failed + stored > 0, 100 * failed / (failed + stored), 0)';

function describe(name: string, meaning: string, topic: aws.sns.Topic) {
  return {
    name: `${$app.name}-${$app.stage}-${name}`,
    alarmDescription: `${meaning} What to do: docs/OPERATIONS.md, ${name.replace(/\d+$/, '')}.`,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  };
}
