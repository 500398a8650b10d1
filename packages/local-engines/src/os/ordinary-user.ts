/**
 * For programs that refuse to run as root. They run as `nobody`, who may not look into root's own folders (the cache,
 * and the data folder within a project of root's), so one right of root's stays with them: to pass file permissions.
 * Its pid is the one that was spawned, because setpriv becomes the program.
 */
import { existsSync } from 'node:fs';
import { RungFailure } from '../errors.ts';

/** `nobody` on every Linux that has packages of these engines; they must have a name for their user. */
const NOBODY = 65_534;
/** Of util-linux, which Debian calls essential. */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** The same command, run as another user if we are root. */
export function asOrdinaryUser({ command, args }: Command): Command {
  if (process.getuid?.() !== 0) return { command, args };
  const setpriv = SETPRIV.find((path) => existsSync(path));
  if (setpriv === undefined)
    throw new RungFailure('it refuses to run as root, and there is no setpriv (util-linux)');
  return {
    command: setpriv,
    args: [
      ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
      ...['--inh-caps=+dac_override', '--ambient-caps=+dac_override'],
      // access(2) leaves out the rights of who is not root, unless this is set.
      '--securebits=+no_setuid_fixup',
      command,
      ...args,
    ],
  };
}
