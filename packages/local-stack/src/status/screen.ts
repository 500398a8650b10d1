/** A report as text: one screen, one line, in any width from 40 columns; words carry the meaning, colours only stress it. */
import { count, duration, percent, rate, UNKNOWN } from '@afterwrite/console/words';
import type { Quantiles } from '@afterwrite/client';
import type { Style } from '../terminal/style.ts';
import type { QueueFigures, StatusReport } from './report.ts';

const LEAST_COLUMNS = 40;
const MOST_COLUMNS = 100;
const LABEL = 14;
/** From empty to the longest of all. */
const LEVELS = { fancy: '▁▂▃▄▅▆▇█', plain: '.:-=+*#@' } as const;
const BREAKER = {
  CLOSED: 'closed: flushers go to the database',
  OPEN: 'open: the database is away, updates wait in their order',
  HALF_OPEN: 'half open: one flusher tries the database',
} as const;
const STATES = { HEALTHY: 'healthy', ATTENTION: 'needs a person' } as const;

export function screenOf(report: StatusReport, style: Style, columns = MOST_COLUMNS): string[] {
  const width = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, columns));
  const row = (label: string, text: string) =>
    wrapped(text, width - LABEL).map(
      (line, index) => `${style.dim((index === 0 ? label : '').padEnd(LABEL))}${line}`,
    );
  const { queue, problems, notes } = report;
  return [
    ...wrapped(`Afterwrite at ${report.url}`, width).map(style.bold),
    ...wrapped(stateOf(report), width).map(report.state === 'HEALTHY' ? style.good : style.notable),
    '',
    ...row('Queue', queueLine(queue)),
    ...liveRows(report).flatMap(([label, text]) => row(label, text)),
    ...row('Dead letters', count(queue?.deadLetters)),
    ...row('Breaker', queue ? BREAKER[queue.breaker] : UNKNOWN),
    ...(queue ? partitionRows(queue, style, width - LABEL).flatMap(([label, text]) => row(label, text)) : []),
    ...problems.flatMap(({ name, detail, heading }) => [
      '',
      ...wrapped(`! ${name}: ${detail}`, width).map(style.notable),
      ...wrapped(`  What to do: "${heading}" in docs/OPERATIONS.md`, width),
    ]),
    ...notes.flatMap((note) => ['', ...wrapped(`Note: ${note}`, width)]),
  ];
}

/** For a file or a pipe: one look, one line. */
export function lineOf(report: StatusReport): string {
  const { queue, live, problems, notes } = report;
  const parts = [
    report.at,
    stateOf(report),
    ...(queue ? [`queue ${count(queue.length)}`, `oldest ${duration(queue.oldestMs)}`] : []),
    ...(live
      ? [
          `stored ${rate(live.storedRate)}/s`,
          `accepted ${rate(live.acceptedRate)}/s`,
          `lag p99 ${duration(live.lag?.p99)}`,
          `write p99 ${duration(live.write?.p99)}`,
        ]
      : []),
    ...(queue ? [`dead letters ${count(queue.deadLetters)}`] : []),
    ...problems.map(({ name, heading }) => `${name}: see "${heading}"`),
    ...notes.map((note) => `note: ${note}`),
  ];
  return parts.join('  ');
}

function stateOf({ state, silence, at }: StatusReport): string {
  if (state !== 'DISCONNECTED') return STATES[state];
  const since = silence ? ` for ${duration(Math.max(0, Date.parse(at) - silence.sinceMs))}` : '';
  return `disconnected${since}, trying again${silence ? `: ${silence.reason}` : ''}`;
}

function queueLine(queue: QueueFigures | null): string {
  if (!queue) return `${UNKNOWN} (it cannot be told)`;
  const age = queue.oldestMs === null ? '' : `, the oldest for ${duration(queue.oldestMs)}`;
  return queue.length === 0 ? 'nothing waits' : `${count(queue.length)} wait${age}`;
}

function liveRows({ live, isLocal, silence, queue }: StatusReport): readonly (readonly [string, string])[] {
  const names = ['Processing', 'Failures', 'Lag', 'Write latency', 'Hit rate'];
  if (!isLocal && silence === null && queue) return names.map((name) => [name, 'on AWS: see the dashboard']);
  if (!live) return names.map((name) => [name, UNKNOWN]);
  return [
    ['Processing', `${rate(live.storedRate)} stored a second, ${rate(live.acceptedRate)} accepted`],
    [
      'Failures',
      live.failureShare === null
        ? `${UNKNOWN} (nothing left the queue)`
        : `${percent(live.failureShare)} of the last minute`,
    ],
    ['Lag', quantiles(live.lag)],
    ['Write latency', quantiles(live.write)],
    [
      'Hit rate',
      live.hitShare === null
        ? `${UNKNOWN} (nothing was read)`
        : `${percent(live.hitShare)} of the last minute`,
    ],
  ];
}

function quantiles(of: Quantiles | null): string {
  return of ? `p50 ${duration(of.p50)}, p99 ${duration(of.p99)}` : `${UNKNOWN} (nothing in the last minute)`;
}

/** One character a partition, or a few of them where there is no room; `!` where one is stopped. */
function partitionRows(queue: QueueFigures, style: Style, width: number): (readonly [string, string])[] {
  const { partitions, stopped } = queue;
  const each = Math.ceil(partitions.length / width);
  const levels = style.isFancy ? LEVELS.fancy : LEVELS.plain;
  const most = Math.max(0, ...partitions);
  const bars = Array.from({ length: Math.ceil(partitions.length / each) }, (_, index) => {
    const slice = partitions.slice(index * each, (index + 1) * each);
    if (stopped.some(({ partition }) => Math.floor(partition / each) === index)) return '!';
    const height = Math.max(...slice);
    return levels[height === 0 ? 0 : Math.max(1, Math.round((height / most) * (levels.length - 1)))];
  });
  const words = `${count(partitions.length)}${each > 1 ? `, ${String(each)} a character` : ''}; the longest has ${count(most)}`;
  return [
    ['Partitions', bars.join('')],
    ['', words],
    [
      'Stopped',
      stopped.length === 0
        ? 'none'
        : stopped.map(({ partition, code }) => `${String(partition)} (${code})`).join(', '),
    ],
  ];
}

/** At spaces, and within words that are longer than a line; later lines keep the first one's indentation. */
function wrapped(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = indent;
  for (const word of text.trim().split(' ')) {
    let rest = word;
    if (line !== indent && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = indent;
    }
    while (indent.length + rest.length > width) {
      lines.push(indent + rest.slice(0, width - indent.length));
      rest = rest.slice(width - indent.length);
    }
    line += line === indent ? rest : ` ${rest}`;
  }
  return [...lines, line];
}
