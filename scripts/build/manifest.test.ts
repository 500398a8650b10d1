import { expect, test } from 'vitest';
import { publishedManifest, sourceEntryPoints } from './manifest.ts';

const manifest = {
  name: '@afterwrite/flights',
  version: '1.2.3',
  private: true,
  exports: { '.': './src/index.ts', './tables': './src/schema/tables.ts', './testing': './testing/index.ts' },
  dependencies: { '@afterwrite/write-behind': '*', mysql2: '^3.0.0' },
};

test('entry points lead to the emitted files, and test helpers are not shipped', () => {
  expect(sourceEntryPoints(manifest)).toEqual(['./src/index.ts', './src/schema/tables.ts']);
  expect(publishedManifest(manifest)).toMatchObject({
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './tables': { types: './schema/tables.d.ts', default: './schema/tables.js' },
    },
  });
});

test('it can be published, and asks for exactly the sibling it was built with', () => {
  const published = publishedManifest(manifest);
  expect(published).not.toHaveProperty('private');
  expect(published).toMatchObject({
    dependencies: { '@afterwrite/write-behind': '1.2.3', mysql2: '^3.0.0' },
  });
});
