import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { BundleError, type Bundled, bundleFunctions, requireBundles } from './bundle.ts';
import { functionNames, projectBundles } from './project.ts';
import { BundleWatcher } from './watch.ts';

const root = mkdtempSync(join(tmpdir(), 'afterwrite-bundle-'));
let sourceDir: string;
let outDir: string;

beforeEach(() => {
  sourceDir = mkdtempSync(join(root, 'functions-'));
  outDir = join(sourceDir, 'dist');
  write(
    'first.ts',
    `import { join } from 'node:path';\nexport const handler = async () => join('a', 'b');\n`,
  );
  // As iovalkey and mysql2 do: CommonJS that asks for a module of Node at run time.
  write('common.cjs', `module.exports = { host: require('node:os').hostname(), folder: __dirname };\n`);
  write('second.ts', `import common from './common.cjs';\nexport const handler = async () => common;\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(sourceDir, { recursive: true });
  writeFileSync(join(sourceDir, name), text);
}

function options(names: readonly string[] = ['first', 'second']) {
  return { sourceDir, outDir, names };
}

async function handlerOf(name: string): Promise<() => Promise<unknown>> {
  const url = pathToFileURL(join(outDir, name, 'index.mjs')).href;
  return ((await import(`${url}?${Math.random()}`)) as { handler: () => Promise<unknown> }).handler;
}

test('one ES module a function, its hash beside it, source maps outside of the folder', async () => {
  const { bundles } = await bundleFunctions(options());
  expect(readdirSync(outDir).sort()).toEqual(['first', 'hashes.json', 'second', 'source-maps']);
  expect(readdirSync(join(outDir, 'first'))).toEqual(['index.mjs']);
  const hashes = JSON.parse(readFileSync(join(outDir, 'hashes.json'), 'utf8')) as Record<string, string>;
  for (const { name, sha256 } of bundles) {
    expect(hashes[name]).toBe(sha256);
    const bytes = readFileSync(join(outDir, name, 'index.mjs'));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  }
  expect(await (await handlerOf('first'))()).toBe('a/b');
  expect(await (await handlerOf('second'))()).toMatchObject({ folder: join(outDir, 'second') });
});

test('the same sources give the same bytes and leave the files alone', async () => {
  const { bundles: first } = await bundleFunctions(options());
  const writtenAt = statSync(join(outDir, 'first/index.mjs')).mtimeMs;
  const { bundles: again } = await bundleFunctions(options());
  expect(again.map(({ sha256 }) => sha256)).toEqual(first.map(({ sha256 }) => sha256));
  expect(again.every(({ isNew }) => !isNew)).toBe(true);
  expect(statSync(join(outDir, 'first/index.mjs')).mtimeMs).toBe(writtenAt);
});

test('files of a function lie beside its code, are in its hash, and go with what they are made of', async () => {
  const files = new Map([['page.html', Buffer.from('one')]]);
  const withFiles = { ...options(['first']), assets: { first: () => Promise.resolve(files) } };
  const hashOf = async () =>
    (await bundleFunctions(withFiles)).bundles.map(({ sha256, isNew }) => ({ sha256, isNew }));
  const [one] = await hashOf();
  expect(readFileSync(join(outDir, 'first/assets/page.html'), 'utf8')).toBe('one');
  expect(await hashOf()).toEqual([{ sha256: one?.sha256, isNew: false }]);
  files.set('page.html', Buffer.from('two'));
  const [two] = await hashOf();
  expect(two?.sha256).not.toBe(one?.sha256);
  expect(two?.isNew).toBe(true);
  files.clear();
  files.set('other.html', Buffer.from('three'));
  await hashOf();
  expect(readdirSync(join(outDir, 'first/assets'))).toEqual(['other.html']);
  const broken = {
    ...options(['first']),
    assets: { first: () => Promise.reject(new Error('page.tsx:1: no')) },
  };
  await expect(bundleFunctions(broken)).rejects.toThrow(BundleError);
  expect(readdirSync(join(outDir, 'first/assets'))).toEqual(['other.html']);
});

test('a function that is gone leaves no bundle; a mistake leaves the bundles as they were', async () => {
  await bundleFunctions(options());
  await bundleFunctions(options(['first']));
  expect(readdirSync(outDir)).not.toContain('second');
  const before = readFileSync(join(outDir, 'first/index.mjs'));
  write('first.ts', 'export const handler = ;');
  await expect(bundleFunctions(options(['first']))).rejects.toThrow(BundleError);
  await expect(bundleFunctions(options(['first']))).rejects.toThrow(/first\.ts:1:/);
  expect(readFileSync(join(outDir, 'first/index.mjs'))).toEqual(before);
});

test('bundles that were made before are taken if none is missing', async () => {
  await bundleFunctions(options());
  await expect(requireBundles(options())).resolves.toBeUndefined();
  const more = options(['first', 'third', 'second', 'fourth']);
  await expect(requireBundles(more)).rejects.toThrow(
    /no bundle of third, fourth: make it with `npm run bundle`/,
  );
});

test('a bundle that is too large is refused, with its largest parts', async () => {
  const random = Array.from({ length: 200_000 }, () => Math.random().toString(36)).join('');
  write('large.ts', `export default ${JSON.stringify(random)};`);
  write('first.ts', `import large from './large.ts';\nexport const handler = async () => large;\n`);
  await expect(bundleFunctions(options(['first']))).rejects.toThrow(/first has \d+ bytes zipped.*large\.ts/);
});

test('a change is bundled while it is watched, a mistake is told and mended', async () => {
  const { sourceFolders } = await bundleFunctions(options());
  expect(sourceFolders).toEqual([sourceDir]);
  const changed: Bundled[] = [];
  const failed: string[] = [];
  const watcher = new BundleWatcher(options(), sourceFolders, {
    onChanged: (bundled) => changed.push(bundled),
    onFailed: (message) => failed.push(message),
  });
  try {
    write('first.ts', 'export const handler = ;');
    await vi.waitFor(() => expect(failed[0]).toContain('first.ts:1'), { timeout: 10_000 });
    write('first.ts', `export const handler = async () => 'new';\n`);
    await vi.waitFor(() => expect(changed.map(({ name }) => name)).toEqual(['first']), { timeout: 10_000 });
    expect(await (await handlerOf('first'))()).toBe('new');
  } finally {
    await watcher.close();
  }
});

/** In a Node of its own: the test runner would transform every one of them first, and load what is looked for. */
async function loadAll(paths: readonly string[], traceEnabled: 'true' | 'false') {
  const program = `
    import hooks from 'node:async_hooks';
    import { syncBuiltinESMExports } from 'node:module';
    const { createHook } = hooks;
    let made = 0;
    hooks.createHook = (callbacks) => ((made += 1), createHook(callbacks));
    syncBuiltinESMExports();
    const handlers = [];
    for (const path of process.argv.slice(1)) handlers.push(typeof (await import(path)).handler);
    console.log(JSON.stringify({ handlers, hooks: made }));`;
  const args = ['--input-type=module', '-e', program, ...paths];
  const env = { ...process.env, POWERTOOLS_TRACE_ENABLED: traceEnabled };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as { readonly handlers: readonly string[]; readonly hooks: number };
}

test('every function of the project can be bundled and has a handler; one that does not trace hooks into no promise', async () => {
  const { bundles } = await bundleFunctions({ ...projectBundles, outDir });
  expect(bundles.map(({ name }) => name)).toEqual([...functionNames].sort());
  const paths = functionNames.map((name) => join(outDir, name, 'index.mjs'));
  expect(await loadAll(paths, 'false')).toEqual({ handlers: functionNames.map(() => 'function'), hooks: 0 });
  // The X-Ray SDK: it slows every await of the process.
  const traced = await loadAll(paths.slice(0, 1), 'true');
  expect(traced.hooks).toBeGreaterThan(0);
});
