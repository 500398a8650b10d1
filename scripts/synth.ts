/**
 * `npm run synth -- --stage production`: every resource that a deployment of the stage would ask for, as JSON on standard
 * output, `[{ type, name, inputs }]` (`npm run --silent` leaves out npm's own two lines), without an account: the real
 * program with SST's real components on a stand-in for Pulumi's engine and for the `sst` command. `--dev` runs it as `sst dev`
 * does; `--database` and `--cache` show what it would be with another engine than its settings name, `--all` with each database
 * and each cache: an object of such lists. Names that AWS would give are made up.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { type CacheEngine, cacheEngines } from '../infra/cache-engines.ts';
import { type DatabaseEngine, databaseEngines } from '../infra/database-engines.ts';
import { root, run } from './run.ts';
import { ensurePlatform, platformFolder } from './synth/platform.ts';
import { startRpcServer } from './synth/rpc-server.ts';
import type { Engines, Program, Resource } from './synth/types.ts';

const DATABASES = Object.keys(databaseEngines) as DatabaseEngine[];
const CACHES = Object.keys(cacheEngines) as CacheEngine[];
const USAGE = `Usage: npm run synth -- --stage STAGE [--dev] [--database ${DATABASES.join('|')}] [--cache ${CACHES.join('|')}] [--all]`;

interface Options {
  readonly stage: string;
  readonly isDev: boolean;
  readonly engines: Engines;
  readonly isForAll: boolean;
}

function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      stage: { type: 'string' },
      dev: { type: 'boolean', default: false },
      database: { type: 'string' },
      cache: { type: 'string' },
      all: { type: 'boolean', default: false },
    },
  });
  const database = DATABASES.find((name) => name === values.database);
  const cache = CACHES.find((name) => name === values.cache);
  const isNamed = /^[a-z][a-z0-9-]{0,30}$/.test(values.stage ?? '');
  if (!isNamed || database !== values.database || cache !== values.cache) throw new Error(USAGE);
  return {
    stage: values.stage ?? '',
    isDev: values.dev,
    engines: { database, cache },
    isForAll: values.all,
  };
}

/** The first half of sst.config.ts, which `sst` asks before it builds the second. */
async function readApp(stage: string): Promise<object> {
  Object.assign(globalThis, { $config: (config: unknown) => config });
  const file = pathToFileURL(join(root, 'sst.config.ts')).href;
  const config = (await import(file)) as { default: { app(input: { stage: string }): Promise<object> } };
  return await config.default.app({ stage });
}

/** As `sst` builds a program: one file beside the platform, whose packages stay where they are. */
async function buildProgram({ stage, isDev }: Options): Promise<string> {
  const folder = join(platformFolder, 'eval');
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `synth-${process.pid}.mjs`);
  const app = { ...(await readApp(stage)), stage, providers: { aws: {} } };
  const paths = { home: folder, root, work: join(root, '.sst'), platform: platformFolder };
  await build({
    entryPoints: [join(root, 'infra/synth/program.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    packages: 'external',
    alias: { 'sst-platform': join(platformFolder, 'src') },
    // The paths there are for tsc; packages are to stay outside.
    tsconfigRaw: {},
    inject: [join(platformFolder, 'src/shim/run.js')],
    define: {
      $app: JSON.stringify(app),
      $cli: JSON.stringify({ command: isDev ? 'dev' : 'deploy', rpc: '', paths, state: { version: {} } }),
      $dev: String(isDev),
    },
    logLevel: 'error',
  });
  return outfile;
}

/** What is deployed; made when nobody has yet. `npm run bundle` makes it anew. */
async function ensureBundles(): Promise<void> {
  if (existsSync(join(root, 'functions/dist/hashes.json'))) return;
  const { code, output } = await run('node', ['packages/local-stack/src/cli/bundle.ts'], {
    output: 'capture',
  });
  if (code !== 0) throw new Error(`The functions could not be bundled (${code}):\n${output}`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  // Standard output is for the JSON; SST and Pulumi talk, too.
  console.log = console.info = console.warn = console.error;
  // An error inside an `apply` shows nowhere else.
  process.on('unhandledRejection', (reason) => {
    console.error(reason);
    process.exit(1);
  });
  await ensureBundles();
  await ensurePlatform((line) => console.error(line));
  process.env.SST_SERVER = await startRpcServer();
  const file = pathToFileURL(await buildProgram(options)).href;
  try {
    const output = options.isForAll
      ? await synthesizeAll(file, options.stage)
      : await synthesize(file, options.stage, options.engines);
    process.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
  } finally {
    await rm(new URL(file));
  }
}

/** By `database+cache`. */
async function synthesizeAll(file: string, stage: string): Promise<Readonly<Record<string, Resource[]>>> {
  const all: Record<string, Resource[]> = {};
  for (const database of DATABASES)
    for (const cache of CACHES)
      all[`${database}+${cache}`] = await synthesize(file, stage, { database, cache });
  return all;
}

async function synthesize(file: string, stage: string, engines: Engines): Promise<Resource[]> {
  // SST's components remember names that were given: each time they are loaded anew.
  const { database = '', cache = '' } = engines;
  const program = (await import(`${file}?${database}+${cache}`)) as Program;
  const synthesis = program.synthesize(stage, engines);
  // As with Pulumi itself, the program has ended when nothing of it is left to run.
  await once(process, 'beforeExit');
  return synthesis.resources();
}

await main().catch((error: unknown) => {
  console.error(`afterwrite: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
