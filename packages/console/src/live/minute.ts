/** What happened in a stretch of time, from the totals of its looks: a missed sample loses nothing. */
import type { LiveCounts } from '@afterwrite/client';
import type { Look } from './look.ts';

export const MINUTE_MS = 60_000;
/** Flushes come in bursts; over so long there are several. */
export const SMOOTH_MS = 10_000;
/** Samples come a little early or late. */
const JITTER_MS = 500;

export interface Counts extends LiveCounts {
  readonly seconds: number;
}

/** Up to the last look; null where nothing is known (on AWS, before the first sample). */
export function countsOver(looks: readonly Look[], ms: number): Counts | null {
  return countsUpTo(looks, looks.length - 1, ms);
}

/** At each look over the 10 s before it; null where less than half of that is known: one burst would stand for all. */
export function trailing(
  looks: readonly Look[],
  value: (counts: Counts) => number | null,
): readonly (number | null)[] {
  return countsAtEach(looks).map((counts) =>
    counts && counts.seconds * 1000 >= SMOOTH_MS / 2 ? value(counts) : null,
  );
}

/** Several lines are drawn of the same looks. */
const counted = new WeakMap<readonly Look[], readonly (Counts | null)[]>();

function countsAtEach(looks: readonly Look[]): readonly (Counts | null)[] {
  const known = counted.get(looks) ?? looks.map((_look, index) => countsUpTo(looks, index, SMOOTH_MS));
  counted.set(looks, known);
  return known;
}

function countsUpTo(looks: readonly Look[], index: number, ms: number): Counts | null {
  const last = looks[index]?.live;
  if (!last) return null;
  let first = index;
  while (first > 0 && (looks[first - 1]?.at ?? 0) >= last.at - ms - JITTER_MS) first--;
  const from = looks[first]?.live;
  // One alone has the second before it.
  if (!from || first === index) return { ...last.rates, seconds: 1 };
  const { totals } = last;
  const before = from.totals;
  return {
    accepted: totals.accepted - before.accepted,
    stored: totals.stored - before.stored,
    failed: totals.failed - before.failed,
    skipped: totals.skipped - before.skipped,
    batches: totals.batches - before.batches,
    retried: totals.retried - before.retried,
    hits: totals.hits - before.hits,
    misses: totals.misses - before.misses,
    bypasses: totals.bypasses - before.bypasses,
    seconds: (last.at - from.at) / 1000,
  };
}

/** 0 to 1: of the updates that left the queue, those that the database refused; null when none left it. */
export function failureShare({ failed, stored }: Counts): number | null {
  return failed + stored > 0 ? failed / (failed + stored) : null;
}

/** 0 to 1: of the reads, those that the cache answered; null when nothing was read. */
export function hitShare({ hits, misses, bypasses }: Counts): number | null {
  const reads = hits + misses + bypasses;
  return reads > 0 ? hits / reads : null;
}
