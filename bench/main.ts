/**
 * `npm run bench`: what Afterwrite costs and gives, beside the floor below which nothing can be, its peers and the other
 * two patterns; on servers of its own with durable settings. Writes a report with plots to `bench/results/`.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { FlightCache } from '@afterwrite/flights';
import { parseSettings, stderrLogger } from '@afterwrite/write-behind';
import { Command, InvalidArgumentError } from 'commander';
import { ALL_PAIRS, benchEngines } from './engines.ts';
import type { EnginePair } from './lab/engine-pairs.ts';
import { describeMachine } from './lab/machine.ts';
import { asJson, type Report, rowsOf, shown, writeReport } from './lab/report.ts';
import { publish } from './lab/publish.ts';
import type { Lab, Section, SectionResult } from './lab/section.ts';
import { startBenchServers } from './lab/servers.ts';
import { targetNames } from './lab/targets.ts';
import { sections } from './sections/index.ts';

interface Options {
  readonly quick: boolean;
  readonly json?: string;
  readonly only?: readonly Section[];
  readonly engines?: readonly EnginePair[];
  readonly publish: boolean;
  readonly results: string;
  readonly mysql: readonly string[];
  readonly valkey: readonly string[];
}

const ROUNDS = { quick: 3, full: 7 };

function parseSections(names: string): Section[] {
  return names.split(',').map((name) => {
    const section = sections.find((each) => each.name === name);
    if (!section) {
      throw new InvalidArgumentError(`There are ${sections.map((each) => each.name).join(', ')}.`);
    }
    return section;
  });
}

function parsePairs(names: string): readonly EnginePair[] {
  if (names === 'all') return ALL_PAIRS;
  return names.split(',').map((name) => {
    const pair = ALL_PAIRS.find(({ database, cache }) => name === `${database}+${cache}`);
    if (!pair) {
      const all = ALL_PAIRS.map(({ database, cache }) => `${database}+${cache}`);
      throw new InvalidArgumentError(`There are all, ${all.join(', ')}.`);
    }
    return pair;
  });
}

function split(argument: string, before: readonly string[]): string[] {
  return [...before, ...argument.split(' ')];
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const startMs = performance.now();
  const spentSeconds = () => (performance.now() - startMs) / 1000;
  const say = (line: string) => process.stderr.write(`${spentSeconds().toFixed(0).padStart(4)} s  ${line}\n`);
  if (options.engines) {
    const { engines: pairs, quick: isQuick, results } = options;
    await benchEngines({ pairs, isQuick, results, say, signal });
    return;
  }
  const { mysql, valkey } = options;
  const servers = await startBenchServers({ say, signal, args: { mysql, valkey } });
  const results = new Map<string, SectionResult>();
  const done: { section: Section; result: SectionResult }[] = [];
  const settings: Lab['settings'] = (namespace, overrides = {}) =>
    parseSettings({ ...servers.environment, CACHE_NAMESPACE: namespace, ...overrides });
  const lab: Omit<Lab, 'say'> = {
    servers,
    isQuick: options.quick,
    rounds: options.quick ? ROUNDS.quick : ROUNDS.full,
    signal,
    results,
    settings,
    open: async (namespace, overrides) =>
      await FlightCache.open(settings(namespace, overrides), { logger: stderrLogger() }),
  };
  try {
    for (const section of options.only ?? sections) {
      signal.throwIfAborted();
      say(`${section.name}: ${section.title}`);
      const result = await section.run({ ...lab, say: (line) => say(`${section.name}: ${line}`) });
      results.set(section.name, result);
      done.push({ section, result });
      for (const row of result.rows) {
        say(`  ${row.verdict} ${row.figure}: ${shown(row.ratio)} x ${row.beside} (${row.target})`);
      }
    }
  } finally {
    await servers.stop();
  }
  const report: Report = {
    machine: describeMachine(servers.settings),
    isQuick: options.quick,
    spentSeconds: spentSeconds(),
    sections: done,
  };
  const rows = rowsOf(report);
  if (!options.only && rows.length !== targetNames.length) {
    throw new Error(`${String(rows.length)} rows were measured of ${String(targetNames.length)} targets`);
  }
  if (options.json !== undefined) await writeFile(options.json, asJson(report));
  await writeReport(report, options.results);
  if (options.publish) await publish(report);
  const passed = rows.filter(({ verdict }) => verdict === 'pass').length;
  say(`${String(passed)} of ${String(rows.length)} targets met; ${options.results}/report.md has it all`);
}

const command = new Command('npm run bench --')
  .description('Measures everything that the README claims, on servers of its own.')
  .option('--quick', 'within two minutes instead of ten: fewer rounds', false)
  .option('--json <file>', 'also write all figures there')
  .option('--only <sections>', sections.map(({ name }) => name).join(','), parseSections)
  .option('--engines <pairs>', 'instead: these databases and caches beside each other, or all', parsePairs)
  .option('--publish', 'also put the tables into README.md and docs/PATTERNS.md', false)
  .option('--mysql <argument>', 'one more of the server, as --mysql=--key-buffer-size=8M', split, [])
  .option('--valkey <argument>', "as --valkey='--io-threads 2'", split, [])
  .option('--results <folder>', 'where the report goes', fileURLToPath(new URL('results', import.meta.url)));

const interruption = new AbortController();
for (const [name, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
  process.once(name, () => {
    process.exitCode = code;
    interruption.abort(new Error(`${name}: stopping`));
  });
}
command.parse();
await run(command.opts<Options>(), interruption.signal).catch((error: unknown) => {
  process.exitCode ??= 1;
  process.stderr.write(`afterwrite: ${error instanceof Error ? error.message : String(error)}\n`);
});
