/**
 * `npm run check`: everything that can be said about the source without running it. One line a step with its
 * time; a step that fails shows all it printed. `npm run check -- lint types` runs only those.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { checkDependencies } from './dependencies.ts';
import { type Finished, root, run } from './run.ts';

interface Step {
  readonly name: string;
  readonly work: () => Promise<Finished>;
}

/** The linter and the compiler each hold the whole program in memory (about 1 GB): more at once gains nothing. */
const MOST_AT_ONCE = 2;
/** A cached lint result knows nothing of types that changed in other files, so only a person's machine uses it. */
const lintCache = ['--cache', '--cache-location=node_modules/.cache/eslint/', '--cache-strategy=content'];
const program =
  (command: string, ...args: string[]) =>
  () =>
    run(command, args, { output: 'capture', env: PLAIN });

/** What failed is read in a log as often as on a terminal, and CI=true alone makes the tools use colour. */
const PLAIN = { NO_COLOR: '1' };

/** Longest first, so that two cores end at about the same time. */
const steps: readonly Step[] = [
  { name: 'lint', work: program('eslint', '.', '--max-warnings=0', ...(process.env.CI ? [] : lintCache)) },
  { name: 'types', work: program('tsc', '--noEmit', '--pretty', 'false') },
  { name: 'infra', work: program('tsc', '--noEmit', '--pretty', 'false', '-p', 'infra') },
  { name: 'console', work: program('tsc', '--noEmit', '--pretty', 'false', '-p', 'packages/console') },
  { name: 'format', work: program('prettier', '--check', '--log-level=warn', '.') },
  { name: 'knip', work: program('knip', '--no-progress', '--no-config-hints') },
  { name: 'generated', work: program('node', 'scripts/generate.ts', '--check') },
  { name: 'lock file', work: checkLockFile },
  { name: 'dependencies', work: checkTrust },
];

/** A download address in the lock file would tie every installation to the registry of whoever wrote it. */
async function checkLockFile(): Promise<Finished> {
  const lines = (await readFile(`${root}/package-lock.json`, 'utf8')).split('\n');
  const bad = lines.flatMap((line, index) => {
    return /"resolved": "(http|git)/.test(line) ? [`package-lock.json:${index + 1}: ${line.trim()}`] : [];
  });
  const hint = 'Run `npm install --omit-lockfile-registry-resolved` to drop download addresses.';
  return bad.length === 0 ? { code: 0, output: '' } : { code: 1, output: [...bad, hint, ''].join('\n') };
}

function checkTrust(): Promise<Finished> {
  const mistakes = checkDependencies(root);
  return Promise.resolve({ code: mistakes.length === 0 ? 0 : 1, output: mistakes.join('\n') });
}

async function runStep({ name, work }: Step): Promise<boolean> {
  const startedAt = performance.now();
  const { code, output } = await work();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(10)} ${seconds.padStart(6)} s`);
  if (code !== 0)
    console.log(output.trim() === '' ? `It printed nothing; exit code ${code}.` : output.trimEnd());
  return code === 0;
}

async function main(asked: readonly string[]): Promise<void> {
  const unknown = asked.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(
      `No check named ${unknown.join(', ')}; there are: ${steps.map((step) => step.name).join(', ')}.`,
    );
    process.exitCode = 2;
    return;
  }
  const waiting = steps.filter((step) => asked.length === 0 || asked.includes(step.name));
  const total = waiting.length;
  let failures = 0;
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      if (!(await runStep(step))) failures += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, availableParallelism()) }, worker));
  console.log(failures === 0 ? `All ${total} checks passed.` : `${failures} of ${total} checks failed.`);
  process.exitCode = failures === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
