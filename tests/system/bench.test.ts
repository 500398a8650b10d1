/** The benchmark's frame: what it refuses, and what its figures mean. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compare, inTurn, quantile } from '../../bench/lab/measure.ts';
import { targetRow } from '../../bench/lab/targets.ts';
import { firstAtLeast } from '../../bench/lab/workload.ts';
import { Program } from '../support/program.ts';

const measured = (value: number, floor: number) => compare([value], [floor]);
const verdicts = (name: Parameters<typeof targetRow>[0], floor: number, values: readonly number[]) =>
  values.map((value) => targetRow(name, measured(value, floor)).verdict);

describe('a verdict at its edge', () => {
  it('is pass up to the most, fail above it', () => {
    expect(verdicts('updateLatency', 1, [1.1, 1.101])).toEqual(['pass', 'fail']);
  });

  it('is pass from the least on, fail below it', () => {
    expect(verdicts('drainHotSingle', 1, [60, 59.99])).toEqual(['pass', 'fail']);
  });

  it('counts what is more, where that is the limit', () => {
    expect(verdicts('handler', 1, [1.125, 1.2])).toEqual(['pass', 'fail']);
  });

  it('takes ratio and constant together', () => {
    expect(verdicts('memory', 100, [194, 194.1])).toEqual(['pass', 'fail']);
  });

  it('is fail for what was not measured', () => {
    for (const name of ['updateLatency', 'drainHotSingle', 'handler', 'memory'] as const) {
      expect(verdicts(name, 1, [Number.NaN])).toEqual(['fail']);
      expect(verdicts(name, Number.NaN, [1])).toEqual(['fail']);
      expect(targetRow(name, compare([], [])).verdict).toBe('fail');
    }
  });
});

describe('figures', () => {
  it('quantile: nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0, 0.5, 0.99, 0.991, 1].map((part) => quantile(values, part))).toEqual([1, 50, 99, 100, 100]);
    expect(quantile([7], 0.999)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('compare: the median of the rounds, each beside its own floor', () => {
    // A slow second round slows both: 2 x in each. The ratio of the medians would be 1.
    expect(compare([2, 20, 40], [1, 10, 20])).toEqual({ value: 20, floor: 10, ratio: 2, spread: [2, 2] });
    expect(compare([3, 1, 2], [1, 1, 1])).toMatchObject({ ratio: 2, spread: [1, 3] });
  });

  it('in turn: every round has each once, in another order', async () => {
    const order: string[] = [];
    const one = (name: string) => async (round: number) => {
      order.push(name);
      return round;
    };
    expect(await inTurn(2, { a: one('a'), b: one('b') })).toEqual({ a: [0, 1], b: [0, 1] });
    expect(order).toEqual(['a', 'b', 'b', 'a']);
  });

  it('the first that is not less', () => {
    const rising = Float64Array.from([1, 3, 3, 5]);
    expect([0, 1, 2, 3, 5, 6].map((wanted) => firstAtLeast(rising, wanted))).toEqual([0, 0, 1, 1, 3, 4]);
  });
});

describe('servers that are not durable', () => {
  it.each([
    { engine: 'mysql', arg: '--sync-binlog=0', said: /MySQL runs with sync_binlog = 0/ },
    { engine: 'valkey', arg: '--appendfsync no', said: /valkey runs with appendfsync = no/ },
  ])('are refused, and nothing is reported: $engine $arg', async ({ engine, arg, said }) => {
    const folder = await mkdtemp(join(tmpdir(), 'afterwrite-bench-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const args = ['--quick', '--only', 'read', `--${engine}=${arg}`];
    const files = ['--json', join(folder, 'out.json'), '--results', join(folder, 'results')];
    const { LOCAL_ENGINES = 'auto' } = process.env;
    const program = new Program('bench/main.ts', [...args, ...files], { LOCAL_ENGINES });
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(said);
    expect(code).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });
});
