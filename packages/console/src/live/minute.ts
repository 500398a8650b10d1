/** What happened in a stretch of time, from the totals of its looks: a missed sample loses nothing. */
import { countsBetween, type CountsOfTime } from '@afterwrite/client';
import type { Look } from './look.ts';

export const MINUTE_MS = 60_000;
/** Flushes come in bursts; over so long there are several. */
export const SMOOTH_MS = 10_000;
/** Samples come a little early or late. */
const JITTER_MS = 500;

/** Up to the last look; null where nothing is known (on AWS, before the first sample). */
export function countsOver(looks: readonly Look[], ms: number): CountsOfTime | null {
  return countsUpTo(looks, looks.length - 1, ms);
}

/** At each look over the 10 s before it; null where less than half of that is known: one burst would stand for all. */
export function trailing(
  looks: readonly Look[],
  value: (counts: CountsOfTime) => number | null,
): readonly (number | null)[] {
  return countsAtEach(looks).map((counts) =>
    counts && counts.seconds * 1000 >= SMOOTH_MS / 2 ? value(counts) : null,
  );
}

/** Several lines are drawn of the same looks. */
const counted = new WeakMap<readonly Look[], readonly (CountsOfTime | null)[]>();

function countsAtEach(looks: readonly Look[]): readonly (CountsOfTime | null)[] {
  const known = counted.get(looks) ?? looks.map((_look, index) => countsUpTo(looks, index, SMOOTH_MS));
  counted.set(looks, known);
  return known;
}

function countsUpTo(looks: readonly Look[], index: number, ms: number): CountsOfTime | null {
  const last = looks[index]?.live;
  if (!last) return null;
  let first = index;
  while (first > 0 && (looks[first - 1]?.at ?? 0) >= last.at - ms - JITTER_MS) first--;
  const from = looks[first]?.live;
  return countsBetween(from ?? last, last);
}
