/**
 * What MySQL and MariaDB have in common. Every commit is on disk before it is acknowledged (binary log included), as on
 * a managed database, because a crash test on softer settings proves nothing.
 * `root` has no password and can come from the loopback address only. --skip-name-resolve is left out on purpose: the
 * account is root@localhost, and only a resolving server takes 127.0.0.1 for it (without asking a name server).
 */
import { join } from 'node:path';
import { LOOPBACK } from '../os/ports.ts';
import { converse } from '../os/socket.ts';
import type { EngineDefinition, Program, ServerPlace } from '../types.ts';
import { copyTemplate, makeTemplate, type Template } from './template.ts';

/** Dirty pages of a 256 MB pool are written within seconds, on a slow disk within tens. */
const STOP_TIMEOUT_MS = 60_000;

const DURABLE_ARGS = [
  '--sync-binlog=1',
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-buffer-pool-size=256M',
  '--local-infile=ON',
  '--performance-schema=OFF',
] as const;

/** Both refuse to run as root unless they are told so. */
export function asRootArgs(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** The server greets first: length (3 bytes), sequence, then protocol 10, or 255 for an error. */
function isGreeting(received: Buffer): boolean | undefined {
  return received.length < 5 ? undefined : received[4] === 10;
}

interface Particulars extends Pick<
  EngineDefinition,
  'name' | 'title' | 'programName' | 'readVersion' | 'debian'
> {
  /** Further arguments, also in a container. */
  readonly args: readonly string[];
  /** Where the server's own files are, when it was unpacked. */
  readonly placeArgs: (program: Program) => readonly string[];
  /** The setting of the image that lets root in without a password. */
  readonly imageSetting: string;
  readonly setUp: Template['setUp'];
}

export function mysqlServer(particulars: Particulars): EngineDefinition {
  const { name, title, programName, readVersion, debian, args, placeArgs, imageSetting, setUp } = particulars;
  const template: Template = { name, title, setUp };
  const durable = [...DURABLE_ARGS, ...args];
  return {
    name,
    title,
    user: 'root',
    password: '',
    programName,
    readVersion,
    debian,
    container: {
      service: name,
      internalPort: 3306,
      dataPath: '/var/lib/mysql',
      environment: [imageSetting],
      // Clients come from the bridge's address, which no name server knows; the image's root is root@'%'.
      command: (further) => [programName, ...durable, '--skip-name-resolve', ...further],
    },
    stopTimeoutMs: STOP_TIMEOUT_MS,
    serverArgs: (program: Program, place: ServerPlace) => [
      '--no-defaults',
      `--datadir=${join(place.folder, 'data')}`,
      `--bind-address=${LOOPBACK}`,
      `--port=${place.port}`,
      // Relative to the data folder: a socket's whole path may have 107 bytes only.
      `--socket=${programName}.sock`,
      `--pid-file=${programName}.pid`,
      '--secure-file-priv=',
      ...placeArgs(program),
      ...asRootArgs(),
      ...durable,
    ],
    prepare: (program, context) => makeTemplate(template, program, context),
    initialise: (program, folder, context) => copyTemplate(template, program, folder, context),
    probe: async (host, port) => (await converse({ host, port, read: isGreeting })) ?? false,
  };
}
