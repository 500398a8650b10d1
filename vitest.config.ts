import { existsSync } from 'node:fs';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

/** Starts one Valkey and one MySQL for the whole run and provides their ports. */
const ENGINES_SETUP = './tests/support/engines-setup.ts';
/** Finds Chromium, or installs it from the distribution. */
const CHROMIUM_SETUP = './tests/browser/chromium-setup.ts';
/** Tests share real servers, so a slow disk shows here first. */
const TEST_TIMEOUT_MS = 30_000;
const HOOK_TIMEOUT_MS = 60_000;
/** A system test drives several processes, kills some of them and waits for all data to arrive. */
const SYSTEM_TEST_TIMEOUT_MS = 120_000;
/** The servers need a core too. */
const MAX_WORKERS = 2;

const projects: TestProjectConfiguration[] = [
  {
    extends: true,
    test: {
      name: 'unit',
      include: ['packages/*/{src,site}/**/*.test.ts', 'scripts/**/*.test.ts'],
      sequence: { groupOrder: 0 },
    },
  },
  {
    extends: true,
    test: {
      name: 'crash',
      include: ['tests/crash/**/*.test.ts'],
      testTimeout: SYSTEM_TEST_TIMEOUT_MS,
      hookTimeout: SYSTEM_TEST_TIMEOUT_MS,
      // They wait for the servers and for no clock: beside the unit tests.
      sequence: { groupOrder: 0 },
    },
  },
  {
    extends: true,
    test: {
      name: 'infra',
      include: ['tests/infra/**/*.test.ts'],
      // The program runs once for each stage; its resources are read by all.
      isolate: false,
      fileParallelism: false,
      maxWorkers: 1,
      testTimeout: SYSTEM_TEST_TIMEOUT_MS,
      hookTimeout: SYSTEM_TEST_TIMEOUT_MS,
      sequence: { groupOrder: 1 },
    },
  },
  {
    extends: true,
    test: {
      name: 'system',
      include: ['tests/system/**/*.test.ts'],
      testTimeout: SYSTEM_TEST_TIMEOUT_MS,
      hookTimeout: SYSTEM_TEST_TIMEOUT_MS,
      // One at a time and after the unit tests: they measure, and they fill and kill servers.
      fileParallelism: false,
      maxWorkers: 1,
      sequence: { groupOrder: 2 },
    },
  },
  {
    extends: true,
    test: {
      name: 'fault',
      include: ['tests/fault/**/*.test.ts'],
      testTimeout: SYSTEM_TEST_TIMEOUT_MS,
      hookTimeout: SYSTEM_TEST_TIMEOUT_MS,
      // One at a time, as the system tests: they fill, cut off and demote servers of their own.
      fileParallelism: false,
      maxWorkers: 1,
      sequence: { groupOrder: 2 },
    },
  },
  {
    extends: true,
    test: {
      name: 'browser',
      include: ['tests/browser/**/*.test.ts'],
      globalSetup: existsSync(CHROMIUM_SETUP) ? [CHROMIUM_SETUP] : [],
      testTimeout: SYSTEM_TEST_TIMEOUT_MS,
      hookTimeout: SYSTEM_TEST_TIMEOUT_MS,
      // Alone: they measure how long the page's tasks take.
      fileParallelism: false,
      maxWorkers: 1,
      sequence: { groupOrder: 3 },
    },
  },
];

export default defineConfig({
  test: {
    pool: 'forks',
    // What functions log is kept, searched for secrets at the end, and not printed.
    setupFiles: ['./tests/support/capture-setup.ts'],
    env: { POWERTOOLS_LOG_LEVEL: 'DEBUG', POWERTOOLS_TRACE_ENABLED: 'false', POWERTOOLS_DEV: 'true' },
    maxWorkers: MAX_WORKERS,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: HOOK_TIMEOUT_MS,
    // Named here, not in a project, it runs once for all of them.
    globalSetup: existsSync(ENGINES_SETUP) ? [ENGINES_SETUP] : [],
    projects,
  },
});
