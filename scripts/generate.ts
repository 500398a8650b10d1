/**
 * `npm run generate` writes the files that are made from others; with `--check` it writes nothing, names each
 * file that is not what its source makes, and exits with 1.
 *
 * Each folder `lua` or `sql` under packages/<name>/src becomes `lua.generated.ts` or `sql.generated.ts` beside
 * it, so that scripts and statements are edited, read and diffed as what they are. `--root <folder>` works on
 * another checkout.
 */
import { globSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { generateLua } from './generate/lua.ts';
import { GenerateError, type SourceFolder } from './generate/source.ts';
import { generateSql } from './generate/sql.ts';
import { type Generator, generators } from './generators.ts';
import { root as ownRoot } from './run.ts';

const LANGUAGES = { lua: generateLua, sql: generateSql } as const;

function readFolder(root: string, path: string, extension: string): SourceFolder {
  const names = globSync(`**/*.${extension}`, { cwd: join(root, path) })
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
  return { path, files: new Map(names.map((name) => [name, readFileSync(join(root, path, name), 'utf8')])) };
}

function foldersIn(root: string): Generator[] {
  return Object.entries(LANGUAGES).flatMap(([language, make]) => {
    const found = globSync(`packages/*/src/**/${language}/`, { cwd: root }).map((path) =>
      path.replaceAll('\\', '/').replace(/\/$/, ''),
    );
    return found.sort().flatMap((path) => {
      const folder = readFolder(root, path, language);
      return folder.files.size === 0 ? [] : [{ file: `${path}.generated.ts`, make: () => make(folder) }];
    });
  });
}

/** Generated files whose folder is gone: nothing would notice that they are out of date. */
function orphans(root: string, expected: readonly Generator[]): string[] {
  const known = new Set(expected.map(({ file }) => file));
  const present = globSync('packages/*/src/**/{lua,sql}.generated.ts', { cwd: root });
  return present.map((file) => file.replaceAll('\\', '/')).filter((file) => !known.has(file));
}

function currentText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, root: { type: 'string', default: ownRoot } },
  });
  const { check, root } = values;
  const all = [...foldersIn(root), ...(root === ownRoot ? generators : [])];
  const complaints = orphans(root, all).map((file) => `${file}: its folder is gone, delete it`);
  for (const { file, make } of all) {
    const text = await make();
    const path = join(root, file);
    if (currentText(path) === text) continue;
    if (check) {
      complaints.push(`${file} is not what its source makes: run \`npm run generate\` and commit the result`);
    } else {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      console.log(`wrote ${file}`);
    }
  }
  for (const complaint of complaints) console.error(complaint);
  return complaints.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof GenerateError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
