/**
 * PostgreSQL: every commit is on disk before it is acknowledged, as on a managed database, because a crash test on softer
 * settings proves nothing. `postgres` has no password and can come from the loopback address only.
 * Its text is UTF-8 in the order of code points, wherever it runs: an order by language changes with the library that
 * came along, and an index made under another order finds no row.
 */
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { RungFailure } from '../errors.ts';
import { removeFolder } from '../os/files.ts';
import { asOrdinaryUser } from '../os/ordinary-user.ts';
import { LOOPBACK } from '../os/ports.ts';
import { run } from '../os/run.ts';
import { converse } from '../os/socket.ts';
import { comparedVersions } from '../os/versions.ts';
import type { Context, EngineDefinition, Program, ServerPlace } from '../types.ts';
import { judgeVersion } from './version.ts';

/** The checkpoint of a stop writes a buffer of 256 MB within seconds, on a slow disk within tens. */
const STOP_TIMEOUT_MS = 60_000;
/** initdb takes 0.4 s; on a slow disk tens of seconds. */
const INITDB_TIMEOUT_MS = 180_000;
/** The provider of collations that is the same on every machine came with it. */
const BUILTIN_COLLATIONS_SINCE = '17';

const DURABLE_SETTINGS = [
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'shared_buffers=256MB',
  'max_connections=200',
  'timezone=UTC',
  'log_timezone=UTC',
] as const;

function settingArgs(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}

function serverArgs(_program: Program, place: ServerPlace): readonly string[] {
  const own = [`listen_addresses=${LOOPBACK}`, `port=${place.port}`, 'unix_socket_directories='];
  return ['-D', join(place.folder, 'data'), ...settingArgs([...own, ...DURABLE_SETTINGS])];
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * initdb runs the `postgres` that stands beside it, so an unpacked one needs scripts of both names that start the real
 * ones with the loader that came along. They stand in the root, from where programs may be run; the same text is
 * written whoever writes it.
 */
async function unpackedInitdb(program: Program, root: string): Promise<string[]> {
  const postgres = program.leadingArgs.at(-1) ?? '';
  const loader = [program.command, ...program.leadingArgs.slice(0, -1)].map(quote).join(' ');
  const folder = join(root, 'afterwrite-initdb');
  const texts = {
    postgres: `exec ${loader} ${quote(postgres)} "$@"`,
    initdb: `exec ${loader} --argv0 "$0" ${quote(join(dirname(postgres), 'initdb'))} "$@"`,
  };
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    const draft = join(folder, `${name}.draft-${randomUUID()}`);
    await writeFile(draft, `#!/bin/sh\n${text}\n`);
    await chmod(draft, 0o755);
    await rename(draft, join(folder, name));
  }
  // .../lib/postgresql/18/bin/postgres belongs to .../share/postgresql/18
  const share = join(root, 'usr/share/postgresql', dirname(dirname(postgres)).split('/').at(-1) ?? '');
  return [join(folder, 'initdb'), '-L', share];
}

/** Nothing is copied from a template: initdb is about as fast as the copy, and the folder gets the right owner. */
async function initialise(program: Program, folder: string, context: Context): Promise<void> {
  const draft = join(folder, 'data.draft');
  await removeFolder(draft);
  const [initdb = '', ...first] =
    program.root === undefined
      ? [join(dirname(program.command), 'initdb')]
      : await unpackedInitdb(program, program.root);
  const collations =
    comparedVersions(program.version, BUILTIN_COLLATIONS_SINCE) >= 0
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
      : [];
  const args = [
    ...[...first, '-D', draft, '--username=postgres', '--auth=trust', '--no-sync', '--no-instructions'],
    ...['--encoding=UTF8', '--locale=C', ...collations],
  ];
  const command = asOrdinaryUser({ command: initdb, args });
  const limits = { timeoutMs: INITDB_TIMEOUT_MS, env: context.env, signal: context.signal };
  const answer = await run(command.command, command.args, limits);
  if (!answer.ok) throw new RungFailure(`initdb failed: ${answer.lastLine}`);
  await rename(draft, join(folder, 'data'));
}

/** Protocol 3.0 for the user and the database `postgres`: the length of all, then the version, then names and values. */
const STARTUP = (() => {
  const body = 'user\0postgres\0database\0postgres\0\0';
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(0x0003_0000, 4);
  return head.toString('latin1') + body;
})();

/** Asks for a password or lets us in (R), or refuses (E), which is the answer of a ready server, unless it says 57P03. */
function isReady(received: Buffer): boolean | undefined {
  if (received.length < 5) return undefined;
  const kind = String.fromCharCode(received[0] ?? 0);
  if (kind !== 'E') return kind === 'R';
  if (received.length < 1 + received.readInt32BE(1)) return undefined;
  return !received.includes('\0C57P03\0');
}

const majorOf = (version: string): string => version.split('.')[0] ?? '';

export const postgresql: EngineDefinition = {
  name: 'postgresql',
  title: 'PostgreSQL',
  user: 'postgres',
  password: '',
  programName: 'postgres',
  otherFolders: 'usr/lib/postgresql/*/bin',
  readVersion: (printed) =>
    judgeVersion(printed, {
      title: 'PostgreSQL',
      pattern: /^postgres \(PostgreSQL\) (\d+(?:\.\d+)?)/m,
      oldest: '14',
    }),
  debian: { packages: ['postgresql'], program: 'usr/lib/postgresql/*/bin/postgres' },
  container: {
    service: 'postgresql',
    internalPort: 5432,
    dataPath: '/var/lib/postgresql',
    environment: [
      'POSTGRES_HOST_AUTH_METHOD=trust',
      'POSTGRES_INITDB_ARGS=--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8',
    ],
    command: (args) => ['postgres', ...settingArgs(DURABLE_SETTINGS), ...args],
  },
  refusesRoot: true,
  // At SIGTERM it waits for its clients to leave.
  stopSignal: 'SIGINT',
  stopTimeoutMs: STOP_TIMEOUT_MS,
  // Of a server that somebody else killed: the processes that served its clients finish their statement.
  predecessorIsEnding: /pre-existing shared memory block .* is still in use/,
  readsDataOf: (written, running) => majorOf(written) === majorOf(running),
  serverArgs,
  initialise,
  probe: async (host, port) => (await converse({ host, port, send: STARTUP, read: isReady })) ?? false,
};
