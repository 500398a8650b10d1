import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from './run.ts';

/** Notes each call, then does what an installation would leave behind; `FAKE_NPM_EXIT` makes it fail. */
const FAKE_NPM = `
const { appendFileSync, mkdirSync, symlinkSync, rmSync } = require('node:fs');
appendFileSync('npm-calls', process.argv.slice(2).join(' ') + ' omit=' + (process.env.npm_config_omit ?? '') + '\\n');
if (process.env.FAKE_NPM_EXIT) process.exit(Number(process.env.FAKE_NPM_EXIT));
setTimeout(() => {
  rmSync('node_modules', { recursive: true, force: true });
  mkdirSync('node_modules/.bin', { recursive: true });
  symlinkSync(process.execPath, 'node_modules/.bin/node');
}, 300);
`;

/** A checkout with nothing but the set-up script, a lock file, and an npm that only pretends. */
function bareCheckout() {
  const path = mkdtempSync(join(tmpdir(), 'afterwrite-setup-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'scripts'));
  copyFileSync(join(root, 'scripts/setup.mjs'), join(path, 'scripts/setup.mjs'));
  writeFileSync(join(path, 'package-lock.json'), JSON.stringify({ packages: { '': {} } }));
  writeFileSync(join(path, 'npm-cli.js'), FAKE_NPM);
  const setUp = (env: Record<string, string> = {}, ...args: string[]) =>
    new Promise<{ code: number | null; output: string }>((resolve) => {
      const npm = { npm_execpath: join(path, 'npm-cli.js'), npm_node_execpath: process.execPath };
      const child = spawn(process.execPath, [join(path, 'scripts/setup.mjs'), ...args], {
        env: { PATH: process.env.PATH, ...npm, ...env },
      });
      let output = '';
      const collect = (text: Buffer) => (output += text.toString());
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      child.once('close', (code) => {
        resolve({ code, output });
      });
    });
  const calls = () => {
    const file = join(path, 'npm-calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  return { path, setUp, calls };
}

test('installs once, then prints nothing until the lock file changes', async () => {
  const { path, setUp, calls } = bareCheckout();
  expect(await setUp()).toMatchObject({ code: 0, output: expect.stringContaining('npm ci') as string });
  expect(await setUp()).toEqual({ code: 0, output: '' });
  expect(calls()).toHaveLength(1);
  appendFileSync(join(path, 'package-lock.json'), '\n');
  await setUp();
  expect(calls()).toHaveLength(2);
});

test('an installation that npm made from the same lock file is taken as it is', async () => {
  const { path, setUp, calls } = bareCheckout();
  await setUp();
  rmSync(join(path, 'node_modules/.afterwrite-setup'));
  const account = { packages: { 'node_modules/a': { version: '1.0.0' } } };
  mkdirSync(join(path, 'node_modules/a'));
  writeFileSync(join(path, 'node_modules/.package-lock.json'), JSON.stringify(account));
  writeFileSync(
    join(path, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...account.packages } }),
  );
  expect(await setUp()).toEqual({ code: 0, output: '' });
  expect(calls()).toHaveLength(1);

  account.packages['node_modules/a'].version = '1.0.1';
  writeFileSync(
    join(path, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...account.packages } }),
  );
  await setUp();
  expect(calls()).toHaveLength(2);
});

test('a failed installation is an error in one line and is tried again', async () => {
  const { setUp, calls } = bareCheckout();
  const failed = await setUp({ FAKE_NPM_EXIT: '7' });
  expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('npm ci failed (7)') as string });
  expect(failed.output).not.toContain('    at ');
  expect((await setUp()).code).toBe(0);
  expect(calls()).toHaveLength(2);
});

test('two at once: one installs, the other waits for it', async () => {
  const { setUp, calls } = bareCheckout();
  const both = await Promise.all([setUp(), setUp()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(calls()).toHaveLength(1);
});

test('the lock of a set-up that was killed is taken over', async () => {
  const { path, setUp, calls } = bareCheckout();
  const lock = join(path, '.local/setup.lock');
  mkdirSync(lock, { recursive: true });
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(lock, longAgo, longAgo);
  expect((await setUp()).code).toBe(0);
  expect(calls()).toHaveLength(1);
  expect(existsSync(lock)).toBe(false);
});

test('what the outer npm run was told does not reach npm ci', async () => {
  const { setUp, calls } = bareCheckout();
  await setUp({ npm_config_omit: 'optional' });
  expect(calls()).toEqual([expect.stringMatching(/^ci .*--include=optional omit=$/)]);
});

test('--engines fetches them, unless both servers are named or only containers are wanted', async () => {
  const { path, setUp } = bareCheckout();
  await setUp();
  mkdirSync(join(path, 'packages/local-engines/src'), { recursive: true });
  const fetcher = `
    import { appendFileSync } from 'node:fs';
    appendFileSync('fetched', process.argv[2] + '\\n');
    console.log('looking');
    setTimeout(() => process.exit(Number(process.env.FETCH_EXIT ?? 0)), Number(process.env.FETCH_MS ?? 0));
  `;
  writeFileSync(join(path, 'packages/local-engines/src/cli.ts'), fetcher);
  const fetches = () => readFileSync(join(path, 'fetched'), 'utf8').trim().split('\n').length;

  expect(await setUp({}, '--engines')).toEqual({ code: 0, output: '' });
  await setUp({ DB_HOST: 'db' }, '--engines');
  expect(fetches()).toBe(2);
  await setUp({ DB_HOST: 'db', CACHE_HOST: 'cache' }, '--engines');
  await setUp({ LOCAL_ENGINES: 'containers' }, '--engines');
  writeFileSync(join(path, '.env'), 'DB_HOST=db\nCACHE_HOST=cache\n');
  await setUp({}, '--engines');
  expect(fetches()).toBe(2);
  rmSync(join(path, '.env'));

  expect(await setUp({ FETCH_MS: '1800' }, '--engines')).toEqual({ code: 0, output: 'looking\n' });
  const failed = await setUp({ FETCH_EXIT: '3' }, '--engines');
  expect(failed).toMatchObject({ code: 1, output: expect.stringMatching(/^looking\n.*\(3\)/) as string });
});
