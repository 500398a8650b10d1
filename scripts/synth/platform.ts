/**
 * SST's components are no npm package: `sst install` writes their sources to .sst/platform and installs what they import.
 * It takes half a minute, so it is done once for each version of SST.
 */
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run } from '../run.ts';

export const platformFolder = join(root, '.sst/platform');
/** Written last: without it an interrupted installation would pass for a finished one. scripts/setup.mjs looks at it, too. */
const STAMP = join(platformFolder, '.complete');

/** Throws an Error with what the program said when it fails. */
export async function ensurePlatform(onProgress: (line: string) => void): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/sst/package.json'), 'utf8')) as {
    version: string;
  };
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === version) return;
  onProgress(`Installing the components of SST ${version}; once, about half a minute …`);
  await rm(platformFolder, { recursive: true, force: true });
  const { code, output } = await run('sst', ['install'], {
    output: 'capture',
    env: {
      // Pulumi and Bun are for deployments; npm does without them.
      SST_SKIP_DEPENDENCY_CHECK: '1',
      SST_NO_BUN: '1',
      SST_TELEMETRY_DISABLED: '1',
      // As root it is asked for; nothing of a stage is read.
      SST_STAGE: 'install',
      XDG_CONFIG_HOME: join(root, '.local/sst'),
      NO_COLOR: '1',
    },
  });
  if (code !== 0 || !existsSync(join(platformFolder, 'node_modules/@pulumi/aws')))
    throw new Error(`sst install failed (${code}). Is the npm registry reachable?\n${output}`);
  await writeFile(STAMP, version);
}
