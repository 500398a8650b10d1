/**
 * Data folders as an engine's own set-up leaves them, kept in the cache, one a version, and copied: a set-up takes
 * seconds, a copy a fraction of one. A template is renamed to its place as the last step, so one that exists is whole.
 */
import { existsSync } from 'node:fs';
import { constants, cp, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { RungFailure } from '../errors.ts';
import { removeFolder } from '../os/files.ts';
import { withLock } from '../os/lock.ts';
import type { RunAnswer } from '../os/run.ts';
import type { Context, EngineName, Program } from '../types.ts';

/** A set-up takes 3 s on two cores; on a slow disk a minute was seen. */
const SET_UP_TIMEOUT_MS = 180_000;

export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Template {
  readonly name: EngineName;
  readonly title: string;
  /** Runs the set-up, which makes the folder `data`. */
  readonly setUp: (program: Program, data: string, limits: Limits) => Promise<RunAnswer>;
}

function folderOf({ name }: Template, program: Program, context: Context): string {
  return join(context.cacheDir, 'templates', `${name}-${program.version}-${program.source}`);
}

export async function makeTemplate(template: Template, program: Program, context: Context): Promise<void> {
  const folder = folderOf(template, program, context);
  if (existsSync(folder)) return;
  const templates = join(context.cacheDir, 'templates');
  await mkdir(templates, { recursive: true });
  const limits = { timeoutMs: SET_UP_TIMEOUT_MS, signal: context.signal };
  await withLock(`${folder}.lock`, limits, async () => {
    if (existsSync(folder)) return;
    for (const name of await readdir(templates)) {
      // Only the holder of the lock makes drafts, so these are from a process that was killed.
      if (join(templates, name).startsWith(`${folder}.draft-`)) await removeFolder(join(templates, name));
    }
    const { name, title } = template;
    context.progress(`${name}: preparing an empty data folder for ${title} ${program.version} (once)`);
    const draft = `${folder}.draft-${randomUUID()}`;
    const answer = await template.setUp(program, draft, limits);
    if (!answer.ok) {
      await removeFolder(draft);
      throw new RungFailure(`an empty data folder for ${title} could not be made: ${answer.lastLine}`);
    }
    await rename(draft, folder);
  });
}

/** Fills the server's empty folder; its `data/` is whole whenever it exists. */
export async function copyTemplate(
  template: Template,
  program: Program,
  folder: string,
  context: Context,
): Promise<void> {
  await makeTemplate(template, program, context);
  const draft = join(folder, 'data.draft');
  await removeFolder(draft);
  const from = folderOf(template, program, context);
  await cp(from, draft, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await rename(draft, join(folder, 'data'));
}
