/**
 * `npm run build`: emits JavaScript, types and source maps of the packages that others install into
 * packages/<name>/dist, with a package.json of its own, so that `npm pack packages/<name>/dist` gives a tarball
 * that needs neither this checkout nor a Node that reads TypeScript.
 *
 * Only what the entry points reach is emitted: tests and test helpers are left out by themselves.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { publishedManifest, type SourceManifest, sourceEntryPoints } from './build/manifest.ts';
import { root } from './run.ts';

/** In order: a package comes after those it imports. */
const PACKAGES = ['write-behind', 'flights', 'patterns'];
/** Carried along when the package has one, else the checkout's. */
const DOCUMENTS = ['README.md', 'LICENSE'];

interface Built {
  readonly name: string;
  readonly folder: string;
}

async function buildPackage(folder: string, before: readonly Built[]): Promise<Built> {
  const source = join(root, 'packages', folder);
  const dist = join(source, 'dist');
  const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as SourceManifest;
  await rm(dist, { recursive: true, force: true });
  emit({ source, dist, entryPoints: sourceEntryPoints(manifest), before });
  await mkdir(dist, { recursive: true });
  await writeFile(join(dist, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
  for (const document of DOCUMENTS) {
    const from = [join(source, document), join(root, document)].find((path) => existsSync(path));
    if (from !== undefined) await copyFile(from, join(dist, document));
  }
  console.log(`built packages/${folder}/dist`);
  return { name: manifest.name, folder };
}

interface EmitOptions {
  readonly source: string;
  readonly dist: string;
  readonly entryPoints: readonly string[];
  readonly before: readonly Built[];
}

function emit({ source, dist, entryPoints, before }: EmitOptions): void {
  const config = {
    extends: './tsconfig.build.json',
    compilerOptions: {
      rootDir: join(source, 'src'),
      outDir: dist,
      // Their sources lie outside of this package's; what an installed package sees is their emitted types.
      paths: Object.fromEntries(
        before.map(({ name, folder }) => [name, [`./packages/${folder}/dist/index.d.ts`]]),
      ),
    },
    files: entryPoints.map((path) => join(source, path)),
  };
  // The name of a file that could hold this configuration: paths in it are relative to that file's folder.
  const name = join(root, 'tsconfig.package.json');
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root, undefined, name);
  const compiler = ts.createProgram({ rootNames: parsed.fileNames, options: parsed.options });
  const { diagnostics } = compiler.emit();
  const all = [...parsed.errors, ...ts.getPreEmitDiagnostics(compiler), ...diagnostics];
  if (all.length > 0)
    throw new BuildError(ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(all), formatHost));
}

const formatHost: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => root,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
};

class BuildError extends Error {}

try {
  const built: Built[] = [];
  for (const folder of PACKAGES) built.push(await buildPackage(folder, built));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(error.message.trimEnd());
  process.exitCode = 1;
}
