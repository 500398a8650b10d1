/** MySQL: see `mysql-server.ts`. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, type RunAnswer } from '../os/run.ts';
import type { Program, VersionAnswer } from '../types.ts';
import { asRootArgs, mysqlServer } from './mysql-server.ts';
import type { Limits } from './template.ts';
import { judgeVersion } from './version.ts';

function readVersion(printed: string): VersionAnswer {
  if (/mariadb/i.test(printed))
    return { ok: false, reason: 'it is MariaDB under the name mysqld, not MySQL' };
  // The engine's statements use the row alias of INSERT, which came with 8.0.19.
  return judgeVersion(printed, { title: 'MySQL', pattern: /Ver (\d+\.\d+\.\d+)/, oldest: '8.0.19' });
}

function placeArgs({ root }: Program): readonly string[] {
  if (root === undefined) return [];
  return [
    `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
    `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
  ];
}

async function setUp(program: Program, data: string, limits: Limits): Promise<RunAnswer> {
  const args = ['--no-defaults', '--initialize-insecure', `--datadir=${data}`];
  const all = [...program.leadingArgs, ...args, ...placeArgs(program), ...asRootArgs()];
  const answer = await run(program.command, all, limits);
  // It holds the server's uuid, which no two servers may share; each start makes its own.
  await rm(join(data, 'auto.cnf'), { force: true });
  return answer;
}

export const mysql = mysqlServer({
  name: 'mysql',
  title: 'MySQL',
  programName: 'mysqld',
  readVersion,
  debian: { packages: ['mysql-server-core'], program: 'usr/sbin/mysqld' },
  args: ['--mysqlx=OFF'],
  placeArgs,
  imageSetting: 'MYSQL_ALLOW_EMPTY_PASSWORD=yes',
  setUp,
});
