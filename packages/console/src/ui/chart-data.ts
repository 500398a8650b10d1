/**
 * Which points of a line are joined: neighbours in time, and nothing else. A line over a stretch in which nothing was stored, or
 * of which no look came, would tell of values that nobody saw.
 */

/** One sample of a line may be missing between two that are joined: samples come each second, and a little early or late. */
const JOINED_WITHIN_MS = 2500;
/** Looks that lie further apart have had others between them that did not come: on AWS there is one each 3 s. */
const SEEN_WITHIN_MS = 7000;

/** As uPlot takes it: a line passes over what is undefined and is broken by null. */
export type Value = number | null | undefined;

export interface ChartData {
  /** Milliseconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly (readonly Value[])[];
}

/** `lines` have a value for each of `times`, null where nothing is known; in the result there may be more times. */
export function withBreaks(
  times: readonly number[],
  lines: readonly (readonly (number | null)[])[],
): ChartData {
  const isBreak = (index: number) =>
    index > 0 && (times[index] ?? 0) - (times[index - 1] ?? 0) > SEEN_WITHIN_MS;
  const broken = <T>(values: readonly T[], between: (index: number) => T) =>
    values.flatMap((value, index) => (isBreak(index) ? [between(index), value] : [value]));
  return {
    times: broken(times, (index) => (times[index] ?? 0) - 1),
    lines: lines.map((values) => broken<Value>(bridged(times, values), () => null)),
  };
}

function bridged(times: readonly number[], values: readonly (number | null)[]): readonly Value[] {
  return values.map((value, index) => {
    const [before, after] = [index - 1, index + 1];
    const isBetween = typeof values[before] === 'number' && typeof values[after] === 'number';
    const apartMs = (times[after] ?? 0) - (times[before] ?? 0);
    return value === null && isBetween && apartMs <= JOINED_WITHIN_MS ? undefined : value;
  });
}

/** Where a line begins and ends: one point alone would else be hidden, and two be a dash. */
export function endPoints(values: readonly Value[]): number[] {
  const isKnown = (index: number) => typeof values[index] === 'number';
  const isJoined = (index: number, step: 1 | -1) =>
    isKnown(index + step) ||
    (index + step in values && values[index + step] === undefined && isKnown(index + 2 * step));
  return [...values.keys()].filter((index) => isKnown(index) && !(isJoined(index, 1) && isJoined(index, -1)));
}
