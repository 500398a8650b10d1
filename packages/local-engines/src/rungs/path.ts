/** A server program that the machine has on its PATH, if it is what its name says. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { RungFailure } from '../errors.ts';
import { newestMatch } from '../os/files.ts';
import { run } from '../os/run.ts';
import type { Context, EngineDefinition, Launcher, Program } from '../types.ts';
import { nativeLauncher } from './native.ts';

/** `--version` answers in milliseconds; a wrapper that waits for something is no server. */
const VERSION_TIMEOUT_MS = 10_000;

async function findProgram(
  { programName, otherFolders }: EngineDefinition,
  path: string,
): Promise<string | undefined> {
  const candidates = path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, programName));
  const other =
    otherFolders === undefined ? undefined : await newestMatch('/', join(otherFolders, programName));
  for (const candidate of [...candidates, ...(other === undefined ? [] : [other])]) {
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
  const { programName, otherFolders } = definition;
  const command = await findProgram(definition, context.env.PATH ?? '');
  if (command === undefined) {
    const also = otherFolders === undefined ? '' : ` and none in /${otherFolders}`;
    throw new RungFailure(`no ${programName} on the PATH${also}`);
  }
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
