import { METRICS_NAMESPACE } from '@afterwrite/functions/metrics';
import { Metrics } from '@aws-lambda-powertools/metrics';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readDocument } from './documents.ts';

/** The line that Powertools prints for CloudWatch. */
function printed(fill: (metrics: Metrics) => void): string {
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: 'afterwrite' });
  fill(metrics);
  return JSON.stringify(metrics.serializeMetrics());
}

test('what Powertools prints for CloudWatch, numbers and lists, is read as it was recorded', () => {
  const line = printed((metrics) => {
    metrics.addMetric('UpdatesAccepted', 'Count', 3);
    for (const value of [1.5, 2, 7]) metrics.addMetric('ConsistencyLag', 'Milliseconds', value);
    metrics.addMetric('SomebodyElses', 'Count', 1);
  });
  expect(readDocument(line)).toEqual([
    { name: 'UpdatesAccepted', values: [3], labels: {} },
    { name: 'ConsistencyLag', values: [1.5, 2, 7], labels: {} },
  ]);
  const labelled = printed((metrics) => {
    metrics.addDimension('partition', '3');
    metrics.addMetric('QueueLength', 'Count', 9);
  });
  expect(readDocument(labelled)).toEqual([{ name: 'QueueLength', values: [9], labels: { partition: '3' } }]);
});

test.each([
  'START RequestId: 1',
  '{"level":"INFO","message":"flush"}',
  '{"_aws"',
  '{"_aws":null}',
  '{"_aws":{"CloudWatchMetrics":7}}',
  document({ namespace: 'Other' }),
  document({ value: 'many' }),
  document({ value: -1 }),
  document({ value: null }),
  document({ name: 'toString' }),
  document({ value: Array.from({ length: 300_000 }, () => 1) }),
])('what is no document of ours is left out: %.40s', (line) => {
  expect(readDocument(line)).toEqual([]);
});

interface Shape {
  readonly namespace?: string;
  readonly name?: string;
  readonly value?: unknown;
}

function document({ namespace = METRICS_NAMESPACE, name = 'UpdatesStored', value = 1 }: Shape = {}): string {
  const metrics = [
    { Namespace: namespace, Dimensions: [['service']], Metrics: [{ Name: name, Unit: 'Count' }] },
  ];
  return JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: metrics }, service: 'a', [name]: value });
}

test('nothing that is printed makes it throw', () => {
  expect(readDocument(document())).toEqual([{ name: 'UpdatesStored', values: [1], labels: {} }]);
  const directive = fc.record(
    { Namespace: fc.constant(METRICS_NAMESPACE), Dimensions: fc.jsonValue(), Metrics: fc.jsonValue() },
    { requiredKeys: ['Namespace'] },
  );
  const near = fc.record({ _aws: fc.record({ CloudWatchMetrics: fc.array(directive) }) });
  fc.assert(
    fc.property(fc.oneof(near, fc.jsonValue()), (value) => {
      expect(Array.isArray(readDocument(JSON.stringify(value)))).toBe(true);
    }),
  );
});
