/** Updates of cached flights: how long one takes, and how many a process gets accepted. */
import { compare, inTurn, median, timeOperation, type Timing } from '../lab/measure.ts';
import { PATTERNS } from '../lab/publish.ts';
import type { Lab, Section, SectionResult, Table } from '../lab/section.ts';
import { targetRow } from '../lab/targets.ts';
import { openSubjects, type SubjectName, subjectNames, type Subjects } from '../lab/update-subjects.ts';
import { HOT_FLIGHTS } from '../lab/workload.ts';

const IN_FLIGHT = [1, 16, 64, 256] as const;
const COMPARED: readonly number[] = [1, 64];
type InFlight = (typeof IN_FLIGHT)[number];
type Of = (inFlight: InFlight, name: SubjectName, figure: keyof Timing) => number[];

const FLOORS: ReadonlySet<SubjectName> = new Set(['hset', 'floor', 'bullmq', 'floorAlways']);
const FIGURES = ['p50', 'p99', 'p999', 'perSecond'] as const;
const FIGURE_TITLES = ['p50, ms', 'p99, ms', 'p99.9, ms', 'a second'];
const SPENT_MS = { quick: { fast: 400, slow: 250 }, full: { fast: 2000, slow: 1000 } };

export const update: Section = {
  name: 'update',
  title: 'Updates',
  async run(lab) {
    const subjects = await openSubjects(lab);
    try {
      return resultOf(subjects, await measure(lab, subjects));
    } finally {
      await Promise.allSettled(Object.values(subjects).map((subject) => subject.close()));
    }
  },
};

async function measure(lab: Lab, subjects: Subjects): Promise<Of> {
  const timings = new Map<InFlight, Readonly<Record<SubjectName, readonly Timing[]>>>();
  const count = lab.isQuick ? 4000 : 20_000;
  const spent = lab.isQuick ? SPENT_MS.quick : SPENT_MS.full;
  for (const inFlight of IN_FLIGHT) {
    lab.say(`${String(inFlight)} in flight`);
    const one = (name: SubjectName) => async (round: number) => {
      const { operation, isSlow = false, tidy } = subjects[name];
      const load = {
        inFlight,
        count: inFlight === 1 ? count : count * 2,
        mostMs: isSlow ? spent.slow : spent.fast,
      };
      // Compiled, and connections open.
      if (round === 0) await timeOperation(operation, { ...load, mostMs: load.mostMs / 2 });
      const timing = await timeOperation(operation, load, round * load.count);
      await tidy?.();
      return timing;
    };
    const all = Object.fromEntries(subjectNames.map((name) => [name, one(name)]));
    // Targets are of 1 and 64.
    const rounds = COMPARED.includes(inFlight) ? lab.rounds : Math.ceil(lab.rounds / 3);
    timings.set(inFlight, await inTurn(rounds, all as Record<SubjectName, ReturnType<typeof one>>));
  }
  return (inFlight, name, figure) => (timings.get(inFlight)?.[name] ?? []).map((timing) => timing[figure]);
}

function resultOf(subjects: Subjects, of: Of): SectionResult {
  const latency = compare(of(1, 'writeBehind', 'p50'), of(1, 'floor', 'p50'));
  const throughput = compare(of(64, 'writeBehind', 'perSecond'), of(64, 'floor', 'perSecond'));
  const peer = compare(of(64, 'writeBehind', 'perSecond'), of(64, 'bullmq', 'perSecond'));
  const writeThrough = compare(of(1, 'writeThrough', 'p50'), of(1, 'writeBehind', 'p50'));
  const writeThroughFar = compare(of(1, 'writeThroughFar', 'p50'), of(1, 'writeBehind', 'p50'));
  return {
    rows: [
      targetRow('updateLatency', latency),
      targetRow('updateThroughput', throughput),
      targetRow('updateThroughputPeer', peer),
      targetRow('writeThrough', writeThrough),
      targetRow('writeThroughFar', writeThroughFar),
    ],
    tables: [
      ...IN_FLIGHT.map((inFlight) => ({
        title: `${String(inFlight)} in flight`,
        columns: ['update', ...FIGURE_TITLES],
        rows: subjectNames.map((name) => [
          subjects[name].title,
          ...FIGURES.map((figure) => median(of(inFlight, name, figure))),
        ]),
      })),
      patternsTable(subjects, of),
    ],
    plots: [
      {
        file: 'update-throughput',
        title: 'Updates accepted a second by one process',
        kind: 'line',
        x: { name: 'in flight', isLog: true },
        y: { name: 'a second', isLog: true },
        series: subjectNames.map((name) => ({
          name: subjects[name].title.replaceAll('`', ''),
          points: IN_FLIGHT.map((inFlight) => [inFlight, median(of(inFlight, name, 'perSecond'))] as const),
          isDashed: FLOORS.has(name),
        })),
      },
    ],
    figures: {
      updateP50Ms: latency.value,
      floorP50Ms: latency.floor,
      updatesPerSecond: throughput.value,
      writeThroughP50Ms: writeThrough.value,
    },
    remarks: [
      `Of ${String(HOT_FLIGHTS)} cached flights in turn, one process, one connection. The floor is one script that writes the same bytes to ` +
        'the same kinds of keys and checks nothing; what it sends was put together before. Eight connections to MySQL: with more in ' +
        'flight the patterns that write there wait for one.',
    ],
  };
}

function patternsTable(subjects: Subjects, of: Of): Table {
  const names: readonly SubjectName[] = ['writeBehind', 'cacheAside', 'writeThrough', 'writeThroughFar'];
  return {
    title: PATTERNS,
    columns: ['a write of a cached flight', 'p50, ms', 'p99, ms', 'x write-behind', '64 in flight, a second'],
    rows: names.map((name) => [
      subjects[name].title,
      median(of(1, name, 'p50')),
      median(of(1, name, 'p99')),
      compare(of(1, name, 'p50'), of(1, 'writeBehind', 'p50')).ratio,
      median(of(64, name, 'perSecond')),
    ]),
  };
}
