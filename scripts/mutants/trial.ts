/** Takes one guard out of a copy, lets the tests run that must see it, and puts it back. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Copy } from './copy.ts';
import { runInCopy, type RunLimits } from './in-copy.ts';
import { type CaughtBy, mutate, type Mutation, namePattern } from './mutation.ts';
import { SEEN_FILE_VARIABLE, type Seen } from './reporter.ts';
import { type Catch, oneLine } from './verdict.ts';

export type Outcome =
  | ({ readonly kind: 'CAUGHT' } & Catch)
  /** `why`: one line for each try. */
  | { readonly kind: 'MISSED'; readonly why: readonly string[] };

/** Failures named for a mutation that was not caught. */
const MOST_NAMED = 3;
/** Characters of what a run said that gave no result. */
const MOST_SAID = 500;

/** Throws StaleMutationError where the list does not fit the source. */
export async function tryMutation(copy: Copy, mutation: Mutation, options: RunLimits): Promise<Outcome> {
  try {
    await copy.change(mutation.file, (text) => mutate(mutation, text));
    await regenerate(copy, mutation, options);
    const why: string[] = [];
    for (const tests of mutation.caughtBy) {
      const seen = await runTests(copy, tests, options);
      if (typeof seen !== 'string' && seen.caught) return { kind: 'CAUGHT', ...seen.caught };
      why.push(`${tests.file}: ${typeof seen === 'string' ? seen : explain(seen)}`);
    }
    return { kind: 'MISSED', why };
  } finally {
    await copy.restore();
  }
}

function explain({ passed, otherFailures }: Seen): string {
  if (otherFailures.length > 0) {
    return `failed by no invariant's assertion: ${otherFailures.slice(0, MOST_NAMED).join(' | ')}`;
  }
  return passed === 0 ? 'no test of that name ran' : `${String(passed)} passed, none failed`;
}

/** Lua and SQL are run from the TypeScript that carries them. */
async function regenerate(copy: Copy, { file }: Mutation, options: RunLimits): Promise<void> {
  const folder = /^(.*\/(?:lua|sql))\//.exec(file)?.[1];
  if (folder === undefined) return;
  await copy.change(`${folder}.generated.ts`, (text) => text);
  const { code, output } = await runInCopy(copy, ['scripts/generate.ts', '--root', copy.path], options);
  if (code !== 0) throw new Error(`npm run generate failed in the copy:\n${output}`);
}

/** What the reporter saw, or why there is nothing. */
async function runTests(copy: Copy, tests: CaughtBy, options: RunLimits): Promise<Seen | string> {
  const seenFile = join(copy.path, 'seen.json');
  await rm(seenFile, { force: true });
  const pattern = namePattern(tests);
  const args = ['run', tests.file, '--reporter=./scripts/mutants/reporter.ts'];
  if (pattern !== undefined) args.push('-t', pattern);
  const environment = { ...options.environment, [SEEN_FILE_VARIABLE]: seenFile };
  const { output, isLate } = await runInCopy(copy, ['node_modules/vitest/vitest.mjs', ...args], {
    ...options,
    environment,
  });
  options.signal.throwIfAborted();
  if (existsSync(seenFile)) return JSON.parse(await readFile(seenFile, 'utf8')) as Seen;
  return isLate
    ? `took more than ${String(options.limitMs / 1000)} s`
    : `no result: ${oneLine(output).slice(0, MOST_SAID)}`;
}
