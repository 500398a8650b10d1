/** What a deployment of a stage would ask for: `npm run synth` is run once for each variant and read by all tests. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CacheEngine } from '../../infra/cache-engines.ts';
import type { DatabaseEngine } from '../../infra/database-engines.ts';
import type { Resource as Written } from '../../scripts/synth/types.ts';
import { cacheNames, databaseNames, type Engines } from './engines.ts';

/** As scripts/synth.ts writes it; the tests change their copies. */
export type Resource = Omit<Written, 'inputs'> & { inputs: Record<string, unknown> };

/** A stage and what it was asked with; or `production` with other engines than its settings name. */
export type Variant =
  'production' | 'dev' | 'dev-others' | 'options' | 'options-others' | 'local' | 'local-others' | Combination;
export type Combination = `${DatabaseEngine}+${CacheEngine}`;

interface Asked {
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly engines: Engines;
}

const ROOT = join(import.meta.dirname, '../..');
const LONGEST_MS = 90_000;
/** Of all combinations together, on a machine that others load. */
export const LONGEST_OF_ALL_MS = 240_000;
const MOST_BYTES = 32 * 1024 ** 2;

/** What the settings of both stages name. */
const CHOSEN: Engines = { database: 'rds-mysql', cache: 'valkey' };

export const combinations: readonly Combination[] = databaseNames.flatMap((database) =>
  cacheNames.map((cache): Combination => `${database}+${cache}`),
);

/** `options`: all that whoever deploys may choose. `others`: with engines of another kind. `local`: `sst dev`. */
const STAGES: Readonly<Record<Exclude<Variant, Combination>, Asked>> = {
  production: { args: ['--stage', 'production'], env: {}, engines: CHOSEN },
  dev: { args: ['--stage', 'dev'], env: {}, engines: CHOSEN },
  options: {
    args: ['--stage', 'production'],
    engines: CHOSEN,
    env: {
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'afterwrite, other',
      CORS_ORIGINS: 'https://app.example',
      ALARM_EMAIL: 'ops@example.com',
      DB_PROXY: '1',
      FLIGHT_LOG_INDEX: '1',
    },
  },
  'dev-others': {
    args: ['--stage', 'dev', '--database', 'aurora-postgresql', '--cache', 'memcached'],
    env: {},
    engines: { database: 'aurora-postgresql', cache: 'memcached' },
  },
  'options-others': {
    args: ['--stage', 'production', '--database', 'rds-postgresql', '--cache', 'redis'],
    env: { DB_PROXY: '1' },
    engines: { database: 'rds-postgresql', cache: 'redis' },
  },
  local: { args: ['--stage', 'anna', '--dev'], env: {}, engines: CHOSEN },
  'local-others': {
    args: ['--stage', 'anna', '--dev', '--database', 'rds-postgresql', '--cache', 'memcached'],
    env: {},
    engines: { database: 'rds-postgresql', cache: 'memcached' },
  },
};

export function enginesOf(variant: Variant): Engines {
  if (variant in STAGES) return STAGES[variant as keyof typeof STAGES].engines;
  const [database, cache] = variant.split('+') as [DatabaseEngine, CacheEngine];
  return { database, cache };
}

const run = promisify(execFile);
const done = new Map<Variant, Promise<string>>();

/** A copy for the caller to change. */
export async function resourcesOf(variant: Variant): Promise<Resource[]> {
  const text = done.get(variant) ?? synthesize(variant);
  done.set(variant, text);
  return JSON.parse(await text) as Resource[];
}

async function synthesize(variant: Variant): Promise<string> {
  if (!(variant in STAGES)) return await combined(variant as Combination);
  const { args, env } = STAGES[variant as keyof typeof STAGES];
  return await runScript('scripts/synth.ts', args, env);
}

let all: Promise<Record<Combination, unknown>> | undefined;

async function combined(name: Combination): Promise<string> {
  all ??= runScript('scripts/synth.ts', ['--stage', 'production', '--all'], {}, LONGEST_OF_ALL_MS).then(
    (text) => JSON.parse(text) as Record<Combination, unknown>,
  );
  return JSON.stringify((await all)[name]);
}

/** Its standard output. Rejects with what it said when it fails. */
export async function runScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  timeout = LONGEST_MS,
): Promise<string> {
  const { PATH, HOME } = process.env;
  const options = { cwd: ROOT, env: { PATH, HOME, ...env }, timeout, maxBuffer: MOST_BYTES };
  const { stdout } = await run(process.execPath, [join(ROOT, script), ...args], options);
  return stdout;
}
