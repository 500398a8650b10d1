/** The metrics of the functions: what is watched is emitted, each commit is counted once, and documents stay small. */
import { closeClients } from '@afterwrite/functions/compose';
import { handler as flush } from '@afterwrite/functions/flush';
import { Recorder } from '@afterwrite/functions/lib/recorder';
import { metricDefinitions, METRICS_NAMESPACE } from '@afterwrite/functions/metrics';
import { handler as reconcile } from '@afterwrite/functions/reconcile';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resourcesOf } from '../infra/synthesized.ts';
import { call, lambdaContext } from '../support/invoke.ts';
import { type Output, sumOf, watchOutput } from '../support/output.ts';
import { makeWorld, type World } from '../support/world.ts';

// Read when the functions are loaded.
vi.hoisted(() => {
  process.env.POWERTOOLS_METRICS_DISABLED = 'false';
});

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const SCHEDULE_EVENT = { source: 'aws.scheduler' };
/** What CloudWatch takes of one metric in a document; Powertools publishes by itself before. */
const MOST_VALUES = 99;

let world: World;
let output: Output;

beforeEach(async () => {
  world = await makeWorld({ flights: 400, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '2' } });
  setVariables({ ...world.environment, FLUSH_LINGER_SECONDS: '0' });
  output = watchOutput();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

function setVariables(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

async function accept(ids: readonly number[]): Promise<void> {
  for (const id of ids) {
    expect(await call('PATCH', `/flights/${String(id)}`, { body: TIMES })).toMatchObject({ status: 202 });
  }
}
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const flushNow = () => flush(SCHEDULE_EVENT, lambdaContext(20_000));

/** Of the functions' own that an alarm or a chart of a deployment names. */
async function watchedNames(): Promise<Set<string>> {
  const resources = await resourcesOf('production');
  const text = JSON.stringify(
    resources.filter(({ type }) => /cloudwatch\/(metricAlarm|dashboard):/.test(type)),
  );
  // In an alarm as two properties, in a dashboard, which is a text of its own, as a list.
  const patterns = [
    new RegExp(`"metricName":"(\\w+)","namespace":"${METRICS_NAMESPACE}"`, 'g'),
    new RegExp(`"namespace":"${METRICS_NAMESPACE}","metricName":"(\\w+)"`, 'g'),
    new RegExp(`\\["${METRICS_NAMESPACE}","(\\w+)"`, 'g'),
  ];
  const plain = text.replaceAll('\\"', '"');
  return new Set(patterns.flatMap((pattern) => [...plain.matchAll(pattern)].map((match) => match[1]!)));
}

describe('every metric', () => {
  it('that has a name is emitted, what is watched is among them, and nothing else is', async () => {
    await accept([1, 2]);
    await call('GET', '/flights/1');
    await call('GET', '/flights/3');
    await flushNow();
    await reconcile({}, lambdaContext(60_000));
    await closeClients();
    vi.stubEnv('CACHE_PORT', '1');
    expect(await call('GET', '/flights/1')).toMatchObject({ body: { source: 'CACHE_BYPASS' } });

    const emitted = new Set(output.documents.flatMap((document) => [...document.keys()]));
    expect([...emitted].sort()).toEqual(Object.keys(metricDefinitions).sort());
    const watched = await watchedNames();
    expect(watched.size).toBeGreaterThan(15);
    expect([...watched].filter((name) => !emitted.has(name))).toEqual([]);
  });

  it('has the values that its kind says, also over many batches', async () => {
    setVariables({ QUEUE_BATCH_ROWS: '1', QUEUE_BATCH_SIZE: '1' });
    await accept(upTo(150));
    output.clear();
    expect(await flushNow()).toMatchObject({ processed: 150, batches: 150 });
    expect(output.documents).toHaveLength(1);
    for (const [name, values] of output.documents[0]!) {
      const { kind } = metricDefinitions[name as keyof typeof metricDefinitions];
      expect(values.length, name).toBeLessThanOrEqual(kind === 'distribution' ? MOST_VALUES : 1);
    }
    const counts = { UpdatesStored: 150, BatchesCommitted: 150, UpdatesFailed: 0, UpdatesSkipped: 0 };
    for (const [name, count] of Object.entries(counts)) expect(sumOf(output, name), name).toBe(count);
    for (const part of ['PeekDuration', 'StoreDuration', 'AckDuration', 'ConsistencyLag', 'BatchSize']) {
      expect(output.documents[0]!.get(part)!.length, part).toBeGreaterThanOrEqual(90);
    }
    expect(output.documents[0]!.get('PartitionQueueLength')).toEqual([0, 0]);
  });
});

describe('a commit is counted once, in the function that made it', () => {
  it('a batch on demand, a queue that is drained on demand, and what is left by the schedule', async () => {
    await accept([1, 2, 3, 4, 5, 6]);
    output.clear();
    expect(await call('POST', '/queue/process', { body: { batchSize: 2 } })).toMatchObject({
      body: { processed: 2 },
    });
    expect(sumOf(output, 'UpdatesStored')).toBe(2);
    expect(output.documents).toHaveLength(1);
    await call('POST', '/queue/flush', { body: {} });
    expect(sumOf(output, 'UpdatesStored')).toBe(6);
    await accept([7]);
    await flushNow();
    expect(sumOf(output, 'UpdatesStored')).toBe(7);
    await flushNow();
    expect(sumOf(output, 'UpdatesStored')).toBe(7);
    expect(await world.rows('SELECT COUNT(*) AS updates FROM flight_log')).toEqual([{ updates: 7 }]);
  });

  it('an update that finds the queue full and helps, and the lag of what it stores', async () => {
    setVariables({ QUEUE_MAX_LENGTH: '3', QUEUE_WHEN_FULL: 'help' });
    await accept(upTo(12));
    expect(output.documents).toHaveLength(12);
    const stored = sumOf(output, 'UpdatesStored');
    expect(stored).toBeGreaterThanOrEqual(12 - 2 * 3);
    const lags = output.documents.flatMap((document) => document.get('ConsistencyLag') ?? []);
    expect(lags).toHaveLength(stored);
    await flushNow();
    expect(sumOf(output, 'UpdatesStored')).toBe(12);
    expect(sumOf(output, 'UpdatesAccepted')).toBe(12);
  });

  it('what is parked counts as failed, and as stored when it is redriven, without a lag', async () => {
    await accept([1]);
    await world.rows('UPDATE flight SET flight_id = 1000001 WHERE flight_id = 1');
    await flushNow();
    expect([sumOf(output, 'UpdatesFailed'), sumOf(output, 'UpdatesStored')]).toEqual([1, 0]);
    await world.rows('UPDATE flight SET flight_id = 1 WHERE flight_id = 1000001');
    output.clear();
    await call('POST', '/queue/dead-letters/redrive', { body: {} });
    expect([sumOf(output, 'UpdatesFailed'), sumOf(output, 'UpdatesStored')]).toEqual([0, 1]);
    expect(output.documents[0]!.has('ConsistencyLag')).toBe(false);
    expect(output.documents[0]!.has('BatchesCommitted')).toBe(false);
  });
});

describe('with METRICS_EVERY_MS', () => {
  it('figures leave while a flush lingers, not only when it ends; without, one document', async () => {
    setVariables({ FLUSH_LINGER_SECONDS: '3', QUEUE_PROCESS_INTERVAL: '1', METRICS_EVERY_MS: '50' });
    await accept([1, 2]);
    output.clear();
    let isOver = false;
    const flushing = flushNow().finally(() => (isOver = true));
    await expect.poll(() => sumOf(output, 'UpdatesStored')).toBe(2);
    expect(isOver).toBe(false);
    await accept([3]);
    await expect.poll(() => sumOf(output, 'UpdatesStored'), { timeout: 5000 }).toBe(3);
    expect(isOver).toBe(false);
    await flushing;
    expect(sumOf(output, 'UpdatesStored')).toBe(3);
    // What is so is told at its end.
    expect(output.documents.filter((document) => document.has('QueueLength'))).toHaveLength(1);

    output.clear();
    vi.stubEnv('METRICS_EVERY_MS', '0');
    await flushNow();
    expect(output.documents).toHaveLength(1);
  });
});

describe('a document', () => {
  it('names the longest partition, and has the state of the breaker', async () => {
    await world.rows('RENAME TABLE flight_log TO flight_log_away');
    await accept(upTo(9));
    output.clear();
    await flushNow();
    await world.rows('RENAME TABLE flight_log_away TO flight_log');
    const { body } = await call<{ partitions: { length: number; partition: number }[] }>('GET', '/queue');
    const [longest] = body.partitions.toSorted((a, b) => b.length - a.length);
    expect(output.printed[0]!.longestPartition).toBe(String(longest!.partition));
    expect(output.documents[0]!.get('PartitionQueueLength')).toEqual(
      body.partitions.map(({ length }) => length).sort((a, b) => b - a),
    );
    expect(output.documents[0]!.get('BreakerState')).toEqual([0]);
    expect(output.documents[0]!.get('PartitionsStopped')).toEqual([2]);
  });

  it('has a fair sample of many values, and always the largest', () => {
    /** Where in the whole the values of a sample lie, on average over many samples. */
    const means = Array.from({ length: 200 }, () => {
      const recorder = new Recorder();
      for (let value = 0; value < 5000; value++) recorder.add('ConsistencyLag', value);
      const values = recorder.take().get('ConsistencyLag')!;
      expect(values.length).toBeLessThanOrEqual(MOST_VALUES);
      expect(Math.max(...values)).toBe(4999);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    });
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    // 2,500 and the largest among 91; the standard error of this mean is 11.
    expect(Math.abs(mean - (2499.5 * 90 + 4999) / 91)).toBeLessThan(6 * 11);
  });
});
