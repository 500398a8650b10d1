/** Updates from the queue into MySQL: how many a second, and what each takes of it. */
import type { FlightCache } from '@afterwrite/flights';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { openBullmqWorkers, WORKERS } from '../floors/bullmq-workers.ts';
import { openLoadFloor, ROWS_A_STATEMENT } from '../floors/load-data.ts';
import { updateAlone } from '../floors/single.ts';
import { compare, inTurn, median, type Rounds, timeOperation } from '../lab/measure.ts';
import { shown } from '../lab/report.ts';
import type { Lab, Section, SectionResult } from '../lab/section.ts';
import { type TargetName, targetRow } from '../lab/targets.ts';
import { measureUsage, type Usage } from '../lab/usage.ts';
import { changesOf, fillQueue, hot, type Workload, workloads } from '../lab/workload.ts';

const BATCHES = [10, 100, 1000, 5000, 10_000] as const;
const MOST_ROWS = String(Math.max(...BATCHES));
const WARM_UPDATES = ROWS_A_STATEMENT + 1000;

interface Scale {
  /** Updates that are drained at once, in batches as the flusher likes. */
  readonly drained: Readonly<Record<Workload['name'], number>>;
  /** How long each floor runs. */
  readonly floorMs: number;
  /** Jobs that BullMQ is given for that time. */
  readonly jobs: number;
  /** Updates drained in batches of each size; at least one batch. */
  readonly swept: Readonly<Record<(typeof BATCHES)[number], number>>;
  readonly sweepRounds: number;
}

const QUICK: Scale = {
  drained: { hot: 100_000, even: 20_000, zipf: 8000 },
  floorMs: 350,
  jobs: 1500,
  swept: { 10: 200, 100: 1000, 1000: 3000, 5000: 5000, 10_000: 10_000 },
  sweepRounds: 1,
};
const FULL: Scale = {
  drained: { hot: 200_000, even: 50_000, zipf: 50_000 },
  floorMs: 1000,
  jobs: 8000,
  swept: { 10: 2000, 100: 10_000, 1000: 20_000, 5000: 20_000, 10_000: 20_000 },
  sweepRounds: 3,
};

const SUBJECTS = ['ours', 'load', 'single', 'peer'] as const;
type Subject = (typeof SUBJECTS)[number];
const FLOORS = ['load', 'single', 'peer'] as const satisfies readonly Subject[];

/** A round of one subject. `usage` is measured where it is shown. */
interface Drained {
  readonly perSecond: number;
  readonly updates: number;
  readonly usage?: Usage;
  /** Of queueing what was drained. */
  readonly filling?: Usage;
}

type Found = Partial<Rounds<Subject, Drained>>;

interface Bench extends Lab {
  readonly connection: Connection;
  readonly scale: Scale;
}

export const drain: Section = {
  name: 'drain',
  title: 'Draining into MySQL',
  async run(lab) {
    const connection = await lab.servers.connect();
    try {
      const bench = { ...lab, connection, scale: lab.isQuick ? QUICK : FULL };
      const drained = new Map<Workload, Found>();
      for (const workload of workloads) drained.set(workload, await drainInTurn(bench, workload));
      const swept = new Map<Workload, readonly number[]>();
      for (const workload of workloads) swept.set(workload, await sweepBatches(bench, workload));
      return present(drained, swept);
    } finally {
      await connection.end();
    }
  },
};

async function drainInTurn(bench: Bench, workload: Workload): Promise<Found> {
  const { servers, connection, scale, rounds, say } = bench;
  const count = scale.drained[workload.name];
  say(`${workload.title}: ${shown(count)} updates, beside the floors`);
  const cache = await bench.open(`drain-${workload.name}`);
  const peer = await openBullmqWorkers(servers);
  // Connections are open and code is compiled after it, and the floor has rows to load.
  await drainOurs(bench, cache, workload, { round: 0, count: WARM_UPDATES });
  const floor = await openLoadFloor(servers);
  let alone = 0;
  const single = () =>
    timeOperation(
      async (index) => {
        const update = {
          id: workload.flightAt(index),
          changes: changesOf(index),
          user: 'bench',
          comment: null,
        };
        await updateAlone(connection, update);
        alone++;
      },
      { inFlight: 1, count: 1e6, mostMs: scale.floorMs },
    );
  const subjects: Record<Subject, (round: number) => Promise<Drained>> = {
    ours: (round) => drainOurs(bench, cache, workload, { round: round + 1, count }),
    load: async () => ({ perSecond: await floor.load(scale.floorMs), updates: ROWS_A_STATEMENT }),
    async single() {
      alone = 0;
      const usage = await measureUsage(servers, connection, single);
      return { perSecond: (1000 * alone) / usage.spentMs, updates: alone, usage };
    },
    async peer() {
      const perSecond = await peer.drain(workload, { count: scale.jobs, mostMs: scale.floorMs });
      return { perSecond, updates: scale.jobs };
    },
  };
  const { ours, load } = subjects;
  try {
    // Where no target stands beside them, the slow ones are left out.
    return await (ROWS[workload.name]
      ? inTurn(rounds, subjects)
      : inTurn(Math.ceil(rounds / 2), { ours, load }));
  } finally {
    await Promise.allSettled([cache.close(), peer.close(), floor.close()]);
  }
}

/** Batches of exactly this size, one after another, of one partition; updates a second, in the order of BATCHES. */
async function sweepBatches(bench: Bench, workload: Workload): Promise<readonly number[]> {
  const { scale, say } = bench;
  say(`${workload.title}: batches of ${BATCHES.join(', ')}`);
  const cache = await bench.open(`sweep-${workload.name}`, {
    QUEUE_PARTITIONS: '1',
    QUEUE_BATCH_ROWS: MOST_ROWS,
  });
  try {
    const rates: number[] = [];
    let round = 0;
    await drainOurs(bench, cache, workload, { round, count: 1000 });
    for (const batchSize of BATCHES) {
      const count = scale.swept[batchSize];
      const found: number[] = [];
      while (found.length < scale.sweepRounds) {
        const { perSecond } = await drainOurs(bench, cache, workload, { round: ++round, count, batchSize });
        found.push(perSecond);
      }
      rates.push(median(found));
    }
    return rates;
  } finally {
    await cache.close();
  }
}

interface Portion {
  readonly round: number;
  readonly count: number;
  /** Left to the flusher where it is not given. */
  readonly batchSize?: number;
}

/** Queues updates and drains them; throws where not each of them has its row in the audit trail. */
async function drainOurs(
  bench: Bench,
  cache: FlightCache,
  workload: Workload,
  portion: Portion,
): Promise<Drained> {
  const { servers, connection, signal } = bench;
  const { count, batchSize } = portion;
  signal.throwIfAborted();
  await connection.query('TRUNCATE flight_log');
  const filling = await measureUsage(servers, connection, () => fillQueue(cache, workload, portion));
  let stored = 0;
  const usage = await measureUsage(servers, connection, async () => {
    for (let last = 1; last > 0 && stored < count; stored += last) {
      const flushed = batchSize === undefined ? cache.flushQueue() : cache.processQueue({ batchSize });
      last = (await flushed).processed;
    }
  });
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS logged FROM flight_log');
  if (stored !== count || Number(row?.logged) !== count) {
    throw new Error(
      `${String(count)} updates were queued, ${String(stored)} stored, and ${String(row?.logged)} are in the audit trail`,
    );
  }
  return { perSecond: (1000 * count) / usage.spentMs, updates: count, usage, filling };
}

const ROWS: Readonly<
  Partial<Record<Workload['name'], Readonly<Record<Exclude<Subject, 'ours'>, TargetName>>>>
> = {
  hot: { single: 'drainHotSingle', peer: 'drainHotPeer', load: 'drainHotLoad' },
  even: { single: 'drainEvenSingle', peer: 'drainEvenPeer', load: 'drainEvenLoad' },
};

const TITLES: Readonly<Record<Subject, string>> = {
  ours: 'write-behind, batches as the flusher likes',
  load: `\`LOAD DATA\` of the audit rows alone, ${String(ROWS_A_STATEMENT)} a transaction`,
  single: 'one transaction an update, three statements',
  peer: `BullMQ, ${String(WORKERS)} workers, the same transaction`,
};

function present(
  drained: ReadonlyMap<Workload, Found>,
  swept: ReadonlyMap<Workload, readonly number[]>,
): SectionResult {
  const of = (workload: Workload, subject: Subject) => drained.get(workload)?.[subject] ?? [];
  const rates = (workload: Workload, subject: Subject) =>
    of(workload, subject).map(({ perSecond }) => perSecond);
  const titles = workloads.map(({ title }) => title);
  return {
    rows: workloads.flatMap((workload) =>
      (['single', 'peer', 'load'] as const).flatMap((floor) => {
        const name = ROWS[workload.name]?.[floor];
        return name ? [targetRow(name, compare(rates(workload, 'ours'), rates(workload, floor)))] : [];
      }),
    ),
    tables: [
      {
        title: 'Updates a second',
        columns: ['', ...titles],
        rows: SUBJECTS.map((subject) => [
          TITLES[subject],
          ...workloads.map((workload) => median(rates(workload, subject))),
        ]),
      },
      {
        title: 'Updates a second, one transaction after another, one partition',
        columns: ['updates a transaction', ...titles],
        rows: BATCHES.map((batchSize, index) => [
          batchSize,
          ...workloads.map((workload) => swept.get(workload)?.[index] ?? Number.NaN),
        ]),
      },
      {
        title: 'What an update takes on its way into MySQL',
        columns: ['', ...Object.keys(COSTS)],
        rows: [
          ...workloads.map((workload) => [
            `write-behind, ${workload.title}`,
            ...Object.values(COSTS).map((cost) => costOf(of(workload, 'ours'), cost)),
          ]),
          [TITLES.single, ...Object.values(COSTS).map((cost) => costOf(of(hot, 'single'), cost))],
        ],
      },
    ],
    plots: [
      {
        file: 'drain-rate',
        title: 'Updates stored a second, one transaction after another',
        kind: 'line',
        x: { name: 'updates a transaction', isLog: true },
        y: { name: 'a second', isLog: true },
        series: [
          ...workloads.map((workload) => ({
            name: workload.title,
            points: BATCHES.map(
              (batchSize, index) => [batchSize, swept.get(workload)?.[index] ?? 0] as const,
            ),
          })),
          ...FLOORS.map((subject) => ({
            name: TITLES[subject].replaceAll('`', '').split(',')[0] ?? '',
            points: BATCHES.map((batchSize) => [batchSize, median(rates(hot, subject))] as const),
            isDashed: true,
          })),
        ],
      },
    ],
    figures: figuresOf(of),
    remarks: [
      'Updates are queued through the cache, then drained by one process with its default settings: 16 partitions, 4 of them at a time. ' +
        'After each drain `flight_log` must have grown by exactly as many rows. The floors run in turn with it, on the same server.',
    ],
  };
}

type Cost = (usage: Usage) => number;

const COSTS: Readonly<Record<string, Cost>> = {
  statements: ({ statements }) => statements,
  transactions: ({ commits }) => commits,
  'bytes to MySQL': ({ bytesToMysql }) => bytesToMysql,
  'CPU of MySQL, µs': ({ mysqlUs }) => mysqlUs,
  'CPU of Valkey, µs': ({ valkeyUs }) => valkeyUs,
  'CPU of the flusher, µs': ({ processUs }) => processUs,
};

/** An update; the median of the rounds. */
function costOf(rounds: readonly Drained[], cost: Cost, of: 'usage' | 'filling' = 'usage'): number {
  return median(rounds.map((round) => (round[of] ? cost(round[of]) / round.updates : Number.NaN)));
}

function figuresOf(of: (workload: Workload, subject: Subject) => readonly Drained[]): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const workload of workloads) {
    const { name } = workload;
    const ours = of(workload, 'ours');
    const suffix = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
    figures[`drain${suffix}PerSecond`] = median(ours.map(({ perSecond }) => perSecond));
    figures[`statementsPerUpdate${suffix}`] = costOf(ours, ({ statements }) => statements);
    figures[`bytesToMysqlPerUpdate${suffix}`] = costOf(ours, ({ bytesToMysql }) => bytesToMysql);
    figures[`mysqlCpuUsPerUpdate${suffix}`] = costOf(ours, ({ mysqlUs }) => mysqlUs);
  }
  const ours = of(hot, 'ours');
  const single = of(hot, 'single');
  return {
    ...figures,
    singlePerSecond: median(single.map(({ perSecond }) => perSecond)),
    singleMysqlCpuUsPerUpdate: costOf(single, ({ mysqlUs }) => mysqlUs),
    mysqlCpuUsPerUpdate: figures.mysqlCpuUsPerUpdateHot ?? Number.NaN,
    statementsPerUpdate: figures.statementsPerUpdateHot ?? Number.NaN,
    flusherCpuUsPerUpdate: costOf(ours, ({ processUs }) => processUs),
    writerCpuUsPerUpdate: costOf(ours, ({ processUs }) => processUs, 'filling'),
    // To accept it and to drain it.
    valkeyCpuUsPerUpdate:
      costOf(ours, ({ valkeyUs }) => valkeyUs, 'filling') + costOf(ours, ({ valkeyUs }) => valkeyUs),
  };
}
