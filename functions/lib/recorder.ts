/**
 * What an invocation records, until it leaves as one document: a counter as its sum, a gauge as its last value, a
 * distribution as a fair sample of its values with the largest of them. So a document is bounded, however long a flush works.
 */
import { metricDefinitions, type MetricName } from '../metrics.ts';

/** Values of one metric in one document, the largest left out: CloudWatch takes 100, and Powertools publishes by itself then. */
const SAMPLE_SIZE = 90;

interface Recorded {
  /** How many there were, of a distribution. */
  count: number;
  readonly values: number[];
  largest: number;
}

export class Recorder {
  readonly #recorded = new Map<MetricName, Recorded>();
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  add(name: MetricName, value: number): void {
    const known = this.#recorded.get(name);
    if (!known) {
      this.#recorded.set(name, { count: 1, values: [value], largest: value });
      return;
    }
    const { kind } = metricDefinitions[name];
    if (kind === 'counter') known.values[0] = (known.values[0] ?? 0) + value;
    else if (kind === 'gauge') known.values[0] = value;
    else this.#sample(known, value);
  }

  /** Everything, and forgets it. */
  take(): ReadonlyMap<MetricName, readonly number[]> {
    const taken = new Map<MetricName, readonly number[]>();
    for (const [name, { count, values, largest }] of this.#recorded) {
      const isMissing = count > SAMPLE_SIZE && !values.includes(largest);
      taken.set(name, isMissing ? [...values, largest] : values);
    }
    this.#recorded.clear();
    return taken;
  }

  /** Each value has the same chance to be kept (reservoir sampling, Vitter's algorithm R). */
  #sample(known: Recorded, value: number): void {
    known.count++;
    if (value > known.largest) known.largest = value;
    if (known.values.length < SAMPLE_SIZE) {
      known.values.push(value);
      return;
    }
    const at = Math.floor(this.#random() * known.count);
    if (at < SAMPLE_SIZE) known.values[at] = value;
  }
}
