/** Updates of cached flights: how long one takes, and how many a process gets accepted. */
import type { FlightCache } from '@afterwrite/flights';
import { openBullmq } from '../floors/bullmq.ts';
import { openValkeyFloor } from '../floors/valkey.ts';
import { compare, inTurn, median, type Operation, timeOperation, type Timing } from '../lab/measure.ts';
import type { Lab, Section, SectionResult } from '../lab/section.ts';
import { targetRow } from '../lab/targets.ts';
import { changesOf, flightOf } from '../lab/workload.ts';

const FLIGHTS_UPDATED = 500;
const IN_FLIGHT = [1, 16, 64, 256] as const;
type InFlight = (typeof IN_FLIGHT)[number];

interface Subject {
  readonly title: string;
  readonly operation: Operation;
  /** Undoes what piles up: a queue that nobody drains here. */
  readonly tidy?: () => Promise<unknown>;
  readonly close: () => unknown;
}

const NAMES = ['hset', 'floor', 'writeBehind', 'bullmq', 'floorAlways', 'writeBehindAlways'] as const;
type Name = (typeof NAMES)[number];

export const update: Section = {
  name: 'update',
  title: 'Updates',
  async run(lab) {
    const subjects = await openSubjects(lab);
    try {
      return await measure(lab, subjects);
    } finally {
      await Promise.allSettled(Object.values(subjects).map((subject) => subject.close()));
    }
  },
};

function updatesOf(cache: Pick<FlightCache, 'update'>): Operation {
  return (index) => cache.update(flightOf(index, FLIGHTS_UPDATED), changesOf(index), { user: 'bench' });
}

async function openSubjects(lab: Lab): Promise<Record<Name, Subject>> {
  const { valkey, valkeyAlways } = lab.servers;
  const floor = await openValkeyFloor(valkey, FLIGHTS_UPDATED);
  const floorAlways = await openValkeyFloor(valkeyAlways, FLIGHTS_UPDATED);
  const bullmq = await openBullmq(valkey);
  const writeBehind = await openWarm(lab, {});
  const writeBehindAlways = await openWarm(lab, { CACHE_PORT: String(valkeyAlways.port) });
  return {
    hset: { title: '`HSET` of two fields', operation: floor.hset, close: () => undefined },
    floor: { title: 'bare script, same writes', operation: floor.bareUpdate, close: floor.close },
    writeBehind: {
      title: 'write-behind',
      operation: updatesOf(writeBehind),
      tidy: () => writeBehind.flushQueue(),
      close: () => writeBehind.close(),
    },
    bullmq: {
      title: 'BullMQ: `HSET`, then a job added',
      operation: bullmq.add,
      tidy: bullmq.drain,
      close: bullmq.close,
    },
    floorAlways: {
      title: 'bare script, `appendfsync always`',
      operation: floorAlways.bareUpdate,
      close: floorAlways.close,
    },
    writeBehindAlways: {
      title: 'write-behind, `appendfsync always`',
      operation: updatesOf(writeBehindAlways),
      tidy: () => writeBehindAlways.flushQueue(),
      close: () => writeBehindAlways.close(),
    },
  };
}

async function openWarm(lab: Lab, overrides: Readonly<Record<string, string>>): Promise<FlightCache> {
  const namespace = overrides.CACHE_PORT === undefined ? 'update' : 'update-always';
  const cache = await lab.open(namespace, overrides);
  for (let index = 0; index < FLIGHTS_UPDATED; index++)
    await cache.getFlight(flightOf(index, FLIGHTS_UPDATED));
  return cache;
}

async function measure(lab: Lab, subjects: Record<Name, Subject>): Promise<SectionResult> {
  const timings = new Map<InFlight, Readonly<Record<Name, readonly Timing[]>>>();
  const count = { quick: 4000, full: 20_000 }[lab.isQuick ? 'quick' : 'full'];
  for (const inFlight of IN_FLIGHT) {
    lab.say(`${String(inFlight)} in flight`);
    const load = { inFlight, count: inFlight === 1 ? count : count * 2, mostMs: lab.isQuick ? 600 : 3000 };
    const one = (name: Name) => async (round: number) => {
      const { operation, tidy } = subjects[name];
      if (round === 0) await timeOperation(operation, { ...load, count: count / 4 });
      const timing = await timeOperation(operation, load, round * load.count);
      await tidy?.();
      return timing;
    };
    const all = Object.fromEntries(NAMES.map((name) => [name, one(name)])) as Record<
      Name,
      ReturnType<typeof one>
    >;
    timings.set(inFlight, await inTurn(lab.rounds, all));
  }
  const of = (inFlight: InFlight, name: Name, figure: keyof Timing) =>
    (timings.get(inFlight)?.[name] ?? []).map((timing) => timing[figure]);
  const latency = compare(of(1, 'writeBehind', 'p50'), of(1, 'floor', 'p50'));
  const throughput = compare(of(64, 'writeBehind', 'perSecond'), of(64, 'floor', 'perSecond'));
  const peer = compare(of(64, 'writeBehind', 'perSecond'), of(64, 'bullmq', 'perSecond'));
  return {
    rows: [
      targetRow('updateLatency', latency),
      targetRow('updateThroughput', throughput),
      targetRow('updateThroughputPeer', peer),
    ],
    tables: IN_FLIGHT.map((inFlight) => ({
      title: `${String(inFlight)} in flight`,
      columns: ['update', 'p50, ms', 'p99, ms', 'p99.9, ms', 'a second'],
      rows: NAMES.map((name) => [
        subjects[name].title,
        ...(['p50', 'p99', 'p999', 'perSecond'] as const).map((figure) => median(of(inFlight, name, figure))),
      ]),
    })),
    plots: [
      {
        file: 'update-throughput',
        title: 'Updates accepted a second by one process',
        kind: 'line',
        x: { name: 'in flight', isLog: true },
        y: { name: 'a second' },
        series: NAMES.map((name) => ({
          name: subjects[name].title.replaceAll('`', ''),
          points: IN_FLIGHT.map((inFlight) => [inFlight, median(of(inFlight, name, 'perSecond'))] as const),
        })),
      },
    ],
    figures: { updateP50Ms: latency.value, floorP50Ms: latency.floor, updatesPerSecond: throughput.value },
    remarks: [
      `Of ${String(FLIGHTS_UPDATED)} cached flights in turn, one process, one connection. The floor is one script that writes the same bytes to ` +
        'the same kinds of keys and checks nothing; what it sends was put together before.',
    ],
  };
}
