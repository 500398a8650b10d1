/**
 * All that was recorded since `npm start`, by metric and labels. Counters only grow, gauges are as they were set last,
 * distributions are counted by bucket twice: since the start, and since somebody last took them.
 */
import { type MetricName, metricDefinitions } from '@afterwrite/functions/metrics';
import { type BucketCounts, Buckets } from './buckets.ts';
import type { Measurement } from './documents.ts';
import { boundsOf } from './bounds.ts';

export type Labels = Readonly<Record<string, string>>;

export type Series = { readonly labels: Labels } & (
  | { readonly kind: 'counter'; value: number }
  | { readonly kind: 'gauge'; value: number }
  | { readonly kind: 'distribution'; readonly all: Buckets; readonly recent: Buckets }
);

/** A function that gives each call labels of its own must not fill the memory. */
const MAX_SERIES = 1000;

export const metricNames = Object.keys(metricDefinitions) as MetricName[];

export class Recorded {
  /** Metric -> labels as text -> series. */
  readonly #series = new Map<MetricName, Map<string, Series>>(metricNames.map((name) => [name, new Map()]));

  constructor() {
    // Counted from nothing on, so that the first of something is an increase. A gauge is not known before it is set.
    for (const name of metricNames) if (metricDefinitions[name].kind !== 'gauge') this.#find(name, {});
  }

  record({ name, values, labels }: Measurement): void {
    const series = this.#find(name, labels);
    if (!series) return;
    for (const value of values) {
      if (series.kind === 'gauge') series.value = value;
      else if (series.kind === 'counter') series.value += value;
      else {
        series.all.observe(value);
        series.recent.observe(value);
      }
    }
  }

  /** Observations that were counted elsewhere. */
  recordCounts(name: MetricName, counts: BucketCounts): void {
    const series = this.#find(name, {});
    if (series?.kind !== 'distribution') return;
    series.all.add(counts);
    series.recent.add(counts);
  }

  seriesOf(name: MetricName): readonly Series[] {
    return [...(this.#series.get(name)?.values() ?? [])];
  }

  /** Of a counter: its value. Of a distribution: how many there were. Over all labels. */
  total(name: MetricName): number {
    return this.seriesOf(name).reduce(
      (sum, series) => sum + (series.kind === 'distribution' ? series.all.count : series.value),
      0,
    );
  }

  /** What a distribution got since the last call, over all labels. */
  takeRecent(name: MetricName): BucketCounts {
    const sum = new Buckets(boundsOf(name));
    for (const series of this.seriesOf(name)) {
      if (series.kind === 'distribution') sum.add(series.recent.take());
    }
    return sum.take();
  }

  #find(name: MetricName, labels: Labels): Series | undefined {
    const ofName = this.#series.get(name);
    const key = JSON.stringify(labels);
    const found = ofName?.get(key);
    if (found || !ofName || ofName.size >= MAX_SERIES) return found;
    const kind = metricDefinitions[name].kind;
    const counted = () => new Buckets(boundsOf(name));
    const made: Series =
      kind === 'distribution'
        ? { kind, labels, all: counted(), recent: counted() }
        : { kind, labels, value: 0 };
    ofName.set(key, made);
    return made;
  }
}
