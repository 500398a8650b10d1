/** The text is read back by its specification: prometheus.io/docs/instrumenting/exposition_formats. */
import { LATENCY_BOUNDS_MS, type LiveQueue, type LoadState } from '@afterwrite/client';
import { metricDefinitions, type MetricName } from '@afterwrite/functions/metrics';
import { expect, test } from 'vitest';
import { prometheusName, prometheusText } from './prometheus.ts';
import { metricNames, Recorded } from './recorded.ts';

interface Family {
  help: string;
  type: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** Throws for what the specification does not allow. */
function parse(text: string): Map<string, Family> {
  expect(text.endsWith('\n')).toBe(true);
  const families = new Map<string, Family>();
  let last = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      // All lines of a family stand together, HELP and TYPE once and before its samples.
      if (kind === 'HELP') {
        expect(families.has(name)).toBe(false);
        families.set(name, {
          help: rest.replaceAll('\\n', '\n').replaceAll('\\\\', '\\'),
          type: '',
          samples: [],
        });
        last = name;
      } else {
        expect([last, families.get(name)?.samples, families.get(name)?.type]).toEqual([name, [], '']);
        expect(['counter', 'gauge', 'histogram']).toContain(rest);
        families.get(name)!.type = rest;
      }
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name = '', labels = '', value = ''] = sample!;
    const family = families.get(last)!;
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    expect(suffixes.map((suffix) => `${last}${suffix}`)).toContain(name);
    expect(value).toMatch(/^(?:[+-]?Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/);
    family.samples.push({ name, labels: parseLabels(labels), value: Number(value) });
  }
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const pair = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
  const labels: Record<string, string> = {};
  while (pair.lastIndex < text.length) {
    const found = pair.exec(text);
    if (!found) throw new Error(`no labels: ${text}`);
    const [, name = '', value = ''] = found;
    expect(labels).not.toHaveProperty(name);
    labels[name] = value.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  return labels;
}

const idle: LoadState = { state: 'IDLE', reason: null, run: null };
const queue: LiveQueue = {
  length: 12,
  oldestMs: 1500,
  deadLetters: 2,
  breaker: 'OPEN',
  partitions: [5, 0, 7],
  stopped: [2],
};

function valuesOf(families: Map<string, Family>, name: string): [Record<string, string>, number][] {
  return families.get(name)!.samples.map(({ labels, value }) => [labels, value]);
}

test('every metric of the functions is there, with its meaning and its type, before anything was recorded', () => {
  const families = parse(prometheusText({ recorded: new Recorded(), queue, load: idle, streams: 0 }));
  const types = { counter: 'counter', gauge: 'gauge', distribution: 'histogram' };
  for (const name of Object.keys(metricDefinitions) as MetricName[]) {
    const family = families.get(prometheusName(name));
    expect(family, name).toMatchObject({
      help: metricDefinitions[name].meaning,
      type: types[metricDefinitions[name].kind],
    });
    expect(family!.samples.length, name).toBeGreaterThan(0);
  }
  const own = [...families.keys()].filter(
    (name) => !metricNames.some((each) => prometheusName(each) === name),
  );
  expect(own.sort()).toEqual([
    'afterwrite_database_up',
    'afterwrite_load_refused',
    'afterwrite_load_running',
    'afterwrite_load_update_max_seconds',
    'afterwrite_queue_up',
    'afterwrite_streams',
  ]);
});

test('counters add up, gauges are set, distributions are cumulative in seconds', () => {
  const recorded = new Recorded();
  for (const value of [2, 3]) recorded.record({ name: 'UpdatesAccepted', values: [value], labels: {} });
  recorded.record({ name: 'WriteLatency', values: [0.01, 1, 60_000, 200_000], labels: {} });
  const families = parse(prometheusText({ recorded, queue, load: idle, streams: 3 }));
  expect(valuesOf(families, 'afterwrite_updates_accepted_total')).toEqual([[{}, 5]]);
  expect(valuesOf(families, 'afterwrite_streams')).toEqual([[{}, 3]]);

  const { samples } = families.get('afterwrite_write_latency_seconds')!;
  const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
  expect(buckets).toHaveLength(LATENCY_BOUNDS_MS.length + 1);
  const bounds = buckets.map(({ labels }) => Number(labels.le!.replace('+Inf', 'Infinity')));
  expect(bounds).toEqual([...bounds].sort((one, other) => one - other));
  expect(bounds[0]).toBe(0.00002);
  const counts = buckets.map(({ value }) => value);
  expect(counts).toEqual([...counts].sort((one, other) => one - other));
  expect([counts[0], counts.at(-2), counts.at(-1)]).toEqual([1, 3, 4]);
  const [sum, count] = samples.slice(-2);
  expect([sum!.name, sum!.value]).toEqual([
    'afterwrite_write_latency_seconds_sum',
    expect.closeTo(260.00101, 6),
  ]);
  expect([count!.name, count!.value]).toEqual(['afterwrite_write_latency_seconds_count', 4]);
});

test('what the queue says of itself: by partition, in seconds, and nothing while Valkey is away', () => {
  const recorded = new Recorded();
  // A flush said so a minute ago.
  recorded.record({ name: 'QueueLength', values: [99], labels: {} });
  const here = parse(prometheusText({ recorded, queue, load: idle, streams: 0 }));
  expect(valuesOf(here, 'afterwrite_queue_length')).toEqual([
    [{ partition: '0' }, 5],
    [{ partition: '1' }, 0],
    [{ partition: '2' }, 7],
  ]);
  const said = [
    'oldest_update_age_seconds',
    'dead_letters',
    'partitions_stopped',
    'store_away',
    'queue_up',
    'database_up',
  ];
  expect(said.map((name) => valuesOf(here, `afterwrite_${name}`)[0]![1])).toEqual([1.5, 2, 1, 1, 1, 1]);

  const noMysql = { ...queue, deadLetters: null };
  const half = parse(prometheusText({ recorded, queue: noMysql, load: idle, streams: 0 }));
  expect(said.map((name) => valuesOf(half, `afterwrite_${name}`)[0]?.[1])).toEqual([
    1.5,
    undefined,
    1,
    1,
    1,
    0,
  ]);

  const away = parse(prometheusText({ recorded, queue: null, load: idle, streams: 0 }));
  expect(valuesOf(away, 'afterwrite_queue_length')).toEqual([]);
  expect(valuesOf(away, 'afterwrite_queue_up')).toEqual([[{}, 0]]);
});

test('labels are escaped, and there is a limit to how many there are', () => {
  const recorded = new Recorded();
  recorded.record({ name: 'UpdatesStored', values: [1], labels: { part: 'a"b\\c\nd' } });
  for (let n = 0; n < 2000; n++)
    recorded.record({ name: 'UpdatesFailed', values: [1], labels: { n: String(n) } });
  const families = parse(prometheusText({ recorded, queue, load: idle, streams: 0 }));
  expect(valuesOf(families, 'afterwrite_updates_stored_total')).toContainEqual([{ part: 'a"b\\c\nd' }, 1]);
  expect(families.get('afterwrite_updates_failed_total')!.samples).toHaveLength(1000);
});

test('a load shows its longest updates by pattern, and what was refused', () => {
  const histogram = (max: number) => ({ count: 1, p50: max, p99: max, max, buckets: [] });
  const load: LoadState = {
    state: 'RUNNING',
    reason: null,
    run: {
      ...{ updatesPerSecond: 1, seconds: 1, startedAt: 0, endedAt: null, accepted: 1, late: 0 },
      refused: { QUEUE_FULL: 4 },
      patterns: {
        'write-behind': histogram(1),
        'write-through': histogram(20),
        'cache-aside': histogram(30),
      },
    },
  };
  const families = parse(prometheusText({ recorded: new Recorded(), queue, load, streams: 0 }));
  expect(valuesOf(families, 'afterwrite_load_running')).toEqual([[{}, 1]]);
  expect(valuesOf(families, 'afterwrite_load_refused')).toEqual([[{ code: 'QUEUE_FULL' }, 4]]);
  // The next load begins at nothing: what goes down is no counter.
  const counters = [...families].filter(([, { type }]) => type === 'counter').map(([name]) => name);
  expect(counters.filter((name) => !metricNames.some((each) => prometheusName(each) === name))).toEqual([]);
  expect(valuesOf(families, 'afterwrite_load_update_max_seconds')).toContainEqual([
    { pattern: 'cache-aside' },
    0.03,
  ]);
});
