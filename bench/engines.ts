/**
 * `npm run bench -- --engines all`: the same four figures for every database beside every cache, in turn in one run, each
 * beside those of the first pair. Writes `engines.md`.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHES, DATABASES, type EnginePair, type OpenPair, startEngineServers } from './lab/engine-pairs.ts';
import { describeMachine } from './lab/machine.ts';
import { compare, inTurn, type Rounds, timeOperation } from './lab/measure.ts';
import { markdownTable, shown, writeMarkdown } from './lab/report.ts';
import { changesOf } from './lab/workload.ts';

export interface EnginesOptions {
  readonly pairs: readonly EnginePair[];
  readonly isQuick: boolean;
  /** Folder of `engines.md`. */
  readonly results: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const FLIGHTS = 10_000;
const SCALE = {
  quick: { rounds: 3, alone: 300, together: 3000, drained: 5000 },
  full: { rounds: 7, alone: 1000, together: 10_000, drained: 20_000 },
};
const IN_FLIGHT = 64;
const MOST_MS = 10_000;

const FIGURES = {
  'read from the cache, p50 ms': 'hit',
  'update, p50 ms': 'update',
  'updates a second, 64 in flight': 'updates',
  'drained a second': 'drained',
} as const;
type Figure = (typeof FIGURES)[keyof typeof FIGURES];
type Figures = Readonly<Record<Figure, number>>;

export const ALL_PAIRS: readonly EnginePair[] = DATABASES.flatMap((database) =>
  CACHES.map((cache) => ({ database, cache })),
);

export async function benchEngines(options: EnginesOptions): Promise<void> {
  const { pairs, isQuick, results, say, signal } = options;
  const scale = isQuick ? SCALE.quick : SCALE.full;
  const servers = await startEngineServers({ flights: FLIGHTS, say, signal });
  try {
    const opened: OpenPair[] = [];
    for (const pair of pairs) opened.push(await servers.open(pair));
    // Connections are open and code is compiled after it.
    for (const pair of opened) await measure(pair, { ...scale, drained: 2000 }, 0);
    const subjects = Object.fromEntries(
      opened.map((pair) => [
        pair.name,
        async (round: number) => {
          signal.throwIfAborted();
          say(`round ${String(round + 1)} of ${String(scale.rounds)}: ${pair.name}`);
          return await measure(pair, scale, round + 1);
        },
      ]),
    );
    const rounds = await inTurn(scale.rounds, subjects);
    await mkdir(results, { recursive: true });
    const file = join(results, 'engines.md');
    await writeMarkdown(file, asMarkdown(rounds, servers.settings));
    say(`${file} has the table`);
  } finally {
    await servers.stop();
  }
}

interface Scale {
  readonly alone: number;
  readonly together: number;
  readonly drained: number;
}

/** Throws where not each update that was drained has its row in the audit trail. */
async function measure(
  { cacheOf: cache, sql, name }: OpenPair,
  scale: Scale,
  round: number,
): Promise<Figures> {
  const flightAt = (index: number) => String(1 + ((index * 7919) % FLIGHTS));
  const update = (index: number) =>
    cache.update(flightAt(index), changesOf(index + round * 313), { user: 'bench' });
  await cache.get('1');
  const hit = await timeOperation(() => cache.get('1'), { inFlight: 1, count: scale.alone, mostMs: MOST_MS });
  // Cached before it is timed: what is measured is the update.
  for (let index = 0; index < scale.alone; index++) await cache.get(flightAt(index));
  const alone = await timeOperation(update, { inFlight: 1, count: scale.alone, mostMs: MOST_MS });
  const together = await timeOperation(update, {
    inFlight: IN_FLIGHT,
    count: scale.together,
    mostMs: MOST_MS,
  });
  await cache.flushQueue();
  await sql.run('DELETE FROM flight_log');
  await timeOperation(update, { inFlight: IN_FLIGHT, count: scale.drained, mostMs: MOST_MS });
  const startMs = performance.now();
  const { processed: stored, remaining } = await cache.flushQueue();
  const spentMs = performance.now() - startMs;
  const [row] = await sql.rows<{ count: number }>('SELECT COUNT(*) AS count FROM flight_log');
  if (Number(row?.count) !== stored || remaining !== 0) {
    throw new Error(
      `${name}: ${String(stored)} stored, ${String(remaining)} left, ${String(row?.count)} audit rows`,
    );
  }
  return {
    hit: hit.p50,
    update: alone.p50,
    updates: together.perSecond,
    drained: (1000 * stored) / spentMs,
  };
}

function asMarkdown(rounds: Rounds<string, Figures>, settings: Readonly<Record<string, string>>): string {
  const names = Object.keys(rounds);
  const [first = ''] = names;
  const values = (name: string, figure: Figure) => (rounds[name] ?? []).map((each) => each[figure]);
  const cells = (name: string, figure: Figure) => {
    const { value, ratio } = compare(values(name, figure), values(first, figure));
    return `${shown(value)} (${shown(ratio)} x)`;
  };
  const figures = Object.entries(FIGURES);
  const machine = describeMachine(settings);
  return [
    '# Every database beside every cache',
    '',
    `\`npm run bench -- --engines all\`. Medians of ${String(rounds[first]?.length ?? 0)} rounds, all pairs in turn in one run; in ` +
      `brackets the ratio to ${first}. ${String(FLIGHTS)} flights; all commits on the disk, queues with \`appendfsync everysec\`.`,
    '',
    markdownTable({
      columns: ['engines', ...figures.map(([title]) => title)],
      rows: names.map((name) => [name, ...figures.map(([, figure]) => cells(name, figure))]),
    }),
    '',
    markdownTable({
      columns: ['machine', ''],
      rows: Object.entries(machine).map(([name, value]) => [name, value]),
    }),
    '',
  ].join('\n');
}
