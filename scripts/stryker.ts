/**
 * `npm run test:stryker`: Stryker changes every expression of buffer, flusher and store, one at a time, in a private copy,
 * and names the changes that no test notices. `-- flusher store/placement` takes only those files.
 *
 * Bounded to an hour (`-- --minutes 20`): what is not tried by then is tried next time, because results are kept in
 * .local/stryker. They are used again where neither the file nor its tests have changed; Stryker does not see that Lua,
 * SQL or what tests stand on has: `-- --force` tries everything again.
 */
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runInCopy } from './mutants/in-copy.ts';
import { inWorkplace } from './mutants/workplace.ts';
import { root } from './run.ts';

const SRC = 'packages/write-behind/src';
const FOLDERS = ['flusher', 'store', 'buffer'] as const;
const RESULTS = join(root, '.local/stryker/incremental.json');
const MINUTES = 60;
const MUTANTS_AT_ONCE = 2;

interface Results {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

interface Mutant {
  readonly status: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number } };
}

function chooseFiles(parts: readonly string[]): string[] {
  const files = FOLDERS.flatMap((folder) => globSync(`${SRC}/${folder}/**/*.ts`, { cwd: root }).sort());
  const chosen = files
    .filter((file) => !/\.(test|generated)\.ts$/.test(file))
    .filter((file) => parts.length === 0 || parts.some((part) => file.startsWith(`${SRC}/${part}`)));
  if (chosen.length === 0) throw new Error(`No file of ${FOLDERS.join(', ')} is named ${parts.join(', ')}.`);
  return chosen;
}

/** In Stryker's own words: https://stryker-mutator.io/docs/stryker-js/configuration */
const optionsOf = (files: readonly string[], force: boolean) => ({
  mutate: files,
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/stryker/vitest.config.ts', pool: 'forks' },
  plugins: ['@stryker-mutator/vitest-runner'],
  // The copy is ours alone, and its packages import each other by links into it.
  inPlace: true,
  coverageAnalysis: 'perTest',
  // A constant of a module would need every test once more for each of its mutants.
  ignoreStatic: true,
  incremental: true,
  incrementalFile: RESULTS,
  force,
  concurrency: MUTANTS_AT_ONCE,
  // Tests wait for real servers.
  timeoutMS: 20_000,
  dryRunTimeoutMinutes: 10,
  reporters: ['progress-append-only'],
  allowConsoleColors: false,
});

/** The score of each file and of all, after the changes that no test noticed: `file:line  what took its place`. */
function report(files: readonly string[]): string {
  const results = (JSON.parse(readFileSync(RESULTS, 'utf8')) as Results).files;
  const unnoticed: string[] = [];
  const scores: string[] = [];
  const total = { noticed: 0, tried: 0 };
  for (const file of files) {
    const mutants = results[file]?.mutants ?? [];
    const missed = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
    const noticed = mutants.filter(({ status }) => status === 'Killed' || status === 'Timeout').length;
    const tried = noticed + missed.length;
    total.noticed += noticed;
    total.tried += tried;
    scores.push(scoreOf(file, noticed, tried));
    for (const { location, replacement = '' } of missed) {
      unnoticed.push(`${file}:${String(location.start.line)}  ${replacement.replaceAll(/\s+/g, ' ')}`);
    }
  }
  return [...unnoticed, '', ...scores, scoreOf('all', total.noticed, total.tried)].join('\n');
}

function scoreOf(what: string, noticed: number, tried: number): string {
  const score = tried === 0 ? '–' : ((100 * noticed) / tried).toFixed(1);
  return `${score.padStart(5)} %  ${String(noticed).padStart(4)} of ${String(tried).padStart(4)}  ${what}`;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: String(MINUTES) },
      force: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const files = chooseFiles(positionals);
  const limitMs = Number(values.minutes) * 60_000;
  if (!(limitMs > 0)) throw new Error('--minutes takes a number above 0.');
  mkdirSync(join(root, '.local/stryker'), { recursive: true });
  return await inWorkplace(async ({ copy, environment, signal }) => {
    const options = join(copy.path, 'stryker.conf.json');
    await writeFile(options, JSON.stringify(optionsOf(files, values.force)));
    const program = 'node_modules/@stryker-mutator/core/bin/stryker.js';
    const limits = { environment, signal, limitMs, output: 'inherit' } as const;
    const { code, isLate } = await runInCopy(copy, [program, 'run', options], limits);
    signal.throwIfAborted();
    if (code !== 0 && !isLate) return 1;
    console.log(`\n${report(files)}`);
    if (isLate) {
      console.log(
        `Not all were tried in ${values.minutes} min, and these are scores of those that were; changes that no test ` +
          'reaches come first. The next run goes on from here.',
      );
    }
    return 0;
  });
}

process.exitCode = await main(process.argv.slice(2));
