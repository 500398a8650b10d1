/**
 * The console as files: one page, one script, one style sheet, the icon, and docs/OPERATIONS.md as a page beside it, so that
 * every link stays on the origin. Names of script and style sheet carry a hash of what is in them and may be cached for ever.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, stop } from 'esbuild';
import { operationsPage } from './operations.ts';

const root = join(import.meta.dirname, '..');
const OPERATIONS = join(root, '../../docs/OPERATIONS.md');

/** Name -> content. */
export type Site = ReadonlyMap<string, Uint8Array>;

/** Folders whose files go into it. */
export const siteSources: readonly string[] = [
  ...['src', 'src/live', 'src/style', 'src/ui', 'src/views'],
  '../client/src',
].map((folder) => join(root, folder));

/** Throws what esbuild says of a source that cannot be bundled. */
export async function buildSite(): Promise<Site> {
  const files = await bundle();
  const script = files.find(({ name }) => name.endsWith('.js'))?.name ?? '';
  const style = files.find(({ name }) => name.endsWith('.css'))?.name ?? '';
  const page = (await readFile(join(root, 'src/index.html'), 'utf8'))
    .replace('{{script}}', `console/${script}`)
    .replace('{{style}}', `console/${style}`);
  return new Map([
    ['index.html', Buffer.from(page)],
    ['operations.html', Buffer.from(operationsPage(await readFile(OPERATIONS, 'utf8'), style))],
    ['icon.svg', await readFile(join(root, 'src/icon.svg'))],
    ...files.map(({ name, content }) => [name, content] as const),
  ]);
}

async function bundle(): Promise<readonly { readonly name: string; readonly content: Uint8Array }[]> {
  try {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: { console: 'src/main.tsx' },
      entryNames: '[name]-[hash]',
      outdir: 'out',
      bundle: true,
      format: 'esm',
      target: ['es2023', 'chrome120', 'firefox121', 'safari17.4'],
      jsx: 'automatic',
      jsxImportSource: 'preact',
      minify: true,
      legalComments: 'none',
      write: false,
      logLevel: 'silent',
    });
    return outputFiles.map(({ path, contents }) => ({ name: basename(path), content: contents }));
  } finally {
    await stop();
  }
}
