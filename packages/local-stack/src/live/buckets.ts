/**
 * How often which values came, by upper bound: as much memory for a million values as for one, and the counts of many
 * seconds or processes add up to those of all of them. A quantile is as exact as its bucket is narrow; the largest value is
 * exact.
 */
import type { Quantiles } from '@afterwrite/client';

/** As it goes between processes. */
export interface BucketCounts {
  /** Values over the bound before and at most this one; the last: over all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly max: number;
}

export class Buckets {
  readonly bounds: readonly number[];
  #counts: number[];
  #count = 0;
  #sum = 0;
  #max = 0;

  /** Ascending. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = this.#empty();
  }

  get counts(): readonly number[] {
    return this.#counts;
  }
  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }

  observe(value: number): void {
    const index = this.#indexOf(value);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    this.#max = Math.max(this.#max, value);
  }

  /** What others counted by the same bounds. */
  add({ counts, sum, max }: BucketCounts): void {
    if (counts.length !== this.#counts.length) throw new RangeError('Other bounds cannot be added.');
    counts.forEach((count, index) => {
      this.#counts[index] = (this.#counts[index] ?? 0) + count;
      this.#count += count;
    });
    this.#sum += sum;
    this.#max = Math.max(this.#max, max);
  }

  /** All since the last time, and begins anew. */
  take(): BucketCounts {
    const taken = { counts: this.#counts, sum: this.#sum, max: this.#max };
    this.#counts = this.#empty();
    [this.#count, this.#sum, this.#max] = [0, 0, 0];
    return taken;
  }

  quantiles(): Quantiles {
    return { count: this.#count, p50: this.#quantile(0.5), p99: this.#quantile(0.99), max: this.#max };
  }

  /** As if the values of a bucket lay evenly between its bounds. */
  #quantile(share: number): number {
    const rank = share * this.#count;
    let below = 0;
    for (const [index, count] of this.#counts.entries()) {
      if (count > 0 && below + count >= rank) {
        const low = this.bounds[index - 1] ?? 0;
        const high = Math.min(this.bounds[index] ?? this.#max, this.#max);
        return Math.min(this.#max, low + ((high - low) * (rank - below)) / count);
      }
      below += count;
    }
    return 0;
  }

  /** Of the first bound that is not below the value. */
  #indexOf(value: number): number {
    let [from, to] = [0, this.bounds.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.bounds[middle] ?? Infinity) < value) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #empty(): number[] {
    return new Array<number>(this.bounds.length + 1).fill(0);
  }
}
