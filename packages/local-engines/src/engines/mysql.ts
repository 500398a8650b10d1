/**
 * MySQL: every commit is on disk before it is acknowledged (binary log included), as on a managed
 * database, because a crash test on softer settings proves nothing.
 * `root` has no password and can come from the loopback address only. --skip-name-resolve is left
 * out on purpose: the account is root@localhost, and only a resolving server takes 127.0.0.1 for it
 * (without asking a name server).
 */
import { existsSync } from 'node:fs';
import { constants, cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { RungFailure } from '../errors.ts';
import { removeFolder } from '../os/files.ts';
import { withLock } from '../os/lock.ts';
import { LOOPBACK } from '../os/ports.ts';
import { run } from '../os/run.ts';
import { converse } from '../os/socket.ts';
import type { Context, EngineDefinition, Program, ServerPlace, VersionAnswer } from '../types.ts';

/** Dirty pages of a 256 MB pool are written within seconds, on a slow disk within tens. */
const STOP_TIMEOUT_MS = 60_000;
/** `--initialize` takes 3 s on two cores; on a slow disk a minute was seen. */
const INITIALISE_TIMEOUT_MS = 180_000;
/** The engine's statements use the row alias of INSERT, which came with 8.0.19. */
const OLDEST = [8, 0, 19] as const;

const DURABLE_ARGS = [
  '--sync-binlog=1',
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-buffer-pool-size=256M',
  '--local-infile=ON',
  '--performance-schema=OFF',
  '--mysqlx=OFF',
] as const;

function readVersion(printed: string): VersionAnswer {
  if (/mariadb/i.test(printed))
    return { ok: false, reason: 'it is MariaDB under the name mysqld, not MySQL' };
  const found = /Ver (\d+)\.(\d+)\.(\d+)/.exec(printed);
  if (found === null) {
    const line = printed.trim().split('\n')[0] ?? '';
    return { ok: false, reason: `it is not MySQL but says "${line.slice(0, 80)}"` };
  }
  const version = found.slice(1, 4).map(Number);
  for (const [index, oldest] of OLDEST.entries()) {
    const part = version[index] ?? 0;
    if (part > oldest) break;
    if (part < oldest) {
      return { ok: false, reason: `MySQL ${version.join('.')} is older than ${OLDEST.join('.')}` };
    }
  }
  return { ok: true, version: version.join('.') };
}

function commonArgs(program: Program): string[] {
  const root = program.root;
  const unpacked =
    root === undefined
      ? []
      : [
          `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
          `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
        ];
  // mysqld refuses to run as root unless it is told so.
  return [...unpacked, ...(process.getuid?.() === 0 ? ['--user=root'] : [])];
}

function serverArgs(program: Program, place: ServerPlace): readonly string[] {
  return [
    '--no-defaults',
    `--datadir=${join(place.folder, 'data')}`,
    `--bind-address=${LOOPBACK}`,
    `--port=${place.port}`,
    // Relative to the data folder: a socket's whole path may have 107 bytes only.
    '--socket=mysqld.sock',
    '--pid-file=mysqld.pid',
    '--secure-file-priv=',
    ...commonArgs(program),
    ...DURABLE_ARGS,
  ];
}

/** A data folder as `--initialize` leaves it, kept a version; complete whenever it exists. */
function templateFolder(program: Program, context: Context): string {
  return join(context.cacheDir, 'templates', `mysql-${program.version}-${program.source}`);
}

async function makeTemplate(program: Program, context: Context): Promise<void> {
  const template = templateFolder(program, context);
  if (existsSync(template)) return;
  await mkdir(join(context.cacheDir, 'templates'), { recursive: true });
  const limits = { timeoutMs: INITIALISE_TIMEOUT_MS, signal: context.signal };
  await withLock(`${template}.lock`, limits, async () => {
    if (existsSync(template)) return;
    for (const name of await readdir(join(context.cacheDir, 'templates'))) {
      // Only the holder of the lock makes drafts, so these are from a process that was killed.
      if (join(context.cacheDir, 'templates', name).startsWith(`${template}.draft-`)) {
        await removeFolder(join(context.cacheDir, 'templates', name));
      }
    }
    context.progress(`mysql: preparing an empty data folder for MySQL ${program.version} (once)`);
    const draft = `${template}.draft-${randomUUID()}`;
    const args = [...program.leadingArgs, '--no-defaults', '--initialize-insecure', `--datadir=${draft}`];
    const answer = await run(program.command, [...args, ...commonArgs(program)], limits);
    if (!answer.ok) {
      await removeFolder(draft);
      throw new RungFailure(`mysqld --initialize failed: ${answer.lastLine}`);
    }
    // It holds the server's uuid, which no two servers may share; each start makes its own.
    await rm(join(draft, 'auto.cnf'), { force: true });
    await rename(draft, template);
  });
}

async function initialise(program: Program, folder: string, context: Context): Promise<void> {
  await makeTemplate(program, context);
  const data = join(folder, 'data');
  const draft = join(folder, 'data.draft');
  await removeFolder(draft);
  await cp(templateFolder(program, context), draft, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await rename(draft, data);
}

/** The server greets first: length (3 bytes), sequence, then protocol 10, or 255 for an error. */
function isGreeting(received: Buffer): boolean | undefined {
  return received.length < 5 ? undefined : received[4] === 10;
}

export const mysql: EngineDefinition = {
  name: 'mysql',
  title: 'MySQL',
  user: 'root',
  password: '',
  programName: 'mysqld',
  readVersion,
  debian: { packages: ['mysql-server-core'], program: 'usr/sbin/mysqld' },
  container: {
    service: 'mysql',
    internalPort: 3306,
    dataPath: '/var/lib/mysql',
    environment: ['MYSQL_ALLOW_EMPTY_PASSWORD=yes'],
    // Clients come from the bridge's address, which no name server knows; the image's root is root@'%'.
    command: (args) => ['mysqld', ...DURABLE_ARGS, '--skip-name-resolve', ...args],
  },
  stopTimeoutMs: STOP_TIMEOUT_MS,
  serverArgs,
  prepare: makeTemplate,
  initialise,
  probe: async (host, port) => (await converse({ host, port, read: isGreeting })) ?? false,
};
