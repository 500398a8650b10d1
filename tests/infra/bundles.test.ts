/** What is deployed is what ran on this machine, byte for byte. */
import { readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalog } from '@afterwrite/functions/catalog';
import { resourcesOf } from './synthesized.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

test('the bundles are deployed as they are', async () => {
  const resources = await resourcesOf('production');
  const hashes = JSON.parse(read('functions/dist/hashes.json')) as Record<string, string>;
  expect(Object.keys(hashes).sort()).toEqual(Object.keys(catalog).sort());
  for (const [name, hash] of Object.entries(hashes)) {
    const folder = join(ROOT, 'functions/dist', name);
    // Nothing but this one file is in what SST zips; but the page's files with the function that serves them.
    const assets = name === 'console' ? readdirSync(join(folder, 'assets')).sort() : [];
    expect(readdirSync(folder)).toEqual([...(assets.length > 0 ? ['assets'] : []), 'index.mjs']);
    const bytes = createHash('sha256').update(readFileSync(join(folder, 'index.mjs')));
    for (const asset of assets) bytes.update(asset).update(readFileSync(join(folder, 'assets', asset)));
    expect(bytes.digest('hex')).toBe(hash);
  }
  const migration = resources.find(({ name }) => name === 'Migration');
  expect(migration?.inputs.triggers).toMatchObject({ bundle: hashes.migrate });
});
