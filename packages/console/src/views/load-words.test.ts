import { LATENCY_BOUNDS_MS, type LatencyHistogram, type LoadRun, type LoadState } from '@afterwrite/client';
import { describe, expect, test } from 'vitest';
import {
  elapsedSeconds,
  headWords,
  leftWords,
  outlineOf,
  placeOf,
  refusalWords,
  requestOf,
  scaleOf,
  sharesOf,
  stateWords,
  ticksOf,
  timesWords,
} from './load-words.ts';

const LAST = LATENCY_BOUNDS_MS.length;

function histogram(buckets: Readonly<Record<number, number>>): LatencyHistogram {
  const all = Array.from({ length: LAST + 1 }, (_, index) => buckets[index] ?? 0);
  return { count: all.reduce((sum, each) => sum + each, 0), p50: 1, p99: 2, max: 3, buckets: all };
}

describe('the histogram', () => {
  test('shares are of the pattern alone: few updates weigh as much as many', () => {
    const [few, many] = [histogram({ 3: 1, 4: 3 }), histogram({ 3: 1000, 4: 3000 })];
    expect(sharesOf(few)).toEqual(sharesOf(many));
    expect(sharesOf(few).slice(3, 5)).toEqual([0.25, 0.75]);
    expect(sharesOf(histogram({})).every((share) => share === 0)).toBe(true);
  });

  test('one scale for all, with a little room, and within what there is', () => {
    expect(scaleOf([histogram({ 5: 4 }), histogram({ 9: 1, 20: 1 }), histogram({})])).toEqual({
      first: 4,
      last: 21,
      highest: 1,
    });
    expect(scaleOf([histogram({ 0: 1, [LAST]: 1 })])).toMatchObject({ first: 0, last: LAST });
    expect(scaleOf([histogram({})])).toBeUndefined();
  });

  test('a latency stands at the edge of its bucket, whichever the scale', () => {
    const scale = { first: 4, last: 13, highest: 1 };
    for (const index of [4, 8, 13]) {
      expect(placeOf(LATENCY_BOUNDS_MS[index]!, scale)).toBeCloseTo((index - 3) / 10, 6);
    }
    expect([placeOf(0, scale), placeOf(1e9, scale)]).toEqual([0, 1]);
  });

  test('the outline is as wide as the scale and as high as its share', () => {
    const one = histogram({ 5: 1, 6: 3 });
    const scale = scaleOf([one])!;
    expect(outlineOf(one, scale)).toBe('M0 1L0 1L0.25 1L0.25 0.6667L0.5 0.6667L0.5 0L0.75 0L0.75 1L1 1L1 1');
  });

  test('ticks lie on the scale, more of them where it is short', () => {
    expect(ticksOf({ first: 0, last: 40, highest: 1 })).toEqual([0.1, 1, 10, 100]);
    expect(ticksOf({ first: 10, last: 18, highest: 1 })).toEqual([0.2, 0.5, 1]);
  });

  test('how many times as long, where both are known', () => {
    expect([timesWords(2.4, 0.12), timesWords(3, 2), timesWords(0, 1), timesWords(1, 0)]).toEqual([
      '20 times',
      '1.5 times',
      '–',
      '–',
    ]);
  });
});

describe('the load', () => {
  test('is asked for in whole numbers within its limits', () => {
    expect(requestOf({ updatesPerSecond: '2000', seconds: ' 60 ' })).toEqual({
      updatesPerSecond: 2000,
      seconds: 60,
    });
    for (const [updatesPerSecond, seconds] of [
      ['0', '60'],
      ['20001', '60'],
      ['2000', '601'],
      ['1.5', '60'],
      ['', '60'],
      ['2000', '-1'],
    ] as const) {
      expect(requestOf({ updatesPerSecond, seconds })).toBeNull();
    }
  });

  const run = { updatesPerSecond: 10, seconds: 60, startedAt: 1000, endedAt: null } as LoadRun;
  const running: LoadState = { state: 'RUNNING', reason: null, run };
  const idle = (endedAt: number | null): LoadState => ({
    state: 'IDLE',
    reason: null,
    run: { ...run, endedAt },
  });

  test('says how it ended', () => {
    expect(stateWords({ state: 'IDLE', reason: null, run: null })).toBe('No load has run yet');
    expect(stateWords(idle(61_000))).toBe('Ended');
    expect(stateWords(idle(20_000))).toBe('Stopped before its time');
    expect(stateWords({ state: 'FAILED', reason: 'Valkey went away.', run: null })).toContain(
      'Valkey went away.',
    );
  });

  test('is never further than its end, nor before its beginning', () => {
    expect([500, 31_000, 99_000].map((now) => elapsedSeconds(running, now))).toEqual([0, 30, 60]);
    expect(elapsedSeconds(idle(11_000), 99_000)).toBe(10);
    expect(elapsedSeconds({ ...running, state: 'STARTING' }, 31_000)).toBe(0);
  });

  test('says what is left only where that is known', () => {
    expect(leftWords(running, 6, { kind: 'LIVE' })).toBe(': 54 s left');
    expect(leftWords({ ...running, state: 'STOPPING' }, 6, { kind: 'LIVE' })).toBe('');
    expect(leftWords(running, 6, { kind: 'LOST' })).toBe('');
    expect(headWords(running, { kind: 'LOST' })).toBe('Running when last seen');
    expect(headWords(running, { kind: 'LIVE' })).toBe('Running');
    expect(headWords(idle(61_000), { kind: 'LOST' })).toBe('Ended');
  });

  test('a code that nobody has words for is still read', () => {
    expect(refusalWords('QUEUE_FULL')).toContain('queue is full');
    expect(refusalWords('SOMETHING_NEW')).toBe('something new');
  });
});
