/** The six figures of the view Now as plain data: what is shown, drawn, and wrong, from the looks of the last minute. */
import {
  betweenFlushesMs,
  type LatencyName,
  type LiveQueue,
  noFlush,
  type Quantiles,
  thresholds,
  failureShare,
  hitShare,
} from '@afterwrite/client';
import type { Look } from '../live/look.ts';
import { countsOver, MINUTE_MS, SMOOTH_MS, trailing } from '../live/minute.ts';
import { count, counted, duration, percent, rate, UNKNOWN } from '../live/words.ts';
import type { Problem } from '../live/problems.ts';
import type { ChartProps } from '../ui/chart.tsx';

export interface NowFigure {
  readonly title: string;
  /** Large, each with what it is. */
  readonly values: readonly { readonly text: string; readonly name: string }[];
  readonly note: string;
  /** From when on the alarm is raised; undefined where there is no alarm for it. */
  readonly alarm?: string;
  readonly problem?: Problem | undefined;
  /** None where CloudWatch alone has it. */
  readonly chart?: Omit<ChartProps, 'label' | 'height' | 'isPlain'>;
}

/** Nothing has been written, read or stored since `npm start`, and nothing waits: there is nothing to see yet. */
export function isUntouched({ live, queue }: Look): boolean {
  return live !== null && queue?.length === 0 && Object.values(live.totals).every((total) => total === 0);
}

export function figuresOf(looks: readonly Look[], isRemote: boolean): readonly NowFigure[] {
  const remote = isRemote ? inCloudWatch : undefined;
  return [
    queueFigure(looks),
    remote?.('Processing rate') ?? processingFigure(looks),
    remote?.('Failure rate') ?? failureFigure(looks),
    lagFigure(looks, isRemote),
    remote?.('Write latency') ?? writeFigure(looks),
    remote?.('Hit rate') ?? hitFigure(looks),
  ];
}

function inCloudWatch(title: string): NowFigure {
  return {
    title,
    values: [{ text: UNKNOWN, name: 'not known here' }],
    note: `On AWS CloudWatch has it: the chart “${title}” of the stage's dashboard.`,
  };
}

const timesOf = (looks: readonly Look[]) => looks.map(({ at }) => at);
const alarmOf = (words: string, minutes: number) =>
  `Alarm: ${words}${minutes > 1 ? ` for ${minutes} min` : ''}`;

function queueFigure(looks: readonly Look[]): NowFigure {
  const look = looks.at(-1);
  const { above, minutes, meaning } = thresholds.QueueLength;
  const length = look?.queue?.length ?? null;
  const oldestMs = look?.queue?.oldestMs ?? null;
  const age = oldestMs === null ? 'Nothing waits.' : `The oldest has waited for ${duration(oldestMs)}.`;
  return {
    title: 'Queue length',
    values: [{ text: count(length), name: 'updates wait' }],
    note:
      look?.queue === null
        ? "The queue's server does not answer: nobody knows what waits."
        : length === null
          ? ''
          : age,
    alarm: alarmOf(`flushes leave over ${count(above)}`, minutes),
    problem: look?.queue && isLeft(look.queue) ? { words: meaning, heading: 'QueueLength' } : undefined,
    chart: {
      times: timesOf(looks),
      lines: [
        { name: 'waiting', color: '--queued', values: looks.map(({ queue }) => queue?.length ?? null) },
      ],
      thresholds: [{ value: above, label: count(above) }],
      format: count,
    },
  };
}

/** As GET /health sees it. */
function isLeft(queue: LiveQueue): boolean {
  return queue.length > thresholds.QueueLength.above && (queue.oldestMs ?? 0) > betweenFlushesMs;
}

function processingFigure(looks: readonly Look[]): NowFigure {
  const perSecond = (name: 'accepted' | 'stored') =>
    trailing(looks, (counts) => counts[name] / counts.seconds);
  const [accepted, stored] = [perSecond('accepted'), perSecond('stored')];
  const [now, minute] = [countsOver(looks, SMOOTH_MS), countsOver(looks, MINUTE_MS)];
  const oldestMs = looks.at(-1)?.queue?.oldestMs ?? 0;
  return {
    title: 'Processing rate',
    values: [
      { text: rate(now && now.stored / now.seconds), name: 'stored a second' },
      { text: rate(now && now.accepted / now.seconds), name: 'accepted a second' },
    ],
    note: minute ? `${count(minute.stored)} and ${count(minute.accepted)} in the last minute.` : '',
    alarm: alarmOf('no flush', noFlush.minutes),
    problem:
      minute?.stored === 0 && oldestMs > noFlush.ms
        ? { words: 'Nothing was stored in the last minute, and updates wait.', heading: 'NoFlush' }
        : undefined,
    chart: {
      times: timesOf(looks),
      lines: [
        { name: 'stored', color: '--stored', values: stored },
        { name: 'accepted', color: '--accepted', values: accepted, pattern: 'DASHED' },
      ],
      format: rate,
      peakWords: 'means of 10 s, up to',
    },
  };
}

function failureFigure(looks: readonly Look[]): NowFigure {
  const { above, minutes, meaning } = thresholds.FailureRate;
  const minute = countsOver(looks, MINUTE_MS);
  const share = minute && failureShare(minute);
  const limit = above / 100;
  return {
    title: 'Failure rate',
    values: [{ text: percent(share), name: 'refused by the database' }],
    note: !minute
      ? ''
      : share === null
        ? 'No update left the queue in the last minute.'
        : `${count(minute.failed)} of ${counted(minute.failed + minute.stored, 'update')} refused in the last minute.`,
    alarm: alarmOf(`above ${percent(limit)}`, minutes),
    problem: share !== null && share > limit ? { words: meaning, heading: 'FailureRate' } : undefined,
    chart: {
      times: timesOf(looks),
      lines: [{ name: 'refused', color: '--second', values: trailing(looks, failureShare), isSparse: true }],
      thresholds: [{ value: limit, label: percent(limit) }],
      format: percent,
      least: limit,
    },
  };
}

function lagFigure(looks: readonly Look[], isRemote: boolean): NowFigure {
  const { above, minutes, meaning } = thresholds.OldestUpdateAge;
  const look = looks.at(-1);
  const oldestMs = look?.queue?.oldestMs ?? null;
  const isPast = oldestMs !== null && oldestMs > above;
  const lag = look?.live?.minute.lag ?? null;
  // What no look of the queue says is not zero; when nothing waits, nothing is late.
  const oldest = looks.map(({ queue }) => (queue ? (queue.oldestMs ?? 0) : null));
  const waiting = oldestMs === null ? 'Nothing waits now.' : `The oldest waits for ${duration(oldestMs)}.`;
  const stored = lag ? `${count(lag.count)} measured.` : 'Nothing was stored in the last minute.';
  const oldestLine = {
    name: 'oldest',
    color: '--queued',
    values: oldest,
    pattern: 'DOTTED',
  } as const;
  return {
    title: 'Consistency lag',
    values: isRemote
      ? [
          {
            text: duration(oldestMs),
            name: look?.queue && oldestMs === null ? 'nothing waits' : 'oldest waiting',
          },
        ]
      : pair(lag),
    note: isRemote
      ? 'p50 and p99 of what was stored: in CloudWatch.'
      : look?.queue
        ? `${stored} ${waiting}`
        : '',
    alarm: alarmOf(`oldest above ${duration(above)}`, minutes),
    problem: isPast ? { words: meaning, heading: 'OldestUpdateAge' } : undefined,
    chart: {
      times: timesOf(looks),
      lines: isRemote ? [oldestLine] : [...quantileLines(looks, 'lag', '--lag'), oldestLine],
      thresholds: [{ value: above, label: duration(above) }],
      format: duration,
    },
  };
}

function writeFigure(looks: readonly Look[]): NowFigure {
  const write = looks.at(-1)?.live?.minute.write;
  return {
    title: 'Write latency',
    values: pair(write ?? null),
    note:
      write === undefined
        ? ''
        : write
          ? `${counted(write.count, 'update')} in the last minute, the slowest ${duration(write.max)}.`
          : 'Nothing was written in the last minute.',
    chart: {
      times: timesOf(looks),
      lines: quantileLines(looks, 'write', '--accepted'),
      format: duration,
    },
  };
}

function hitFigure(looks: readonly Look[]): NowFigure {
  const minute = countsOver(looks, MINUTE_MS);
  const share = minute && hitShare(minute);
  const past = minute && minute.bypasses > 0 ? ` ${count(minute.bypasses)} went past the cache.` : '';
  return {
    title: 'Hit rate',
    values: [{ text: percent(share), name: 'answered by the cache' }],
    note: !minute
      ? ''
      : share === null
        ? 'Nothing was read in the last minute.'
        : `${count(minute.hits)} of ${counted(minute.hits + minute.misses + minute.bypasses, 'read')} in the last minute.${past}`,
    chart: {
      times: timesOf(looks),
      lines: [{ name: 'hits', color: '--good', values: trailing(looks, hitShare), isSparse: true }],
      format: percent,
      least: 1,
    },
  };
}

function pair(quantiles: Quantiles | null): NowFigure['values'] {
  return [
    { text: duration(quantiles?.p50), name: 'p50' },
    { text: duration(quantiles?.p99), name: 'p99' },
  ];
}

/** Of each second in which there was anything; idle seconds are a gap, never a zero. */
function quantileLines(looks: readonly Look[], name: LatencyName, color: string): ChartProps['lines'] {
  const of = (which: 'p50' | 'p99') => looks.map(({ live }) => live?.latencies[name]?.[which] ?? null);
  return [
    { name: 'p50', color, values: of('p50'), isSparse: true },
    { name: 'p99', color: '--second', values: of('p99'), isSparse: true, pattern: 'DASHED' },
  ];
}
