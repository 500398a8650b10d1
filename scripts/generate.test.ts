import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateLua } from './generate/lua.ts';
import { quote, type SourceFolder } from './generate/source.ts';
import { generateSql } from './generate/sql.ts';
import { root } from './run.ts';

const folder = (files: Record<string, string>): SourceFolder => ({
  path: 'packages/x/src/lua',
  files: new Map(Object.entries(files)),
});

/** What a program that imports the generated module sees. */
async function evaluate(module: string): Promise<Record<string, unknown>> {
  const javascript = module.replace(/ as const;\n$/, ';\n');
  const url = `data:text/javascript,${encodeURIComponent(javascript)}`;
  return { ...((await import(url)) as Record<string, unknown>) };
}

describe('Lua', () => {
  test('a command carries its number of keys and its text without comments and blank lines', async () => {
    const lua = '#!lua flags=allow-oom\n-- KEYS[1] queue\n\nlocal x = 1 -- why\n  -- more\nreturn x\n';
    const module = await evaluate(generateLua(folder({ 'trim-queue-2.lua': lua })));
    expect(module).toMatchObject({
      luaScripts: {
        trimQueue: { numberOfKeys: 2, lua: '#!lua flags=allow-oom\nlocal x = 1 -- why\nreturn x\n' },
      },
    });
  });

  test('a command whose number of keys varies carries none', async () => {
    const { luaScripts } = await evaluate(generateLua(folder({ 'go-n.lua': 'return #KEYS\n' })));
    expect(luaScripts).toEqual({ go: { lua: 'return #KEYS\n' } });
  });

  test('strings that look like comments, templates or escapes arrive as they are', async () => {
    const body = 'local a = "-- no `comment` ${here} \\n"\nreturn a\n';
    const { luaScripts } = await evaluate(generateLua(folder({ 'a-0.lua': body })));
    expect(luaScripts).toEqual({ a: { numberOfKeys: 0, lua: body } });
  });

  test('an include comes once, where it is first asked for, and the #! line stays first', async () => {
    const files = {
      'go-1.lua': '#!lua\n--- @include "outer"\n--- @include "inner"\nreturn outer()\n',
      'includes/inner.lua': 'local function inner() return 1 end\n',
      'includes/outer.lua': '--- @include "inner"\nlocal function outer() return inner() end\n',
    };
    const { luaScripts } = await evaluate(generateLua(folder(files)));
    const expected = [
      '#!lua',
      'local function inner() return 1 end',
      'local function outer() return inner() end',
      'return outer()\n',
    ].join('\n');
    expect(luaScripts).toEqual({ go: { numberOfKeys: 1, lua: expected } });
  });

  test.each([
    ['a circle', { 'a-0.lua': '--- @include "x"', 'includes/x.lua': '--- @include "x"' }, /circle: x -> x/],
    ['an unknown include', { 'a-0.lua': '--- @include "x"' }, /no includes\/x\.lua/],
    [
      'an include that nothing uses',
      { 'a-0.lua': 'return 1', 'includes/x.lua': '' },
      /x\.lua: nothing includes/,
    ],
    ['an include line that is almost right', { 'a-0.lua': '-- @include "x"' }, /cannot read the line/],
    ['a name without a number of keys', { 'a.lua': 'return 1' }, /<number of keys>/],
    ['two commands of one name', { 'a-0.lua': 'return 1', 'a-1.lua': 'return 1' }, /both named a/],
    ['a long string', { 'a-0.lua': 'local x = [[\n-- text\n]]' }, /long brackets/],
    ['a long comment', { 'a-0.lua': '--[==[\nreturn 1\n]==]' }, /long brackets/],
  ])('%s is refused', (_, files, message) => {
    expect(() => generateLua(folder(files))).toThrow(message);
  });
});

describe('SQL', () => {
  test('a file is one statement without comments and semicolon', async () => {
    const text = '-- why\nSELECT 1 -- kept\nFROM flight\n  -- more\nWHERE a = "--x";\n';
    const { sql } = await evaluate(generateSql(folder({ 'lock-flights.sql': text })));
    expect(sql).toEqual({ lockFlights: 'SELECT 1 -- kept\nFROM flight\nWHERE a = "--x"' });
  });

  test('a schema is a list of statements', async () => {
    const text = "CREATE TABLE a (b CHAR DEFAULT ';x');\n-- two\nCREATE TABLE c (\n  d INT\n);\n";
    const { sql } = await evaluate(generateSql(folder({ 'own-tables.schema.sql': text })));
    expect(sql).toEqual({
      ownTables: ["CREATE TABLE a (b CHAR DEFAULT ';x')", 'CREATE TABLE c (\n  d INT\n)'],
    });
  });

  test.each([
    ['two statements in one file', { 'a.sql': 'SELECT 1;\nSELECT 2;\n' }, /holds 2 statements/],
    ['an empty file', { 'a.sql': '-- nothing\n' }, /holds no statement/],
    ['an odd name', { 'A_b.sql': 'SELECT 1' }, /name it/],
  ])('%s is refused', (_, files, message) => {
    expect(() => generateSql(folder(files))).toThrow(message);
  });
});

test('a quoted text evaluates to itself', () => {
  const piece = fc.constantFrom('`', '${', '$', '{', '\\', '\n', '\r', "'", '"', 'a', '\u2028');
  fc.assert(
    fc.property(fc.string({ unit: piece }), (text) => {
      return runInNewContext(quote(text)) === text;
    }),
  );
});

describe('npm run generate', () => {
  async function checkout(files: Record<string, string>) {
    const path = await mkdtemp(join(tmpdir(), 'afterwrite-generate-'));
    onTestFinished(() => rm(path, { recursive: true }));
    const write = async (file: string, text: string) => {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    };
    for (const [file, text] of Object.entries(files)) await write(file, text);
    const read = (file: string) => readFile(join(path, file), 'utf8');
    const generate = async (...args: string[]) => {
      const command = [join(root, 'scripts/generate.ts'), '--root', path, ...args];
      const ended = promisify(execFile)(process.execPath, command);
      return ended.then(
        () => ({ code: 0, stderr: '' }),
        (error: unknown) => error as { code: number; stderr: string },
      );
    };
    return { write, read, generate };
  }

  test('writes beside the folder, then finds nothing to complain about', async () => {
    const { read, generate } = await checkout({
      'packages/x/src/buffer/lua/peek-1.lua': 'return 1\n',
      'packages/x/src/store/sql/lock.sql': 'SELECT 1;\n',
    });
    expect((await generate()).code).toBe(0);
    expect(await read('packages/x/src/buffer/lua.generated.ts')).toContain('peek: { numberOfKeys: 1');
    expect(await read('packages/x/src/store/sql.generated.ts')).toContain('lock: `SELECT 1`');
    expect((await generate('--check')).code).toBe(0);
  });

  test('--check names what drifted and changes nothing', async () => {
    const { read, write, generate } = await checkout({ 'packages/x/src/sql/lock.sql': 'SELECT 1;\n' });
    await generate();
    await write('packages/x/src/sql/lock.sql', 'SELECT 2;\n');
    const checked = await generate('--check');
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain('packages/x/src/sql.generated.ts is not what its source makes');
    expect(await read('packages/x/src/sql.generated.ts')).toContain('SELECT 1');
  });

  test('a generated file whose folder is gone is named', async () => {
    const { generate } = await checkout({ 'packages/x/src/lua.generated.ts': '' });
    const checked = await generate('--check');
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain('packages/x/src/lua.generated.ts: its folder is gone');
  });
});
