/**
 * `npm run test:mutants`: takes each guard of the engine out, in a private copy, and shows which test sees it, by which
 * promise that is broken then. Exit code 0 only if every one is seen. `-- --only <name>` tries one (it may be repeated),
 * `-- --list` names them all.
 */
import { parseArgs } from 'node:util';
import { mutations } from './mutants/list/index.ts';
import type { Mutation } from './mutants/mutation.ts';
import { StaleMutationError } from './mutants/mutation.ts';
import { type Outcome, tryMutation } from './mutants/trial.ts';
import { inWorkplace, type Workplace } from './mutants/workplace.ts';

/** Of one test file with one guard missing; the slowest that was seen takes a third of it. */
const LIMIT_MS = 120_000;

interface Line {
  readonly mutation: Mutation;
  readonly outcome: Outcome;
}

function choose(only: readonly string[]): readonly Mutation[] {
  const unknown = only.filter((name) => !mutations.some((mutation) => mutation.name === name));
  if (unknown.length > 0) {
    throw new Error(`No mutation is named ${unknown.join(', ')}; --list names them all.`);
  }
  return only.length === 0 ? mutations : mutations.filter(({ name }) => only.includes(name));
}

function progress({ mutation, outcome }: Line, count: string, startedAt: number): void {
  const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  const what = outcome.kind === 'CAUGHT' ? `caught  ${outcome.invariant}` : 'MISSED';
  console.error(`${count} ${what.padEnd(12)} ${seconds.padStart(7)}  ${mutation.name}`);
}

/** One block a guard: the mutation, the test that saw it, and how it said so. */
function table(lines: readonly Line[]): string {
  const guards = [...new Set(lines.map(({ mutation }) => mutation.guard))];
  return guards
    .map((guard) => {
      const own = lines.filter(({ mutation }) => mutation.guard === guard);
      return [guard, ...own.flatMap(describe)].join('\n');
    })
    .join('\n\n');
}

function describe({ mutation: { name, file }, outcome }: Line): string[] {
  const what = `  - ${name} (${file.split('/').slice(-1).join()})`;
  if (outcome.kind === 'MISSED')
    return [`${what}\n      NOT CAUGHT`, ...outcome.why.map((why) => `      ${why}`)];
  return [what, `      ${outcome.test}`, `      ${outcome.invariant}: ${outcome.message}`];
}

async function tryAll(
  chosen: readonly Mutation[],
  { copy, environment, signal }: Workplace,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [index, mutation] of chosen.entries()) {
    const startedAt = performance.now();
    const outcome = await tryMutation(copy, mutation, { environment, limitMs: LIMIT_MS, signal });
    lines.push({ mutation, outcome });
    progress({ mutation, outcome }, `${String(index + 1)}/${String(chosen.length)}`, startedAt);
  }
  return lines;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
    },
  });
  const chosen = choose(values.only);
  if (values.list) {
    console.log(chosen.map(({ name, guard }) => `${guard}: ${name}`).join('\n'));
    return 0;
  }
  const startedAt = performance.now();
  return await inWorkplace(async (workplace) => {
    const lines = await tryAll(chosen, workplace);
    const missed = lines.filter(({ outcome }) => outcome.kind === 'MISSED').length;
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    console.log(`\n${table(lines)}\n`);
    console.log(`${String(lines.length - missed)} caught, ${String(missed)} not caught, in ${minutes} min`);
    return missed === 0 ? 0 : 1;
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StaleMutationError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
