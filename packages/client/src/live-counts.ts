/** What the page and `npm run status` derive from samples alike. */
import type { LiveCounts, LiveSample } from './local-stage.ts';

export interface CountsOfTime extends LiveCounts {
  readonly seconds: number;
}

/** What came between two samples, from their totals: a missed sample loses nothing. Of a single one, its own second. */
export function countsBetween(first: LiveSample, last: LiveSample): CountsOfTime {
  if (first.n === last.n) return { ...last.rates, seconds: 1 };
  const [before, now] = [first.totals, last.totals];
  return {
    accepted: now.accepted - before.accepted,
    stored: now.stored - before.stored,
    failed: now.failed - before.failed,
    skipped: now.skipped - before.skipped,
    batches: now.batches - before.batches,
    retried: now.retried - before.retried,
    hits: now.hits - before.hits,
    misses: now.misses - before.misses,
    bypasses: now.bypasses - before.bypasses,
    seconds: (last.at - first.at) / 1000,
  };
}

/** 0 to 1: of the updates that left the queue, those that the database refused; null when none left it. */
export function failureShare({ failed, stored }: LiveCounts): number | null {
  return failed + stored > 0 ? failed / (failed + stored) : null;
}

/** 0 to 1: of the reads, those that the cache answered; null when nothing was read. */
export function hitShare({ hits, misses, bypasses }: LiveCounts): number | null {
  const reads = hits + misses + bypasses;
  return reads > 0 ? hits / reads : null;
}
