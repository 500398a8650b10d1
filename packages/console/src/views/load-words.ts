/** What the view Load says and draws, without a page around it. */
import {
  LATENCY_BOUNDS_MS,
  type LatencyHistogram,
  LOAD_LIMITS,
  type LoadRequest,
  type LoadRun,
  type LoadState,
  type PatternName,
} from '@afterwrite/client';
import type { Link } from '../live/feed.ts';
import { count, counted, duration, UNKNOWN } from '../live/words.ts';

export const PATTERNS: readonly PatternName[] = ['write-behind', 'write-through', 'cache-aside'];

/** A whole number from 1 to `most`, or why it is none. */
export function parseWhole(text: string, most: number): number | string {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  return value >= 1 && value <= most ? value : `A whole number from 1 to ${count(most)}.`;
}

export interface LoadFields {
  readonly updatesPerSecond: string;
  readonly seconds: string;
}

/** What is to be started; null while a field is not right. */
export function requestOf({ updatesPerSecond, seconds }: LoadFields): LoadRequest | null {
  const rate = parseWhole(updatesPerSecond, LOAD_LIMITS.updatesPerSecond);
  const time = parseWhole(seconds, LOAD_LIMITS.seconds);
  return typeof rate === 'number' && typeof time === 'number'
    ? { updatesPerSecond: rate, seconds: time }
    : null;
}

export function stateWords({ state, reason, run }: LoadState): string {
  switch (state) {
    case 'STARTING':
      return 'Starting';
    case 'RUNNING':
      return 'Running';
    case 'STOPPING':
      return 'Stopping';
    case 'FAILED':
      return `Failed: ${reason ?? 'no reason is known'}`;
    case 'IDLE':
      if (run === null) return 'No load has run yet';
      return isCutShort(run) ? 'Stopped before its time' : 'Ended';
  }
}

/** The same, and that nobody knows more while no figures come. */
export function headWords(load: LoadState, { kind }: Pick<Link, 'kind'>): string {
  return `${stateWords(load)}${isUnderWay(load) && kind !== 'LIVE' ? ' when last seen' : ''}`;
}

/** A run's last second may be cut by a little. */
const ENDING_MS = 1500;

function isCutShort({ startedAt, endedAt, seconds }: LoadRun): boolean {
  return endedAt !== null && endedAt - startedAt < seconds * 1000 - ENDING_MS;
}

export function isUnderWay({ state }: LoadState): boolean {
  return state === 'STARTING' || state === 'RUNNING' || state === 'STOPPING';
}

/** Seconds of it that are over, at `now` by the server's clock: none before it runs. */
export function elapsedSeconds({ state, run }: LoadState, now: number | undefined): number {
  if (run === null || state === 'STARTING') return 0;
  const { startedAt, endedAt, seconds } = run;
  return Math.min(seconds, Math.max(0, ((endedAt ?? now ?? startedAt) - startedAt) / 1000));
}

/** `: 54 s left`; nothing where nobody knows, or where it is over. */
export function leftWords(load: LoadState, elapsed: number, { kind }: Pick<Link, 'kind'>): string {
  const { state, run } = load;
  if (run === null || !isUnderWay(load) || state === 'STOPPING') return '';
  return kind === 'LIVE' ? `: ${count(Math.ceil(run.seconds - elapsed))} s left` : '';
}

const REFUSALS: Readonly<Record<string, string>> = {
  QUEUE_FULL: 'the queue is full (QUEUE_MAX_LENGTH): the database cannot keep up',
  LIMIT_REACHED: 'a limit was reached, most likely the length of the queue: the database cannot keep up',
  BUFFER_FULL:
    "the memory of the queue's server is full; it takes updates again when the queue has been drained",
  BUFFER_UNAVAILABLE: "the queue's server cannot be reached",
  STORE_UNAVAILABLE: 'the database cannot be reached, and the flight was not cached',
  OUTCOME_UNKNOWN: 'the reply was lost: accepted or not, it is not counted as accepted',
  CONTENDED: 'too many changed the same flight at the same time',
  NOT_FOUND: 'there is no such flight',
  PARTITIONS_CHANGING: 'the queue is being rebuilt',
};

/** Of an error's code. */
export function refusalWords(code: string): string {
  return REFUSALS[code] ?? code.toLowerCase().replaceAll('_', ' ');
}

export function lateWords(late: number): string {
  return late === 0
    ? 'Each was sent in its second.'
    : `${counted(late, 'update')} not sent: as many were under way as may be. This machine cannot make so many.`;
}

export interface Scale {
  /** Index of the first and the last bucket that are drawn. */
  readonly first: number;
  readonly last: number;
  /** Of one bucket, over all patterns: 0 to 1; the height of the rows. */
  readonly highest: number;
}

/** One scale for all, so that they can be compared; undefined where nothing was counted. */
export function scaleOf(histograms: readonly LatencyHistogram[]): Scale | undefined {
  const shares = histograms.map(sharesOf);
  const used = shares.flatMap((each) => each.flatMap((share, index) => (share > 0 ? [index] : [])));
  if (used.length === 0) return undefined;
  // A little room at both sides, so that a line is seen to end.
  return {
    first: Math.max(0, Math.min(...used) - 1),
    last: Math.min(LATENCY_BOUNDS_MS.length, Math.max(...used) + 1),
    highest: Math.max(...shares.flat()),
  };
}

/** Of each bucket, of all updates of the pattern: they are not equally many. */
export function sharesOf({ buckets }: LatencyHistogram): number[] {
  const total = buckets.reduce((sum, each) => sum + each, 0);
  return buckets.map((each) => (total === 0 ? 0 : each / total));
}

/** Upper bound of a bucket; the one after the last is drawn as wide as the others. */
function upperMs(index: number): number {
  return LATENCY_BOUNDS_MS[index] ?? (LATENCY_BOUNDS_MS.at(-1) ?? 1) * 1.25;
}

function lowerMs(index: number): number {
  return index === 0 ? upperMs(0) / 1.25 : upperMs(index - 1);
}

/** Where a latency stands on the scale: 0 at its left, 1 at its right. */
export function placeOf(ms: number, { first, last }: Scale): number {
  const [least, most] = [Math.log(lowerMs(first)), Math.log(upperMs(last))];
  return Math.min(1, Math.max(0, (Math.log(Math.max(ms, Number.MIN_VALUE)) - least) / (most - least)));
}

/** 0.1, 1, 10 … ms, as far as the scale reaches; finer where it reaches not even ten times. */
export function ticksOf(scale: Scale): number[] {
  const [least, most] = [lowerMs(scale.first), upperMs(scale.last)];
  const decades = Array.from({ length: 9 }, (_, index) => 10 ** (index - 3));
  const steps = most / least > 50 ? [1] : [1, 2, 5];
  return decades
    .flatMap((decade) => steps.map((step) => Number((decade * step).toPrecision(1))))
    .filter((ms) => ms >= least && ms <= most);
}

/** The outline as an SVG path in a box of 1 by 1, from the lower left. */
export function outlineOf(histogram: LatencyHistogram, scale: Scale): string {
  const shares = sharesOf(histogram);
  const width = scale.last - scale.first + 1;
  const steps = shares.slice(scale.first, scale.last + 1).map((share, index) => {
    const y = 1 - share / scale.highest;
    return `L${round(index / width)} ${round(y)}L${round((index + 1) / width)} ${round(y)}`;
  });
  return `M0 1${steps.join('')}L1 1`;
}

function round(value: number): number {
  return Number(value.toFixed(4));
}

/** `12 times`, against write-behind; a dash where one of the two is not known. */
export function timesWords(ms: number, against: number): string {
  if (!(ms > 0) || !(against > 0)) return UNKNOWN;
  const times = ms / against;
  return `${times < 10 ? times.toFixed(1) : count(times)} times`;
}

/** `0.12 ms`; a dash where nothing was counted. */
export function quantileWords({ count: counted }: LatencyHistogram, ms: number): string {
  return counted === 0 ? UNKNOWN : duration(ms);
}
