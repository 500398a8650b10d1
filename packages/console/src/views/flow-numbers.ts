/** What the view Flow shows, as plain data: the counts at each way, how many dots move there, and the same in words. */
import { type LiveQueue, hitShare } from '@afterwrite/client';
import type { Look } from '../live/look.ts';
import { countsOver, MINUTE_MS, SMOOTH_MS } from '../live/minute.ts';
import { count, counted, duration, percent, rate, UNKNOWN } from '../live/words.ts';

export type WayName = 'accepted' | 'queued' | 'taken' | 'stored' | 'failed' | 'hits' | 'misses';

/** At most so many dots move on a way at a time: 40 in all. */
export const MOST_DOTS: Readonly<Record<WayName, number>> = {
  accepted: 7,
  queued: 7,
  taken: 7,
  stored: 7,
  failed: 3,
  hits: 5,
  misses: 4,
};

export interface Way {
  /** A second, mean of 10 s; null where nobody here knows. */
  readonly perSecond: number | null;
  /** In the last sample: what moves. */
  readonly dots: number;
}

export interface Flow {
  /** False on AWS: the rates are in CloudWatch. */
  readonly isCounted: boolean;
  readonly ways: Readonly<Record<WayName, Way>>;
  readonly queue: LiveQueue | null;
  /** The longest that the queue was within the minute. */
  readonly peak: number;
  /** The longest that one partition was within the minute. */
  readonly partitionPeak: number;
  /** Updates in a transaction, mean of 10 s. */
  readonly batchSize: number | null;
  readonly hitRate: number | null;
  /** p50 of the minute, ms. */
  readonly writeMs: number | null;
  readonly lagMs: number | null;
}

export function flowOf(looks: readonly Look[]): Flow {
  const look = looks.at(-1);
  const counts = countsOver(looks, SMOOTH_MS);
  const minute = countsOver(looks, MINUTE_MS);
  const rates = look?.live?.rates;
  const mean = (value: number | undefined) => (counts && value !== undefined ? value / counts.seconds : null);
  const way = (name: WayName, value: number | undefined, moving: number | undefined): Way => ({
    perSecond: mean(value),
    dots: dotsOf(moving ?? 0, MOST_DOTS[name]),
  });
  const left = counts && counts.stored + counts.failed + counts.skipped;
  const leaving = rates && rates.stored + rates.failed + rates.skipped;
  const fromDatabase = counts && counts.misses + counts.bypasses;
  return {
    isCounted: counts !== null,
    ways: {
      accepted: way('accepted', counts?.accepted, rates?.accepted),
      queued: way('queued', counts?.accepted, rates?.accepted),
      taken: way('taken', left ?? undefined, leaving),
      stored: way('stored', counts?.stored, rates?.stored),
      failed: way('failed', counts?.failed, rates?.failed),
      hits: way('hits', counts?.hits, rates?.hits),
      misses: way('misses', fromDatabase ?? undefined, rates && rates.misses + rates.bypasses),
    },
    queue: look?.queue ?? null,
    peak: Math.max(0, ...looks.map(({ queue }) => queue?.length ?? 0)),
    partitionPeak: Math.max(0, ...looks.map(({ queue }) => longestOf(queue))),
    batchSize: counts && counts.batches > 0 && counts.stored > 0 ? counts.stored / counts.batches : null,
    hitRate: minute && hitShare(minute),
    writeMs: look?.live?.minute.write?.p50 ?? null,
    lagMs: look?.live?.minute.lag?.p50 ?? null,
  };
}

function longestOf(queue: LiveQueue | null): number {
  let longest = 0;
  for (const length of queue?.partitions ?? []) longest = Math.max(longest, length);
  return longest;
}

/** One a second is one dot, and ten times as many are one and a half more: 2,000 a second are still seen as dots. */
export function dotsOf(perSecond: number, most: number): number {
  if (perSecond <= 0) return 0;
  return Math.min(most, 1 + Math.floor(1.5 * Math.log10(Math.max(1, perSecond))));
}

export const BREAKER_WORDS: Readonly<Record<LiveQueue['breaker'], string>> = {
  CLOSED: 'Breaker closed: the way is free',
  OPEN: 'Breaker open: the database is away, updates wait',
  HALF_OPEN: 'Breaker half open: trying with one batch',
};

/** How full, 0 to 1, of the fullest within the minute. */
export function shareOf(length: number, peak: number): number {
  return peak > 0 ? length / peak : 0;
}

/** `Partition 7 is the longest: 812 updates.` */
export function longestInWords({ partitions }: LiveQueue): string {
  const longest = longestOf({ partitions } as LiveQueue);
  if (longest === 0) return 'All are empty.';
  return `Partition ${partitions.indexOf(longest)} is the longest: ${counted(longest, 'update')}.`;
}

export function stoppedInWords({ stopped }: LiveQueue): string {
  if (stopped.length === 0) return 'None stopped.';
  return `Stopped: ${stopped.length === 1 ? 'partition' : 'partitions'} ${stopped.join(', ')}.`;
}

/** What stands in the stations that count nothing here; where the counts are elsewhere they say nothing. */
export function captionsOf({ isCounted, writeMs, hitRate, batchSize, lagMs }: Flow) {
  if (!isCounted) return { callers: '', cache: '', flusher: '', database: '' };
  return {
    callers: writeMs === null ? 'no write in the minute' : `written in ${duration(writeMs)} (p50)`,
    cache: hitRate === null ? 'no read in the minute' : `hit rate ${percent(hitRate)}`,
    flusher: batchSize === null ? 'no batch in 10 s' : `${rate(batchSize)} a batch`,
    database: lagMs === null ? 'nothing stored in the minute' : `${duration(lagMs)} behind (p50)`,
  };
}

/** The picture for who does not see it. */
export function inWords(flow: Flow): readonly string[] {
  const { ways, queue, isCounted } = flow;
  const of = (name: WayName) => rate(ways[name].perSecond);
  const captions = captionsOf(flow);
  const waits = typeof queue?.oldestMs !== 'number' ? '' : `, the oldest for ${duration(queue.oldestMs)}`;
  const letters = queue ? count(queue.deadLetters) : UNKNOWN;
  const words = [
    queue
      ? `Queue: ${counted(queue.length, 'update')} waiting${waits}.`
      : 'Queue: its server does not answer.',
    ...(queue ? [`${BREAKER_WORDS[queue.breaker]}.`] : []),
  ];
  if (!isCounted) return [...words, `Dead letters: ${letters}.`];
  return [
    `Callers to cache: ${of('accepted')} updates a second, ${captions.callers}; each is in the queue at once.`,
    `Reads: ${of('hits')} a second answered by the cache, ${of('misses')} by the database; ${captions.cache}.`,
    ...words,
    `Flusher: ${of('taken')} updates a second taken from the queue, ${captions.flusher}.`,
    `Database: ${of('stored')} updates a second stored, ${captions.database}.`,
    `Dead letters: ${letters}, ${of('failed')} more a second.`,
  ];
}
