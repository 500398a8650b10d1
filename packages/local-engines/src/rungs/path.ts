/** A server program that the machine has on its PATH, if it is what its name says. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { RungFailure } from '../errors.ts';
import { run } from '../os/run.ts';
import type { Context, EngineDefinition, Launcher, Program } from '../types.ts';
import { nativeLauncher } from './native.ts';

/** `--version` answers in milliseconds; a wrapper that waits for something is no server. */
const VERSION_TIMEOUT_MS = 10_000;

async function findOnPath(programName: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, programName);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

export async function findOnThisMachine(definition: EngineDefinition, context: Context): Promise<Launcher> {
  const { programName } = definition;
  const command = await findOnPath(programName, context.env.PATH ?? '');
  if (command === undefined) throw new RungFailure(`no ${programName} on the PATH`);
  const limits = { timeoutMs: VERSION_TIMEOUT_MS, env: context.env, signal: context.signal };
  const printed = await run(command, ['--version'], limits);
  if (!printed.ok) throw new RungFailure(`${command} --version failed: ${printed.lastLine}`);
  const answer = definition.readVersion(printed.stdout);
  if (!answer.ok) throw new RungFailure(`${command}: ${answer.reason}`);
  const program: Program = {
    source: 'path',
    version: answer.version,
    command,
    leadingArgs: [],
    root: undefined,
  };
  return nativeLauncher(program, async () => definition.prepare?.(program, context));
}
