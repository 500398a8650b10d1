/** What a deployment of a stage would ask for: `npm run synth` is run once for each variant and read by all tests. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Resource as Written } from '../../scripts/synth/types.ts';

/** As scripts/synth.ts writes it; the tests change their copies. */
export type Resource = Omit<Written, 'inputs'> & { inputs: Record<string, unknown> };

export type Variant = 'production' | 'dev' | 'options' | 'local';

const ROOT = join(import.meta.dirname, '../..');
const LONGEST_MS = 90_000;
const MOST_BYTES = 32 * 1024 ** 2;

/** `options`: all that whoever deploys may choose. `local`: `sst dev`. */
const VARIANTS: Readonly<Record<Variant, { args: readonly string[]; env: Record<string, string> }>> = {
  production: { args: ['--stage', 'production'], env: {} },
  dev: { args: ['--stage', 'dev'], env: {} },
  options: {
    args: ['--stage', 'production'],
    env: {
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'afterwrite, other',
      CORS_ORIGINS: 'https://app.example',
      ALARM_EMAIL: 'ops@example.com',
      DB_PROXY: '1',
      FLIGHT_LOG_INDEX: '1',
    },
  },
  local: { args: ['--stage', 'anna', '--dev'], env: {} },
};

const run = promisify(execFile);
const done = new Map<Variant, Promise<string>>();

/** A copy for the caller to change. */
export async function resourcesOf(variant: Variant): Promise<Resource[]> {
  let text = done.get(variant);
  if (!text) {
    text = synthesize(variant);
    done.set(variant, text);
  }
  return JSON.parse(await text) as Resource[];
}

async function synthesize(variant: Variant): Promise<string> {
  const { args, env } = VARIANTS[variant];
  return await runScript('scripts/synth.ts', args, env);
}

/** Its standard output. Rejects with what it said when it fails. */
export async function runScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { PATH, HOME } = process.env;
  const options = { cwd: ROOT, env: { PATH, HOME, ...env }, timeout: LONGEST_MS, maxBuffer: MOST_BYTES };
  const { stdout } = await run(process.execPath, [join(ROOT, script), ...args], options);
  return stdout;
}
