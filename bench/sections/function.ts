/** What a Lambda function costs over the class that it calls: in this process, and in its own behind the Runtime API. */
import type { FlightCache } from '@afterwrite/flights';
import { functionNames } from '@afterwrite/local-stack';
import type { FunctionName } from '@afterwrite/functions/catalog';
import { eventOf } from '../lab/events.ts';
import { type Handlers, openHandlers } from '../lab/handlers.ts';
import { type BenchFunction, EMPTY, type Functions, openFunctions } from '../lab/lambda.ts';
import { compare, inTurn, median, type Operation, timeOperation, type Timing } from '../lab/measure.ts';
import type { Lab, Section, SectionResult } from '../lab/section.ts';
import { targetRow } from '../lab/targets.ts';
import { changesOf, flightOf } from '../lab/workload.ts';

const NAMESPACE = 'function';
const FLIGHTS_CALLED = 500;
/** Those that answer most requests, and the one that drains; without `--quick` it is all of them. */
const QUICK: readonly FunctionName[] = ['get-flight', 'update-flight', 'flush'];

/** A handler is more code than the class: more calls until all of it is compiled. */
const WARM_UP = { inFlight: 1, count: 4000, mostMs: 700 };

type Part = Pick<SectionResult, 'rows' | 'tables' | 'figures'>;

export const functions: Section = {
  name: 'function',
  title: 'Lambda functions',
  async run(lab) {
    const parts = [await runInProcess(lab), ...(await runBundled(lab))];
    return {
      rows: parts.flatMap(({ rows }) => rows),
      tables: parts.flatMap(({ tables }) => tables),
      plots: [],
      figures: Object.assign({}, ...parts.map(({ figures }) => figures)) as SectionResult['figures'],
      remarks: [
        "In process: the handler as it is exported, with the caller's IAM identity checked, the body validated, logs and metrics of Powertools " +
          `formatted and dropped, tracing off as it is deployed; beside the same call of the class, of ${String(FLIGHTS_CALLED)} cached flights in turn.`,
        'Through the Runtime API: the bundle in a process of its own behind the local Lambda, with a whole core; on AWS 512 MB buy 0.29 of one. ' +
          'A cold start lasts from nothing to the first answer, servers warm.',
      ],
    };
  },
};

async function runInProcess(lab: Lab): Promise<Part> {
  const cache = await lab.open(NAMESPACE);
  const handlers = await openHandlers({ ...lab.servers.environment, CACHE_NAMESPACE: NAMESPACE });
  try {
    for (let index = 0; index < FLIGHTS_CALLED; index++) await cache.getFlight(idOf(index));
    return await measureInProcess(lab, cache, handlers);
  } finally {
    await Promise.allSettled([cache.close(), handlers.close()]);
  }
}

function idOf(index: number): string {
  return flightOf(index, FLIGHTS_CALLED);
}

function timesOf(index: number): { readonly departure: string; readonly arrival: string } {
  const { departure, arrival } = changesOf(index);
  return { departure, arrival };
}

/** Of one subject in one round; CPU of the whole process, µs a call. */
interface Measured extends Timing {
  readonly cpuUs: number;
}

async function measureInProcess(lab: Lab, cache: FlightCache, handlers: Handlers): Promise<Part> {
  lab.say('handlers beside the class');
  const load = { inFlight: 1, count: lab.isQuick ? 1000 : 3000, mostMs: lab.isQuick ? 300 : 1500 };
  const measured = (operation: Operation) => async (round: number) => {
    if (round === 0) await timeOperation(operation, WARM_UP);
    let calls = 0;
    const before = process.cpuUsage();
    const timing = await timeOperation((index) => (calls++, operation(index)), load, round * load.count);
    const { user, system } = process.cpuUsage(before);
    await cache.flushQueue();
    return { ...timing, cpuUs: (user + system) / calls };
  };
  const timings = await inTurn(lab.rounds, {
    classUpdate: measured((index) =>
      cache.updateFlightDeparture(idOf(index), { ...timesOf(index), user: 'bench', comment: null }),
    ),
    handlerUpdate: measured((index) => handlers.update(idOf(index), timesOf(index))),
    classGet: measured((index) => cache.getFlight(idOf(index))),
    handlerGet: measured((index) => handlers.get(idOf(index))),
  });
  type Name = keyof typeof timings;
  const of = (name: Name, figure: keyof Measured) => timings[name].map((each) => each[figure]);
  const line = (title: string, name: Name) => [
    title,
    ...(['p50', 'p99', 'cpuUs'] as const).map((figure) => median(of(name, figure))),
  ];
  const update = compare(of('handlerUpdate', 'p50'), of('classUpdate', 'p50'));
  return {
    rows: [targetRow('handler', update)],
    tables: [
      {
        title: 'In process, one in flight',
        columns: ['call', 'p50, ms', 'p99, ms', 'CPU, µs'],
        rows: [
          line('`updateFlightDeparture` of the class', 'classUpdate'),
          line('handler of `update-flight`', 'handlerUpdate'),
          line('`getFlight` of the class', 'classGet'),
          line('handler of `get-flight`', 'handlerGet'),
        ],
      },
    ],
    figures: {
      classUpdateP50Ms: update.floor,
      handlerUpdateP50Ms: update.value,
      handlerUpdateCpuUs: median(of('handlerUpdate', 'cpuUs')),
    },
  };
}

async function runBundled(lab: Lab): Promise<Part[]> {
  const names = lab.isQuick ? QUICK : functionNames;
  lab.say(`bundles of ${String(names.length)} functions`);
  const opened = await openFunctions(names, { ...lab.servers.environment, CACHE_NAMESPACE: NAMESPACE });
  try {
    return [await measureWarm(lab, opened), await measureCold(lab, opened, names)];
  } finally {
    await opened.close();
  }
}

/** An event of this function that it answers with success. */
function callOf(name: BenchFunction, index: number): unknown {
  if (name === EMPTY) return {};
  return eventOf(name, idOf(index), name === 'update-flight' ? timesOf(index) : undefined);
}

async function measureWarm(lab: Lab, opened: Functions): Promise<Part> {
  lab.say('invocations');
  const load = { inFlight: 1, count: lab.isQuick ? 400 : 1000, mostMs: lab.isQuick ? 300 : 1500 };
  const one = (name: BenchFunction) => async (round: number) => {
    const operation = (index: number) => opened.invoke(name, callOf(name, index));
    if (round === 0) await timeOperation(operation, load);
    const timing = await timeOperation(operation, load, round * load.count);
    // Else health would soon call the queue too long.
    if (name === 'update-flight') await opened.invoke('flush', callOf('flush', 0));
    return timing;
  };
  const subjects = { empty: one(EMPTY), get: one('get-flight'), update: one('update-flight') };
  const timings = await inTurn(lab.rounds, subjects);
  const of = (name: keyof typeof timings, figure: 'p50' | 'p99') =>
    median(timings[name].map((each) => each[figure]));
  const line = (title: string, name: keyof typeof timings) => [title, of(name, 'p50'), of(name, 'p99')];
  return {
    rows: [],
    tables: [
      {
        title: 'Invoked through the Runtime API, warm, one in flight',
        columns: ['function', 'p50, ms', 'p99, ms'],
        rows: [line('empty', 'empty'), line('`get-flight`', 'get'), line('`update-flight`', 'update')],
      },
    ],
    figures: { invokeEmptyP50Ms: of('empty', 'p50'), invokeUpdateP50Ms: of('update', 'p50') },
  };
}

async function measureCold(lab: Lab, opened: Functions, ours: readonly FunctionName[]): Promise<Part> {
  lab.say('cold starts');
  const names: readonly BenchFunction[] = [EMPTY, ...ours];
  const cold = async (name: BenchFunction) => {
    lab.signal.throwIfAborted();
    opened.retire(name);
    const startMs = performance.now();
    await opened.invoke(name, callOf(name, 0));
    return performance.now() - startMs;
  };
  const spent = await inTurn(lab.rounds, Object.fromEntries(names.map((name) => [name, () => cold(name)])));
  const empty = spent[EMPTY] ?? [];
  const compared = new Map(names.map((name) => [name, compare(spent[name] ?? [], empty)]));
  const kib = (name: BenchFunction) => (opened.zippedBytes.get(name) ?? Number.NaN) / 1024;
  return {
    rows: [],
    tables: [
      {
        title: 'Cold starts and bundles',
        columns: ['function', 'first answer, ms', 'beside empty, x', 'bundle, zipped KiB'],
        rows: names.map((name) => [
          `\`${name}\``,
          compared.get(name)?.value ?? Number.NaN,
          compared.get(name)?.ratio ?? Number.NaN,
          kib(name),
        ]),
      },
    ],
    figures: {
      coldEmptyMs: compared.get(EMPTY)?.value ?? Number.NaN,
      coldUpdateMs: compared.get('update-flight')?.value ?? Number.NaN,
      bundleUpdateKib: kib('update-flight'),
    },
  };
}
