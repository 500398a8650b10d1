/** Dollars of the benchmark's figures: the table may not flatter write-behind where it is the dearer one. */
import { expect, test } from 'vitest';
import type { Lab, SectionResult } from '../../bench/lab/section.ts';
import { cost } from '../../bench/sections/cost.ts';
import { type Cost, costsOf, type CostFigures } from '../../bench/lab/cost.ts';

const figures: CostFigures = {
  invocationMs: 0.8,
  writeBehindMs: 0.1,
  writeThroughMs: 3.1,
  valkeyCpuUs: 30,
  batchedMysqlCpuUs: 40,
  singleMysqlCpuUs: 400,
  flusherCpuUs: 20,
  bytesPerItem: 250,
};

function costAt(
  updatesPerSecond: number,
  pattern: Cost['pattern'],
  changed: Partial<CostFigures> = {},
): Cost {
  return costsOf({ ...figures, ...changed }, updatesPerSecond).find((each) => each.pattern === pattern)!;
}

test('a sum by hand: 10 updates a second, 26.28 million a month', () => {
  const { servers, standing, ...dollars } = costAt(10, 'write-behind');
  expect(servers).toBe('2 x t4g.micro; t4g.micro');
  expect(dollars.api).toBe(1);
  // 0.8 ms of a whole core are 2.76 of 512 MB; with 0.5 ms for the network 4 ms are billed, 0.002 GB-seconds each.
  expect(dollars.lambda).toBeCloseTo(0.2 + 2000 * 0.0000133334, 6);
  expect(dollars.flush).toBeCloseTo((2_628_000 * 0.0000133334) / 26.28, 6);
  expect(dollars.valkey).toBeCloseTo((2 * 0.0128 * 730) / 26.28, 6);
  expect(dollars.mysql).toBeCloseTo((0.032 * 730) / 26.28, 6);
  expect(standing).toBeCloseTo(2_628_000 * 0.0000133334 + (2 * 0.0128 + 0.032) * 730, 6);
  const parts = [dollars.api, dollars.lambda, dollars.flush, dollars.valkey, dollars.mysql];
  expect(dollars.total).toBeCloseTo(parts.reduce((a, b) => a + b));
});

test('write-behind is the dearer one at a low rate and the cheaper one at a high rate', () => {
  expect(costAt(10, 'write-behind').total).toBeGreaterThan(costAt(10, 'write-through').total);
  expect(costAt(10, 'write-through').total).toBeGreaterThan(costAt(10, 'database alone').total);
  expect(costAt(10_000, 'write-behind').total).toBeLessThan(costAt(10_000, 'database alone').total);
});

test('a server is as large as half of it suffices for what was measured', () => {
  // 4 cores of 8, and a little more.
  expect(costAt(10_000, 'database alone').servers).toBe('none; m7g.2xlarge');
  expect(costAt(10_000, 'database alone', { singleMysqlCpuUs: 401 }).servers).toBe('none; m7g.4xlarge');
  // Ten minutes of the queue are 1.4 GiB.
  expect(costAt(10_000, 'write-behind').servers).toBe('2 x m7g.large; m7g.large');
  expect(costAt(10_000, 'write-behind', { bytesPerItem: 1000 }).servers).toMatch(/^2 x m7g.xlarge;/);
  // One thread runs the scripts, however large the node: 1.2 cores are three shards.
  expect(costAt(10_000, 'write-behind', { valkeyCpuUs: 120 }).servers).toMatch(/^6 x m7g.2xlarge;/);
  expect(() => costAt(10_000, 'database alone', { singleMysqlCpuUs: 1e6 })).toThrow(RangeError);
});

test('a function is paid for while it waits for the database', () => {
  const waiting = costAt(10, 'database alone').lambda;
  // 2.76 + 5 round trips of 0.5 + 3 more to commit: 9 ms.
  expect(waiting).toBeCloseTo(0.2 + 4500 * 0.0000133334, 6);
});

test('the table is made of what other sections measured; without that there is none, and it says what is missing', async () => {
  const nothing = { rows: [], tables: [], plots: [], remarks: [] };
  const update: SectionResult = {
    ...nothing,
    figures: { updateP50Ms: 0.1, writeThroughP50Ms: 3.1 },
  };
  const drain = {
    valkeyCpuUsPerUpdate: 30,
    mysqlCpuUsPerUpdateEven: 40,
    singleMysqlCpuUsPerUpdate: 400,
    flusherCpuUsPerUpdate: 20,
    bytesPerItem: Number.NaN,
  };
  const run = (figures: Readonly<Record<string, number>>) => {
    const results = new Map([
      ['update', update],
      ['drain', { ...nothing, figures }],
      ['function', { ...nothing, figures: { invokeUpdateP50Ms: 0.8 } }],
    ]);
    return cost.run({ results } as Partial<Lab> as Lab);
  };
  const some = await run(drain);
  expect(some.tables).toEqual([]);
  expect(some.remarks[0]).toMatch(/this run has no bytesPerItem\./);
  const { tables, figures: dollars } = await run({ ...drain, bytesPerItem: 250 });
  expect(tables[0]?.rows).toHaveLength(9);
  expect(dollars.dollarsWriteBehindAt10).toBe(costAt(10, 'write-behind').total);
});
