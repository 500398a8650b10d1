/** Reads: of what is cached, of what is not, of what there is not, and of many readers that miss together. */
import type { FlightCache } from '@afterwrite/flights';
import { NotFoundError } from '@afterwrite/write-behind';
import type { Connection } from 'mysql2/promise';
import { openValkeyFloor, type ValkeyFloor } from '../floors/valkey.ts';
import { compare, inTurn, median, type Operation, timeOperation } from '../lab/measure.ts';
import type { Lab, Section, SectionResult } from '../lab/section.ts';
import { FLIGHTS } from '../lab/servers.ts';
import { targetRow } from '../lab/targets.ts';
import { flightOf } from '../lab/workload.ts';

const CACHED = 500;
const TOGETHER = 1000;
const QUERY = `SELECT f.*, dep.iata AS from_airport, arr.iata AS to_airport, al.airlinename FROM flight AS f
  LEFT JOIN airport AS dep ON dep.airport_id = f.\`from\`
  LEFT JOIN airport AS arr ON arr.airport_id = f.\`to\`
  LEFT JOIN airline AS al ON al.airline_id = f.airline_id WHERE f.flight_id = ?`;

export const read: Section = {
  name: 'read',
  title: 'Reads',
  async run(lab) {
    const cache = await lab.open('read');
    const floor = await openValkeyFloor(lab.servers.valkey, CACHED);
    const connection = await lab.servers.connect();
    try {
      return await measure(lab, { cache, floor, connection });
    } finally {
      await Promise.allSettled([cache.close(), connection.end()]);
      floor.close();
    }
  },
};

interface Parts {
  readonly cache: FlightCache;
  readonly floor: ValkeyFloor;
  readonly connection: Connection;
}

async function measure(lab: Lab, { cache, floor, connection }: Parts): Promise<SectionResult> {
  const ids = Array.from({ length: CACHED }, (_, index) => flightOf(index, CACHED));
  const keys: string[] = [];
  for (const id of ids) keys.push((await cache.getFlight(id)).cacheKey);
  // Each flight once: an id that was read before would be a hit.
  let fresh = 0;
  const nextFresh = () => String(FLIGHTS - fresh++);
  let unknown = FLIGHTS;
  const operations = {
    hgetall: (index) => floor.hgetall(keys[index % CACHED] ?? ''),
    hit: (index) => cache.getFlight(ids[index % CACHED] ?? ''),
    query: () => connection.query(QUERY, [nextFresh()]),
    miss: () => cache.getFlight(nextFresh()),
    missing: () => notFound(cache, ++unknown),
    missingAgain: () => notFound(cache, FLIGHTS + 1),
  } satisfies Record<string, Operation>;
  await notFound(cache, FLIGHTS + 1);
  const fast = { inFlight: 1, count: lab.isQuick ? 5000 : 20_000, mostMs: 2000 };
  const slow = { inFlight: 1, count: lab.isQuick ? 200 : 1000, mostMs: 1000 };
  lab.say('hits, misses and flights that there are not');
  const timings = await inTurn(lab.rounds, {
    hgetall: (round) => timeOperation(operations.hgetall, fast, round * fast.count),
    hit: (round) => timeOperation(operations.hit, fast, round * fast.count),
    missingAgain: () => timeOperation(operations.missingAgain, fast),
    query: () => timeOperation(operations.query, slow),
    miss: () => timeOperation(operations.miss, slow),
    missing: () => timeOperation(operations.missing, slow),
  });
  lab.say(`${String(TOGETHER)} readers that miss together`);
  const together: number[] = [];
  for (let round = 0; round < lab.rounds; round++) {
    const id = nextFresh();
    const startMs = performance.now();
    await Promise.all(Array.from({ length: TOGETHER }, () => cache.getFlight(id)));
    together.push(performance.now() - startMs);
  }
  const p50s = (name: keyof typeof timings) => timings[name].map(({ p50 }) => p50);
  const hit = compare(p50s('hit'), p50s('hgetall'));
  const line = (title: string, name: keyof typeof timings) => [
    title,
    median(p50s(name)),
    median(timings[name].map(({ p99 }) => p99)),
    median(timings[name].map(({ perSecond }) => perSecond)),
  ];
  return {
    rows: [targetRow('readHit', hit)],
    tables: [
      {
        title: 'One in flight',
        columns: ['read', 'p50, ms', 'p99, ms', 'a second'],
        rows: [
          line('`HGETALL` of the same hash', 'hgetall'),
          line('hit', 'hit'),
          line('not found, known', 'missingAgain'),
          line('plain query', 'query'),
          line('miss: lease, query, fill', 'miss'),
          line('not found, asked of MySQL', 'missing'),
        ],
      },
      {
        title: 'Many that miss together',
        columns: ['readers of one flight', 'until all have it, ms', 'queries'],
        rows: [[TOGETHER, median(together), 1]],
      },
    ],
    plots: [],
    figures: { hitP50Ms: hit.value, hgetallP50Ms: hit.floor, missP50Ms: median(p50s('miss')) },
    remarks: [
      `Of ${String(CACHED)} cached flights in turn. A miss takes a lease, loads the row and fills; of readers that miss together one loads.`,
    ],
  };
}

async function notFound(cache: FlightCache, id: number): Promise<void> {
  await cache.getFlight(id).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
  });
}
