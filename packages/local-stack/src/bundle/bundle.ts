/**
 * One ES module a function, as it is deployed: `<outDir>/<name>/index.mjs`. The same sources give the same bytes, which
 * `<outDir>/hashes.json` names, so what was tried on one machine can be shown to be what is deployed. Source maps lie
 * beside the folders, not in them: they would be most of what a cold start has to load.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { type BuildOptions, type BuildResult, build, type Metafile, stop } from 'esbuild';

/** A larger one costs every cold start time, and shows that something came along that was not meant to. */
const MAX_ZIPPED_BYTES = 800 * 1024;
const SOURCE_MAPS = 'source-maps';
/** Folder of them in a function's own. */
const ASSETS = 'assets';
const HASHES = 'hashes.json';

/** CommonJS packages ask for `require` and for where they are; an ES module has neither. */
const BANNER = [
  "import { createRequire as makeRequire } from 'node:module';",
  "import { fileURLToPath as urlToPath } from 'node:url';",
  "import { dirname as folderOf } from 'node:path';",
  'const require = makeRequire(import.meta.url);',
  'const __filename = urlToPath(import.meta.url);',
  'const __dirname = folderOf(__filename);',
].join('');

export interface BundleOptions {
  /** Folder with `<name>.ts` of every function. */
  readonly sourceDir: string;
  readonly outDir: string;
  readonly names: readonly string[];
  /** Files that lie beside a function's code, made anew with each bundling: name of the function -> what makes them. */
  readonly assets?: Readonly<Record<string, () => Promise<ReadonlyMap<string, Uint8Array>>>>;
  /** Folders of what assets are made of. */
  readonly assetSources?: readonly string[];
}

export interface Bundled {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** What the bundle adds to a zip file. */
  readonly zippedBytes: number;
  /** False when the same bytes were there already. */
  readonly isNew: boolean;
}

/** The sources cannot be bundled; the message has file and line. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

export interface BundleResult {
  readonly bundles: readonly Bundled[];
  /** Folders with sources of ours that went into them. */
  readonly sourceFolders: readonly string[];
}

/** Throws BundleError. What was bundled before stays as it is then. */
export async function bundleFunctions(options: BundleOptions): Promise<BundleResult> {
  await mkdir(options.outDir, { recursive: true });
  const settings = buildOptions(options);
  let result: Outputs;
  try {
    result = await build(settings);
  } catch (error) {
    throw new BundleError(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    // Its process would keep all it has read: 700 MB for ten functions.
    await stop();
  }
  const sources = Object.keys(result.metafile.inputs).filter((path) => !path.includes('node_modules/'));
  const folders = sources.map((path) => dirname(join(settings.absWorkingDir, path)));
  const sourceFolders = [...new Set([...folders, ...(options.assetSources ?? [])])];
  return { bundles: await writeBundles(options, result, await makeAssets(options)), sourceFolders };
}

/** Throws BundleError unless every function has a bundle: made at an earlier time, or on another machine. */
export async function requireBundles({ outDir, names }: BundleOptions): Promise<void> {
  const isThere = await Promise.all(
    names.map((name) =>
      access(join(outDir, name, 'index.mjs')).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = names.filter((_name, index) => !isThere[index]);
  if (missing.length > 0)
    throw new BundleError(
      `${outDir} has no bundle of ${missing.join(', ')}: make it with \`npm run bundle\`.`,
    );
}

type Outputs = BuildResult<ReturnType<typeof buildOptions>>;

function buildOptions({ sourceDir, outDir, names }: BundleOptions) {
  return {
    absWorkingDir: dirname(sourceDir),
    entryPoints: Object.fromEntries(names.map((name) => [`${name}/index`, join(sourceDir, `${name}.ts`)])),
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // The ES module of a package leaves out what is not used.
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: 'external',
    // They are in the repository.
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: BANNER },
    metafile: true,
    write: false,
    logLevel: 'silent',
  } as const satisfies BuildOptions;
}

/** By function. */
type Assets = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

async function makeAssets({ assets = {} }: BundleOptions): Promise<Assets> {
  const made = Object.entries(assets).map(async ([name, make]) => [name, await make()] as const);
  return new Map(
    await Promise.all(made).catch((error: unknown) => {
      throw new BundleError(error instanceof Error ? error.message : String(error), { cause: error });
    }),
  );
}

async function writeBundles(
  options: BundleOptions,
  result: Outputs,
  assets: Assets,
): Promise<readonly Bundled[]> {
  const { outDir, names } = options;
  const bundles: Bundled[] = [];
  for (const file of result.outputFiles) {
    const name = basename(dirname(file.path));
    if (file.path.endsWith('.map')) {
      await replaceFile(join(outDir, SOURCE_MAPS, `${name}.mjs.map`), file.contents);
      continue;
    }
    const zippedBytes = (await promisify(deflateRaw)(file.contents)).length;
    if (zippedBytes > MAX_ZIPPED_BYTES) throw new BundleError(tooLarge(name, zippedBytes, result.metafile));
    const beside = assets.get(name) ?? new Map<string, Uint8Array>();
    // Before the code, which reads them; an environment that runs has read the ones that go.
    const areNew = await replaceAssets(join(outDir, name, ASSETS), beside);
    const isNew = (await replaceFile(join(outDir, name, basename(file.path)), file.contents)) || areNew;
    const hash = sha256(file.contents, ...[...beside].sort(([a], [b]) => (a < b ? -1 : 1)).flat());
    bundles.push({ name, sha256: hash, bytes: file.contents.length, zippedBytes, isNew });
  }
  bundles.sort((a, b) => (a.name < b.name ? -1 : 1));
  const hashes = Object.fromEntries(bundles.map(({ name, sha256: hash }) => [name, hash]));
  await replaceFile(join(outDir, HASHES), Buffer.from(`${JSON.stringify(hashes, null, 2)}\n`));
  await removeOthers(outDir, [...names, SOURCE_MAPS, HASHES]);
  return bundles;
}

function tooLarge(name: string, zippedBytes: number, { outputs }: Metafile): string {
  const [, output] = Object.entries(outputs).find(([path]) => path.endsWith(`${name}/index.mjs`)) ?? [];
  const parts = Object.entries(output?.inputs ?? {}).sort(
    ([, a], [, b]) => b.bytesInOutput - a.bytesInOutput,
  );
  const largest = parts.slice(0, 5).map(([path, { bytesInOutput }]) => `${path} (${bytesInOutput})`);
  return `${name} has ${zippedBytes} bytes zipped, ${MAX_ZIPPED_BYTES} are allowed. Largest parts: ${largest.join(', ')}`;
}

function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** True when any of them is new. */
async function replaceAssets(folder: string, assets: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
  const areNew = [];
  for (const [name, bytes] of assets) areNew.push(await replaceFile(join(folder, name), bytes));
  for (const name of await readdir(folder).catch(() => [])) {
    if (!assets.has(name) && !name.endsWith('.draft')) await rm(join(folder, name), { recursive: true });
  }
  return areNew.includes(true);
}

/** In one step: an environment may be about to load it. False when it has these bytes already. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const present = await readFile(path).catch(() => undefined);
  if (present?.equals(bytes)) return false;
  const draft = `${path}.${process.pid}.draft`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(draft, bytes);
  await rename(draft, path);
  return true;
}

/** Functions that are gone must not be deployed. */
async function removeOthers(outDir: string, wanted: readonly string[]): Promise<void> {
  for (const name of await readdir(outDir)) {
    if (!wanted.includes(name) && !name.endsWith('.draft')) await rm(join(outDir, name), { recursive: true });
  }
}
