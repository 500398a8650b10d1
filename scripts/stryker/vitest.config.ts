import { dirname } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = dirname(dirname(import.meta.dirname));

/** What a mutant runs against: everything that needs no server of its own, so that a mutant costs a second or two. */
export default defineConfig({
  root,
  test: {
    include: [
      'packages/write-behind/src/{buffer,flusher,store,cache}/**/*.test.ts',
      'tests/crash/counterexamples.test.ts',
      'tests/system/{flushing,bad-updates}.test.ts',
    ],
    exclude: [
      '**/valkey-{checks,confirmer,connection,failover,memory}.test.ts',
      '**/{mysql,mariadb}-own-server.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    globalSetup: ['./tests/support/engines-setup.ts'],
  },
});
