/**
 * The same figures for Prometheus, in its text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Written here, because what is to be said has been
 * counted already, by bucket and partly by another process, and client libraries want to count by themselves.
 *
 * Names are Prometheus's: base units, `_total` for counters. Every metric of the functions has its own, also before
 * anything was recorded; what this process asks for each second itself (the queue) goes before what a flush said last.
 */
import type { LiveQueue, LoadState } from '@afterwrite/client';
import { breakerStates, metricDefinitions, type MetricName } from '@afterwrite/functions/metrics';
import type { Buckets } from './buckets.ts';
import { type Labels, metricNames, type Recorded } from './recorded.ts';

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Point {
  /** After the family's name: `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly points: readonly Point[];
}

export interface Shown {
  readonly recorded: Recorded;
  /** null: the queue's server does not answer. */
  readonly queue: LiveQueue | null;
  readonly load: LoadState;
  readonly streams: number;
}

export function prometheusText(shown: Shown): string {
  return [...metricNames.map((name) => recordedFamily(name, shown)), ...ownFamilies(shown)]
    .flatMap(linesOf)
    .map((line) => `${line}\n`)
    .join('');
}

/** `ConsistencyLag` -> `afterwrite_consistency_lag_seconds`. */
export function prometheusName(name: MetricName): string {
  const words = name.replaceAll(/(?<=.)(?=[A-Z])/g, '_').toLowerCase();
  const unit = metricDefinitions[name].unit === 'Milliseconds' ? '_seconds' : '';
  return `afterwrite_${words}${unit}${metricDefinitions[name].kind === 'counter' ? '_total' : ''}`;
}

function recordedFamily(name: MetricName, { recorded, queue }: Shown): Family {
  const { unit, meaning, kind } = metricDefinitions[name];
  const scale = unit === 'Milliseconds' ? 0.001 : 1;
  const head = { name: prometheusName(name), help: meaning };
  const looked = LOOKED_AT[name];
  if (looked) return { ...head, type: 'gauge', points: queue ? looked(queue) : [] };
  const points = recorded.seriesOf(name).flatMap((series): readonly Point[] => {
    const { labels } = series;
    if (series.kind === 'distribution') return histogram(series.all, labels, scale);
    return [{ labels, value: series.value * scale }];
  });
  return { ...head, type: kind === 'distribution' ? 'histogram' : kind, points };
}

/** What the queue itself says each second. */
const LOOKED_AT: Readonly<Record<string, ((queue: LiveQueue) => readonly Point[]) | undefined>> = {
  QueueLength: ({ partitions }) =>
    partitions.map((value, partition) => ({ labels: { partition: String(partition) }, value })),
  OldestUpdateAge: ({ oldestMs }) => [{ value: (oldestMs ?? 0) / 1000 }],
  DeadLetters: ({ deadLetters }) => (deadLetters === null ? [] : [{ value: deadLetters }]),
  PartitionsStopped: ({ stopped }) => [{ value: stopped.length }],
  StoreAway: ({ breaker }) => [{ value: Number(breaker !== 'CLOSED') }],
  BreakerState: ({ breaker }) => [{ value: breakerStates[breaker] }],
};

function ownFamilies({ queue, load, streams }: Shown): readonly Family[] {
  const histograms = Object.entries(load.run?.patterns ?? {});
  const refused = Object.entries(load.run?.refused ?? {});
  return [
    {
      name: 'afterwrite_queue_up',
      help: 'Whether the server of the queue answered within the last two seconds.',
      type: 'gauge',
      points: [{ value: Number(queue !== null) }],
    },
    {
      name: 'afterwrite_database_up',
      help: 'Whether the database answered with it; not known while the queue does not.',
      type: 'gauge',
      points: queue === null ? [] : [{ value: Number(queue.deadLetters !== null) }],
    },
    {
      name: 'afterwrite_streams',
      help: 'Open streams of live figures.',
      type: 'gauge',
      points: [{ value: streams }],
    },
    {
      name: 'afterwrite_load_running',
      help: 'Whether a load runs that was asked for on this machine.',
      type: 'gauge',
      points: [{ value: Number(load.state === 'RUNNING') }],
    },
    {
      name: 'afterwrite_load_refused',
      help: 'Updates of the current or last load that were not accepted, by the code of the error.',
      type: 'gauge',
      points: refused.map(([code, value]) => ({ labels: { code }, value })),
    },
    {
      name: 'afterwrite_load_update_max_seconds',
      help: 'Longest update of the current or last load, by pattern.',
      type: 'gauge',
      points: histograms.map(([pattern, { max }]) => ({ labels: { pattern }, value: max / 1000 })),
    },
  ];
}

function histogram(buckets: Buckets, labels: Labels, scale: number): readonly Point[] {
  let below = 0;
  const points = buckets.counts.map((count, index): Point => {
    below += count;
    const bound = buckets.bounds[index];
    const le = bound === undefined ? '+Inf' : String(Number((bound * scale).toPrecision(6)));
    return { suffix: '_bucket', labels: { ...labels, le }, value: below };
  });
  return [
    ...points,
    { suffix: '_sum', labels, value: buckets.sum * scale },
    { suffix: '_count', labels, value: buckets.count },
  ];
}

function linesOf({ name, help, type, points }: Family): string[] {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return [
    `# HELP ${name} ${escaped}`,
    `# TYPE ${name} ${type}`,
    ...points.map(
      ({ suffix = '', labels = {}, value }) => `${name}${suffix}${labelText(labels)} ${String(value)}`,
    ),
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
