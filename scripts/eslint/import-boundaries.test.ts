import { Linter } from 'eslint';
import { expect, test } from 'vitest';
import { importBoundaries } from './import-boundaries.ts';

const CHECKOUT = '/checkout';

function messagesFor(file: string, code: string): string[] {
  const messages = new Linter({ cwd: CHECKOUT }).verify(
    code,
    {
      files: ['**/*.ts'],
      plugins: { afterwrite: { rules: { 'import-boundaries': importBoundaries } } },
      rules: { 'afterwrite/import-boundaries': ['error', { root: CHECKOUT }] },
    },
    { filename: `${CHECKOUT}/${file}` },
  );
  return messages.map(({ message }) => message);
}

test.each([
  ['packages/flights/src/a.ts', `import '@afterwrite/write-behind';`],
  ['packages/flights/src/a.ts', `import './b/c.ts';`],
  ['packages/write-behind/testing/a.ts', `import '../src/index.ts';`],
  ['packages/write-behind/src/a.test.ts', `import '@afterwrite/local-engines';`],
  ['packages/local-stack/src/a.ts', `import '@afterwrite/local-engines';`],
  ['packages/local-stack/src/a.ts', `import '../../../functions/flush.ts';`],
  ['infra/api.ts', `import '../functions/routes.ts';`],
  ['tests/system/a.test.ts', `import '@afterwrite/flights';`],
  ['packages/write-behind/src/a.ts', `import 'mysql2/promise';`],
  ['packages/client/src/a.ts', `import { flight } from '@afterwrite/functions/schemas';`],
])('%s may: %s', (file, code) => {
  expect(messagesFor(file, code)).toEqual([]);
});

test.each([
  ['packages/write-behind/src/a.ts', `import '@afterwrite/flights';`, 'must not import flights'],
  ['packages/write-behind/src/a.ts', `export * from '@afterwrite/flights/x';`, 'must not import flights'],
  [
    'packages/write-behind/src/a.ts',
    `await import('@afterwrite/local-engines');`,
    'must not import local-engines',
  ],
  ['packages/local-engines/src/a.ts', `import '@afterwrite/write-behind';`, 'must not import write-behind'],
  [
    'packages/flights/src/a.ts',
    `export { a } from '../../write-behind/src/a.ts';`,
    'goes around its exports',
  ],
  ['tests/system/a.test.ts', `import '../../packages/flights/src/a.ts';`, 'goes around its exports'],
  ['packages/flights/src/a.ts', `import '../../../functions/flush.ts';`, 'must not import functions'],
  ['packages/client/src/a.ts', `import '@afterwrite/functions/compose';`, 'must not import functions'],
  ['packages/client/src/a.ts', `import '../../../functions/routes.ts';`, 'must not import functions'],
])('%s may not: %s', (file, code, message) => {
  expect(messagesFor(file, code)).toEqual([expect.stringContaining(message) as string]);
});
