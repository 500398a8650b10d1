/**
 * How a figure is made: what is compared runs in turn in one process (A B A B …), so that a slow minute of the machine
 * slows both; each round gives one ratio, and the median of the rounds is what counts. The spread is shown beside it.
 */

/** Milliseconds, and operations a second. */
export interface Timing {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly perSecond: number;
}

/** One call of what is measured; `index` runs on over all rounds, so that no two calls are alike. */
export type Operation = (index: number) => Promise<unknown>;

export interface Load {
  readonly inFlight: number;
  readonly count: number;
  /** Ends it early, once this long has passed: slow subjects get fewer calls instead of a longer run. */
  readonly mostMs: number;
}

export async function timeOperation(operation: Operation, load: Load, first = 0): Promise<Timing> {
  const { inFlight, count, mostMs } = load;
  const times = new Float64Array(count);
  let next = 0;
  let done = 0;
  const startMs = performance.now();
  const lane = async () => {
    while (next < count && performance.now() - startMs < mostMs) {
      const index = next++;
      const beganMs = performance.now();
      await operation(first + index);
      times[done++] = performance.now() - beganMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const spentMs = performance.now() - startMs;
  const sorted = times.subarray(0, done).sort();
  return {
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    perSecond: (1000 * done) / spentMs,
  };
}

/** The value below which this part of the sorted values lies (nearest rank). */
export function quantile(sorted: ArrayLike<number>, part: number): number {
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** One value a round, of each subject. */
export type Rounds<Name extends string, Value> = Readonly<Record<Name, readonly Value[]>>;

/** Runs the subjects in turn, in another order each round, so that none always follows the same one. */
export async function inTurn<Name extends string, Value>(
  rounds: number,
  subjects: Readonly<Record<Name, (round: number) => Promise<Value>>>,
): Promise<Rounds<Name, Value>> {
  const names = Object.keys(subjects) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Value[]])) as Record<Name, Value[]>;
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) results[name].push(await subjects[name](round));
  }
  return results;
}

export interface Compared {
  readonly floor: number;
  readonly value: number;
  /** Median of the rounds' ratios, value over floor. */
  readonly ratio: number;
  /** The least and the greatest of them. */
  readonly spread: readonly [least: number, most: number];
}

export function compare(value: readonly number[], floor: readonly number[]): Compared {
  const ratios = value.map((each, round) => each / (floor[round] ?? Number.NaN));
  return {
    floor: median(floor),
    value: median(value),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  };
}
