/** Counts tests for `npm test`: the Vitest reporter (default export) and what the command makes of its counts. */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface Counts {
  readonly passed: number;
  /** Tests that failed, and files, hooks and stray rejections that failed outside of any test. */
  readonly failed: number;
  readonly skipped: number;
}

/** Names the file that the reporter writes its counts into. */
export const COUNTS_FILE_VARIABLE = 'AFTERWRITE_TEST_COUNTS';

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env[COUNTS_FILE_VARIABLE];
    if (file === undefined) return;
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // A test that is still pending when the run ends was cut off.
        counts[state === 'pending' ? 'failed' : state] += 1;
      }
    }
    writeFileSync(file, JSON.stringify(counts));
  }
}

export interface Settled {
  readonly counts: Counts;
  readonly exitCode: number;
  /** Said before the last line when the counts alone don't explain the exit code. */
  readonly remark?: string;
}

/** Makes counts and exit code agree: `counts` is undefined when the reporter never came to write them. */
export function settleCounts(counts: Counts | undefined, exitCode: number): Settled {
  const known = counts ?? { passed: 0, failed: 0, skipped: 0 };
  if (known.failed > 0) return { counts: known, exitCode: exitCode === 0 ? 1 : exitCode };
  if (exitCode !== 0) {
    const remark = `Vitest ended with exit code ${exitCode} outside of any test, which counts as one failure.`;
    return { counts: { ...known, failed: 1 }, exitCode, remark };
  }
  if (known.passed === 0) return { counts: known, exitCode: 1, remark: 'No test ran.' };
  return { counts: known, exitCode: 0 };
}

export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
