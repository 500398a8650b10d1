/** Where the promises are shown. */
import type { CaughtBy } from '../mutation.ts';

const SRC = 'packages/write-behind/src';

const inFile =
  (file: string, suite?: string) =>
  (test: string): CaughtBy =>
    suite === undefined ? { file, test } : { file, suite, test };

/** The contract of every buffer, on one server. */
export const contract = inFile(`${SRC}/buffer/valkey-buffer.test.ts`, 'Valkey, one server');
export const copies = inFile(`${SRC}/buffer/memcached-copies.test.ts`);
export const memcachedSteps = inFile(`${SRC}/buffer/memcached-steps.test.ts`);
export const failover = inFile(`${SRC}/buffer/valkey-failover.test.ts`);
export const memoryLimit = inFile(`${SRC}/buffer/valkey-memory.test.ts`);
export const slots = inFile(`${SRC}/buffer/valkey-slots.test.ts`);
export const synced = inFile(`${SRC}/buffer/valkey-synced.test.ts`);
export const confirmer = inFile(`${SRC}/buffer/valkey-confirmer.test.ts`);
export const connection = inFile(`${SRC}/buffer/valkey-connection.test.ts`);
export const commit = inFile(`${SRC}/flusher/commit-batch.test.ts`);
export const commitEpochs = inFile(`${SRC}/flusher/commit-batch-epochs.test.ts`);
export const storeContract = inFile(`${SRC}/store/mysql/mysql-store.test.ts`);
export const transaction = inFile(`${SRC}/store/mysql/mysql-transaction.test.ts`);
export const infile = inFile(`${SRC}/store/mysql/mysql-infile.test.ts`);
export const sameByLoad = inFile(`${SRC}/store/mysql/mysql-infile-same.test.ts`);
export const errorTable = inFile(`${SRC}/store/mysql/mysql-errors.test.ts`);
export const cacheBehaviour = inFile('tests/system/cache-behaviour.test.ts');
export const observing = inFile('tests/system/observer.test.ts');
export const losses = inFile('tests/system/losses.test.ts');
export const storeAway = inFile('tests/system/store-away.test.ts');
export const degradedApi = inFile('tests/system/api-degraded.test.ts');
export const repartition = inFile('tests/system/repartition.test.ts');
export const repartitionEdges = inFile('tests/system/repartition-edges.test.ts');
export const repartitionLosses = inFile('tests/system/repartition-losses.test.ts');
/** The shortest way to break a promise where that guard is missing. */
export const counterexample = inFile('tests/crash/counterexamples.test.ts');
/** One scenario, stopped at every command in every way. */
export const everyStep = (scenario: string): CaughtBy => ({
  file: 'tests/crash/every-step-mysql-valkey.test.ts',
  suite: scenario,
  test: 'keeps every promise',
});
