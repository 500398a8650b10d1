/** The engine as others get it: built, packed, installed elsewhere, and one whole round with it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
const ROOT = new URL('../..', import.meta.url).pathname;

/** What a user's own program may look like: its own entity on one of its tables, with nothing of flights. */
const PROGRAM = `
import { openWriteBehindCache, parseSettings, readEnvironment } from '@afterwrite/write-behind';

const airline = {
  definition: {
    name: 'airline',
    parseId: (id) => String(id),
    parseChanges: (changes) => ({ airlinename: String(changes.airlinename) }),
  },
  mappings: {
    mysql: {
      loadSql: 'SELECT airline_id, airlinename FROM airline WHERE airline_id = ?',
      lockSql: 'SELECT airline_id, airlinename FROM airline WHERE airline_id IN (?) ORDER BY airline_id FOR UPDATE',
      idValue: Number,
      rowId: (row) => String(row.airline_id),
      toValue: (row) => ({ ...row }),
      change: (row, changes) => ({ ...row, ...changes }),
      async write({ run }, changes) {
        for (const { after } of changes) {
          await run('UPDATE airline SET airlinename = ? WHERE airline_id = ?', [after.airlinename, after.airline_id]);
        }
      },
    },
  },
};

const cache = await openWriteBehindCache(airline, parseSettings(readEnvironment()));
const before = await cache.get(3);
await cache.update(3, { airlinename: 'Packed Air' }, { user: 'somebody' });
const cached = await cache.get(3);
const flushed = await cache.flushQueue();
const check = await cache.verifyConsistency(3);
await cache.close();
console.log(JSON.stringify([before.source, cached.value.airlinename, flushed.processed, check.reason]));
`;

let world: World;
let folder: string;
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await world.dispose();
});

describe('the packed engine', () => {
  it('installs elsewhere and does a round', async () => {
    folder = await mkdtemp(join(tmpdir(), 'afterwrite-pack-'));
    world = await makeWorld({ flights: 10 });
    await run('npm', ['run', '--silent', 'build'], { cwd: ROOT });
    await run('npm', ['pack', '--pack-destination', folder, join(ROOT, 'packages/write-behind/dist')], {
      cwd: folder,
    });
    const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'elsewhere', private: true, type: 'module' }),
    );
    await writeFile(join(folder, 'program.js'), PROGRAM);
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], {
      cwd: folder,
    });
    const { stdout } = await run(process.execPath, ['program.js'], {
      cwd: folder,
      // The application's own user has no right on airlines.
      env: { ...process.env, ...world.environment, ...world.privileged },
    });
    expect(JSON.parse(stdout)).toEqual(['CACHE_MISS', 'Packed Air', 1, 'EQUAL']);
    const names = await world.rows('SELECT airlinename FROM airline WHERE airline_id = 3');
    expect(names).toEqual([{ airlinename: 'Packed Air' }]);
  });
});
