/** The list fits the source as it is today, and what counts as having seen a missing guard. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { Redis } from 'iovalkey';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { generateLua } from '../generate/lua.ts';
import { root } from '../run.ts';
import { mutations } from './list/index.ts';
import { mutate, type Mutation, namePattern } from './mutation.ts';
import { judge } from './verdict.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { host, port } = inject('valkey');
const valkey = new Redis({ host, port, lazyConnect: true });

afterAll(() => {
  valkey.disconnect();
});

/** The commands that a changed file of a folder changes, as Valkey runs them. */
async function changedCommands(file: string, text: string): Promise<string[]> {
  const [folder = '', name = ''] = file.split('/lua/');
  const path = `${folder}/lua`;
  const files = new Map(
    globSync('**/*.lua', { cwd: join(root, path) }).map((each) => [each, read(`${path}/${each}`)]),
  );
  const before = await commandsOf(generateLua({ path, files }));
  const after = await commandsOf(generateLua({ path, files: new Map([...files, [name, text]]) }));
  return after.filter((command) => !before.includes(command));
}

async function commandsOf(module: string): Promise<string[]> {
  const { code } = await transform(module, { loader: 'ts' });
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const { luaScripts } = (await import(url)) as { luaScripts: Record<string, { lua: string }> };
  return Object.values(luaScripts).map(({ lua }) => lua);
}

async function expectToLoad({ file }: Mutation, text: string): Promise<void> {
  if (file.endsWith('.ts')) {
    await transform(text, { loader: 'ts' });
    return;
  }
  if (!file.endsWith('.lua')) return;
  const commands = await changedCommands(file, text);
  expect(commands).not.toEqual([]);
  for (const command of commands) await valkey.script('LOAD', command);
}

describe('the list', () => {
  test('has each name once', () => {
    const names = mutations.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s still fits the source, and what it makes of it still loads',
    async (_name, mutation) => {
      const text = read(mutation.file);
      const mutated = mutate(mutation, text);
      expect(mutated).not.toBe(text);
      await expectToLoad(mutation, mutated);
    },
  );

  test('names tests that there are', () => {
    const places = ['packages/write-behind/{src,testing}/**/*.ts', 'tests/{crash,support,system}/**/*.ts'];
    const sources = new Map(globSync(places, { cwd: root }).map((file) => [file, read(file)]));
    const text = [...sources.values()].join('\n');
    const wrong = mutations.flatMap(({ name, caughtBy }) => {
      const titles = caughtBy.flatMap(({ suite, test: title }) => [suite, title]);
      return [
        ...(caughtBy.length === 0 ? [`${name} is caught by none`] : []),
        ...caughtBy
          .filter(({ file }) => !sources.has(file))
          .map(({ file }) => `${name}: there is no ${file}`),
        ...titles
          .filter((title) => !text.includes(title ?? ''))
          .map((title) => `${name}: no test is ${String(title)}`),
      ];
    });
    expect(wrong).toEqual([]);
  });
});

describe('a mutation', () => {
  const mutation: Mutation = {
    name: 'm',
    guard: 'g',
    file: 'f.ts',
    edits: [{ find: 'a', replace: '$&' }],
    caughtBy: [],
  };

  test('replaces its text, which has no other meaning than itself', () => {
    expect(mutate(mutation, 'bab')).toBe('b$&b');
    const pattern = new RegExp(namePattern({ file: 'f', suite: 'acks (late)', test: 'once.' }) ?? '');
    expect(pattern.test('4 acks (late) > many > once.')).toBe(true);
    expect(pattern.test('4 acks (late) > many > once!')).toBe(false);
  });

  test.each(['bbb', 'aba'])('of a text that is not there once is out of date: %s', (text) => {
    expect(() => mutate(mutation, text)).toThrow(/m: its text occurs (0|2) times in f\.ts, not once/);
  });
});

describe('a missing guard is seen', () => {
  const assertion = (message: string, actual?: unknown) => ({ name: 'AssertionError', message, actual });

  test('by a broken promise, wherever the error names it', () => {
    const seen = { invariant: '3', message: 'lost good2' };
    expect(
      judge(['a test'], [assertion('expected [ Array(1) ] to …', '[\n  "3 lost good2",\n]')]),
    ).toMatchObject(seen);
    expect(judge(['a test'], [assertion('x/5/dies after\n  3 lost good2\n  > ack')])).toMatchObject(seen);
    expect(
      judge(['a test'], [{ message: 'Property failed', cause: assertion('', ['3 lost good2']) }]),
    ).toMatchObject(seen);
  });

  test.each([
    [['7 acks only forward', 'a late ack'], '7'],
    [['1 to 7, 9 the shortest ways', 'ack by count'], '1 to 7, 9'],
    [['Valkey', '4: once'], '4'],
    [['10 storeError', '1213 may pass'], '10'],
  ])('by an assertion of a test that is named by its invariant: %o', (path, invariant) => {
    expect(judge(path, [assertion('expected 1 to be 2')])).toMatchObject({
      invariant,
      message: 'expected 1 to be 2',
    });
  });

  test.each([
    ['a time-out', ['7 acks'], { name: 'Error', message: 'Test timed out in 30000ms.' }],
    ['a crash', ['7 acks'], { name: 'TypeError', message: 'x is undefined' }],
    [
      'a crash where an outcome was awaited',
      ['7 acks'],
      assertion('promise rejected "Error" instead of resolving'),
    ],
    ['a test of no invariant', ['1,000 rows', '1213 may pass'], assertion('expected 1 to be 2')],
  ])('not by %s', (_what, path, failure) => {
    expect(judge(path, [failure])).toBeUndefined();
  });
});
