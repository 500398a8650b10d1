/** What somebody has to look at. */
import { metricDefinitions, METRICS_NAMESPACE } from '@afterwrite/functions/metrics';
import { missing, type Rule, variables } from '../stack.ts';

/** What AWS emits by itself. */
const OF_AWS = new Map([
  ['AWS/Lambda', ['Errors', 'Throttles']],
  ['AWS/ApiGateway', ['5xx']],
  ['AWS/SQS', ['ApproximateNumberOfMessagesVisible']],
  ['AWS/RDS', ['CPUUtilization', 'DatabaseConnections', 'FreeStorageSpace']],
  ['AWS/ElastiCache', ['DatabaseMemoryUsagePercentage', 'Evictions']],
]);

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
              namespace === METRICS_NAMESPACE
                ? metricName in metricDefinitions
                : OF_AWS.get(namespace)?.includes(metricName),
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
