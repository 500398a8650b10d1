/**
 * The ladder: rungs are tried in order, each failure is told in one line, and when all failed one
 * message says what was tried and what a person can do.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { endsTheSearch, LocalEnginesError, messageOf, throwIfAborted } from './errors.ts';
import { findOnThisMachine } from './rungs/path.ts';
import { unpackFromDebian } from './rungs/debian.ts';
import { useContainers } from './rungs/containers.ts';
import type { Context, EngineDefinition, FetchOptions, Launcher, Mode, Rung } from './types.ts';

const RUNGS: Readonly<Record<Rung, (definition: EngineDefinition, context: Context) => Promise<Launcher>>> = {
  containers: useContainers,
  path: findOnThisMachine,
  debian: unpackFromDebian,
};

const ALL_RUNGS: readonly Rung[] = ['containers', 'path', 'debian'];

/** Reads the value of LOCAL_ENGINES; nothing means `auto`. */
export function parseMode(value: string | undefined): Mode {
  const modes: readonly Mode[] = ['auto', ...ALL_RUNGS];
  if (value === undefined || value === '') return 'auto';
  const mode = modes.find((each) => each === value);
  if (mode !== undefined) return mode;
  throw new LocalEnginesError(
    'BAD_MODE',
    `LOCAL_ENGINES is "${value}"; it must be one of ${modes.join(', ')}.`,
  );
}

export function rungsOf(mode: Mode = 'auto'): readonly Rung[] {
  return mode === 'auto' ? ALL_RUNGS : [mode];
}

export function contextOf(options: FetchOptions): Context {
  const env = options.env ?? process.env;
  const userCache = env.XDG_CACHE_HOME ?? '';
  const userCacheDir = userCache === '' ? join(env.HOME ?? homedir(), '.cache') : userCache;
  return {
    cacheDir: resolve(options.cacheDir ?? join(userCacheDir, 'afterwrite/engines')),
    env,
    progress: options.onProgress ?? ((): void => undefined),
    signal: options.signal,
  };
}

function whatToDo(definition: EngineDefinition): string {
  return [
    'What helps, whichever is easiest:',
    '  - start Docker',
    `  - install ${definition.title} so that ${definition.programName} is on the PATH`,
    '  - on a Debian machine, let apt reach its mirror (try: apt-get update)',
    '  - use servers of your own: set CACHE_HOST and DB_HOST (with memcached QUEUE_HOST as well)',
  ].join('\n');
}

/** Does `work` with the first rung that has the engine and with which `work` succeeds. */
export async function withFirstRung<T>(
  definition: EngineDefinition,
  rungs: readonly Rung[],
  context: Context,
  work: (launcher: Launcher) => Promise<T>,
): Promise<T> {
  const reasons: string[] = [];
  const causes: unknown[] = [];
  for (const rung of rungs) {
    throwIfAborted(context.signal);
    try {
      return await work(await RUNGS[rung](definition, context));
    } catch (error) {
      throwIfAborted(context.signal);
      if (endsTheSearch(error)) throw error;
      const reason = `${rung}: ${messageOf(error)}`;
      context.progress(`${definition.name}: ${reason.split('\n')[0] ?? ''}`);
      reasons.push(reason);
      causes.push(error);
    }
  }
  const list = reasons.map((reason) => `  - ${reason}`).join('\n');
  throw new LocalEnginesError(
    'NO_RUNG_WORKED',
    `${definition.title} could not be started here. Tried:\n${list}\n${whatToDo(definition)}`,
    { reasons, cause: new AggregateError(causes) },
  );
}
