/** What the figures of the other sections come to in dollars. */
import {
  type Cost,
  costsOf,
  type CostFigures,
  MOST_LOAD,
  OUTAGE_SECONDS,
  ROUND_TRIP_MS,
} from '../lab/cost.ts';
import type { Lab, Section, SectionResult } from '../lab/section.ts';

const UPDATES_PER_SECOND = [10, 1000, 10_000];

export const cost: Section = {
  name: 'cost',
  title: 'Dollars a million updates',
  run: async ({ results }) => {
    const found = figuresFrom(results);
    const missing = Object.entries(found).filter(([, value]) => !Number.isFinite(value));
    return missing.length === 0 ? resultOf(found as CostFigures) : without(missing.map(([name]) => name));
  },
};

/** Of all sections that ran; undefined or NaN where none gave it. */
function figuresFrom(results: Lab['results']): Record<keyof CostFigures, number | undefined> {
  const figures: Partial<Record<string, number>> = Object.fromEntries(
    [...results.values()].flatMap((result) => Object.entries(result.figures)),
  );
  return {
    invocationMs: figures.invokeUpdateP50Ms,
    writeBehindMs: figures.updateP50Ms,
    writeThroughMs: figures.writeThroughP50Ms,
    valkeyCpuUs: figures.valkeyCpuUsPerUpdate,
    // Of flights that are rarely the same: the dearer one.
    batchedMysqlCpuUs: figures.mysqlCpuUsPerUpdateEven,
    singleMysqlCpuUs: figures.singleMysqlCpuUsPerUpdate,
    flusherCpuUs: figures.flusherCpuUsPerUpdate,
    bytesPerItem: figures.bytesPerItem,
  };
}

function without(missing: readonly string[]): SectionResult {
  const remark =
    `No table: it is made of what other sections measure, and this run has no ${missing.join(', ')}. ` +
    'Run it with `update`, `drain`, `scale` and `function`.';
  return { rows: [], tables: [], plots: [], figures: {}, remarks: [remark] };
}

function resultOf(figures: CostFigures): SectionResult {
  const costs = UPDATES_PER_SECOND.map((rate) => ({ rate, patterns: costsOf(figures, rate) }));
  const totalOf = (patterns: readonly Cost[], wanted: Cost['pattern']) =>
    patterns.find(({ pattern }) => pattern === wanted)?.total ?? Number.NaN;
  return {
    rows: [],
    tables: [
      {
        title: 'Dollars a million updates, at a steady rate',
        columns: [
          'updates a second',
          'pattern',
          'API',
          'Lambda',
          'flush',
          'Valkey',
          'MySQL',
          'sum',
          'beside the database alone',
          'flush, Valkey and MySQL a month',
          'nodes of Valkey; MySQL in two zones',
        ],
        rows: costs.flatMap(({ rate, patterns }) =>
          patterns.map(({ pattern, total, standing, servers, ...parts }) => [
            rate,
            pattern,
            ...[parts.api, parts.lambda, parts.flush, parts.valkey, parts.mysql, total].map(dollars),
            `${(total / totalOf(patterns, 'database alone')).toFixed(2)} x`,
            standing.toFixed(0),
            servers,
          ]),
        ),
      },
    ],
    plots: [],
    figures: Object.fromEntries(
      costs.flatMap(({ rate, patterns }) => [
        [`dollarsWriteBehindAt${String(rate)}`, totalOf(patterns, 'write-behind')],
        [`dollarsDatabaseAloneAt${String(rate)}`, totalOf(patterns, 'database alone')],
      ]),
    ),
    remarks: [
      `List prices of us-east-1 (\`bench/lab/prices.ts\`), no free tier. The smallest size is taken whose processor the measured CPU fills to ` +
        `${String(100 * MOST_LOAD)} % at the most, and whose memory a queue of ${String(OUTAGE_SECONDS / 60)} minutes to ${String(100 * MOST_LOAD)} %; ` +
        'a core of this machine counts as a virtual CPU of AWS, a burstable size as its baseline. ' +
        `Valkey as a queue has a replica, as a cache one node. ${String(ROUND_TRIP_MS)} ms are added for each round trip of the network.`,
      'Not in it, because it is about the same for all: storage, logs, metrics, endpoints, alarms, what reads cost. In favour of the others: that a commit in two ' +
        "zones takes longer than on this disk's one, and that they need more connections. In favour of write-behind: MySQL's CPU of full batches also at 10 updates " +
        'a second, where it does not matter. What write-behind costs at a low rate are the nodes of Valkey and a flush function that is always there.',
    ],
  };
}

function dollars(value: number): string {
  return value.toFixed(3);
}
