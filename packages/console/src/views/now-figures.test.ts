import { betweenFlushesMs, noFlush, thresholds } from '@afterwrite/client';
import { describe, expect, test } from 'vitest';
import { looksOf, type Second, times } from '../../testing/looks.ts';
import { figuresOf, isUntouched } from './now-figures.ts';

const TITLES = [
  'Queue length',
  'Processing rate',
  'Failure rate',
  'Consistency lag',
  'Write latency',
  'Hit rate',
];

function figure(title: string, seconds: readonly Second[], isRemote = false) {
  const found = figuresOf(looksOf(seconds), isRemote).find((each) => each.title === title);
  if (!found) throw new Error(title);
  return found;
}
const texts = (title: string, seconds: readonly Second[]) =>
  figure(title, seconds).values.map(({ text }) => text);

test('six figures, of whatever is known', () => {
  for (const seconds of [[], times(1, {}), times(60, { queue: null })])
    for (const isRemote of [true, false])
      expect(figuresOf(looksOf(seconds), isRemote).map(({ title }) => title)).toEqual(TITLES);
});

test('before the first sample everything is unknown and nothing is zero, bad or idle', () => {
  for (const { values, problem, note } of figuresOf([], false)) {
    expect(values.every(({ text }) => text === '–')).toBe(true);
    expect(problem).toBeUndefined();
    expect(note).toBe('');
  }
});

test('untouched until something was written or read, or was there from the start; never known on AWS', () => {
  const last = (second: Second) => looksOf([second, {}]).at(-1)!;
  expect(isUntouched(last({}))).toBe(true);
  expect(isUntouched(last({ counts: { misses: 1 } }))).toBe(false);
  const [waiting, unknown] = looksOf([{ queue: { length: 1 } }, { queue: null }]);
  expect([waiting, unknown].map((look) => isUntouched(look!))).toEqual([false, false]);
  expect(isUntouched({ ...last({}), live: null })).toBe(false);
});

describe('idle is said in words and is no zero', () => {
  const idle = times(60, {});
  test.each([
    ['Failure rate', 'No update left the queue in the last minute.'],
    ['Consistency lag', 'Nothing was stored in the last minute. Nothing waits now.'],
    ['Write latency', 'Nothing was written in the last minute.'],
    ['Hit rate', 'Nothing was read in the last minute.'],
  ])('%s', (title, note) => {
    const { values, problem, ...shown } = figure(title, idle);
    expect(values.every(({ text }) => text === '–')).toBe(true);
    expect(problem).toBeUndefined();
    expect(shown.note).toBe(note);
  });
  test('a second without updates is a gap of the latencies, not a zero', () => {
    const lines = figure('Write latency', idle).chart?.lines ?? [];
    expect(lines.flatMap(({ values }) => values).every((value) => value === null)).toBe(true);
  });
});

test('what the last minute had is shown, though the last second had nothing', () => {
  const quantiles = { count: 12, p50: 0.21, p99: 3.4, max: 8 };
  const seconds = times(60, { minute: { write: quantiles, lag: { ...quantiles, p50: 2400, p99: 5100 } } });
  expect(texts('Write latency', seconds)).toEqual(['0.21 ms', '3.4 ms']);
  expect(texts('Consistency lag', seconds)).toEqual(['2.4 s', '5.1 s']);
});

describe('beyond the line of an alarm', () => {
  const { above } = thresholds.QueueLength;
  const waiting = (length: number, oldestMs = 4000): Second => ({ queue: { length, oldestMs } });

  test('a queue that a flush left so long', () => {
    const old = betweenFlushesMs + 1;
    expect(figure('Queue length', [waiting(above + 1, old)]).problem?.heading).toBe('QueueLength');
    expect(figure('Queue length', [waiting(above + 1, old)], true).problem?.heading).toBe('QueueLength');
    expect(figure('Queue length', [waiting(above, old)]).problem).toBeUndefined();
  });
  test('but not one that is long between two flushes', () => {
    expect(figure('Queue length', [waiting(above * 10, betweenFlushesMs)]).problem).toBeUndefined();
  });
  test('more failures than one in a hundred', () => {
    const seconds = (failed: number) => times(60, { counts: { stored: 990, failed } });
    expect(figure('Failure rate', seconds(11)).problem?.heading).toBe('FailureRate');
    expect(figure('Failure rate', seconds(10)).problem).toBeUndefined();
  });
  test('an update that waits for too long', () => {
    const oldest = thresholds.OldestUpdateAge.above;
    expect(figure('Consistency lag', [waiting(1, oldest + 1)], true).problem?.heading).toBe(
      'OldestUpdateAge',
    );
    expect(figure('Consistency lag', [waiting(1, oldest)]).problem).toBeUndefined();
  });
  test('nothing stored for a minute while something waits for three', () => {
    const stuck = waiting(1, noFlush.ms + 1);
    expect(figure('Processing rate', times(60, stuck)).problem?.heading).toBe('NoFlush');
    expect(
      figure('Processing rate', [...times(59, stuck), { ...stuck, counts: { stored: 1 } }]).problem,
    ).toBeUndefined();
  });
});

test('on AWS what CloudWatch alone has says so, and the queue is shown', () => {
  const seconds = times(3, { queue: { length: 7, oldestMs: 61_000 } });
  for (const title of ['Processing rate', 'Failure rate', 'Write latency', 'Hit rate']) {
    expect(figure(title, seconds, true).note).toContain(`CloudWatch has it: the chart “${title}”`);
    expect(figure(title, seconds, true).chart).toBeUndefined();
  }
  expect(figure('Queue length', seconds, true).values[0]?.text).toBe('7');
  expect(figure('Consistency lag', seconds, true).values).toEqual([
    { text: '1 min 1 s', name: 'oldest waiting' },
  ]);
});
