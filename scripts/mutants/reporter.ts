/** Vitest's reporter in a run with a guard taken out: writes what it saw, and ends the run as soon as a test saw it. */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from 'vitest/node';
import { type Catch, judge, oneLine } from './verdict.ts';

/** Names the file that the reporter writes its `Seen` into. */
export const SEEN_FILE_VARIABLE = 'AFTERWRITE_MUTANT_SEEN';

export interface Seen {
  readonly caught: Catch | undefined;
  readonly passed: number;
  /** Failures that do not count, each in one line. */
  readonly otherFailures: readonly string[];
}

export default class MutantReporter implements Reporter {
  #vitest: Vitest | undefined;
  #caught: Catch | undefined;
  #passed = 0;
  readonly #others: string[] = [];

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    if (state === 'passed') this.#passed++;
    if (state !== 'failed' || this.#caught !== undefined) return;
    this.#caught = judge(pathOf(test), errors);
    if (this.#caught === undefined) {
      this.#others.push(...errors.map(({ message }) => `${test.fullName}: ${oneLine(message)}`));
      return;
    }
    // Not awaited: the run ends only after its reporters have returned.
    void this.#vitest?.cancelCurrentRun('test-failure');
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[SEEN_FILE_VARIABLE];
    if (file === undefined) return;
    const outside = modules.flatMap((module) => [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
    ]);
    const otherFailures = [
      ...this.#others,
      ...[...outside, ...unhandled].map((error) => oneLine(error.message)),
    ];
    const seen: Seen = { caught: this.#caught, passed: this.#passed, otherFailures };
    writeFileSync(file, JSON.stringify(seen));
  }
}

function pathOf(test: TestCase): string[] {
  const path = [test.name];
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) path.unshift(parent.name);
  return path;
}
