/**
 * `npm test`: runs Vitest, arguments are handed on (`npm test -- packages/flights -t idempotency`). The very
 * last line is `N passed, N failed`, with `, N skipped` when there are any, and always agrees with the exit
 * code: whatever broke outside a test (a file that does not load, a hook, a crash) counts as failed.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';
import { COUNTS_FILE_VARIABLE, type Counts, lastLine, settleCounts } from './test-counts.ts';

async function readCounts(file: string): Promise<Counts | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Counts;
  } catch {
    return undefined; // Vitest crashed, or found nothing to run.
  }
}

async function main(args: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'afterwrite-test-'));
  const file = join(folder, 'counts.json');
  const reporters = ['--reporter=default', '--reporter=./scripts/test-counts.ts'];
  const { code } = await run('vitest', ['run', ...reporters, ...args], {
    output: 'inherit',
    env: { [COUNTS_FILE_VARIABLE]: file },
  });
  const { counts, exitCode, remark } = settleCounts(await readCounts(file), code);
  await rm(folder, { recursive: true, force: true });
  if (remark !== undefined) console.error(remark);
  console.log(lastLine(counts));
  process.exitCode = exitCode;
}

await main(process.argv.slice(2));
