/**
 * MariaDB: see `mysql-server.ts`. Its binary log is off by default, and its set-up is a shell script that finds its
 * programs at fixed places; so the system tables are made here, from the same files.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RungFailure } from '../errors.ts';
import { run, type RunAnswer } from '../os/run.ts';
import type { Program, VersionAnswer } from '../types.ts';
import { asRootArgs, mysqlServer } from './mysql-server.ts';
import type { Limits } from './template.ts';
import { judgeVersion } from './version.ts';

/** In this order; the first three build the tables, the others fill what tools look for. */
const SYSTEM_FILES = [
  'mariadb_system_tables.sql',
  'mariadb_performance_tables.sql',
  'mariadb_system_tables_data.sql',
  'maria_add_gis_sp_bootstrap.sql',
  'mariadb_sys_schema.sql',
] as const;
/** Accounts for the host's name: root is to come from the loopback address only. */
const HOST_NAME_LINES = /^.*@current_hostname.*$/gm;

function readVersion(printed: string): VersionAnswer {
  // JSON_TABLE came with 10.6, the oldest release that is still maintained.
  return judgeVersion(printed, {
    title: 'MariaDB',
    pattern: /Ver (\d+\.\d+\.\d+)-MariaDB/,
    oldest: '10.6.0',
  });
}

function placeArgs({ root }: Program): readonly string[] {
  if (root === undefined) return [];
  const share = join(root, 'usr/share/mariadb');
  return [
    `--lc-messages-dir=${share}`,
    `--character-sets-dir=${join(share, 'charsets')}`,
    `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
  ];
}

async function shareFolder({ root, command }: Program): Promise<string> {
  const prefix = root === undefined ? dirname(dirname(await realpath(command))) : join(root, 'usr');
  const candidates = ['share/mariadb', 'share/mysql'].map((name) => join(prefix, name));
  const found = candidates.find((folder) => existsSync(join(folder, SYSTEM_FILES[0])));
  if (found === undefined) throw new RungFailure(`no ${SYSTEM_FILES[0]} in ${candidates.join(' or ')}`);
  return found;
}

async function setUp(program: Program, data: string, limits: Limits): Promise<RunAnswer> {
  const share = await shareFolder(program);
  const texts = await Promise.all(SYSTEM_FILES.map((name) => readFile(join(share, name), 'utf8')));
  // The reader of --bootstrap takes a statement a line; without a socket account root needs no password.
  const begin = 'CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n';
  const args = [
    ...['--no-defaults', '--bootstrap', `--datadir=${data}`, ...placeArgs(program), ...asRootArgs()],
    // As its own set-up does: statements of the files are longer than the default.
    ...[
      '--max-allowed-packet=8M',
      '--net-buffer-length=16K',
      '--enforce-storage-engine=',
      '--log-warnings=0',
    ],
    // Copied with each data folder; the first start makes it as large as it should be.
    '--innodb-log-file-size=8M',
  ];
  await mkdir(data, { mode: 0o700 });
  const input = begin + texts.join('\n').replace(HOST_NAME_LINES, '');
  return run(program.command, [...program.leadingArgs, ...args], { ...limits, input });
}

export const mariadb = mysqlServer({
  name: 'mariadb',
  title: 'MariaDB',
  programName: 'mariadbd',
  readVersion,
  debian: { packages: ['mariadb-server-core'], program: 'usr/sbin/mariadbd' },
  args: ['--log-bin=binlog', '--character-set-server=utf8mb4'],
  placeArgs,
  imageSetting: 'MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=yes',
  setUp,
});
