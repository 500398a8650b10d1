import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeMode as mode, processesNaming } from '../../testing/support.ts';
import { makeTemporaryDataDir, type RunningEngine, startEngine, type TemporaryDataDir } from '../index.ts';
import { commandLine, identifyProcess } from '../os/processes.ts';
import type { EngineName } from '../types.ts';
import { askMemcached } from './memcached.ts';
import { askValkey } from './resp.ts';

let temporary: TemporaryDataDir;
let dataDir: string;

beforeEach(() => {
  temporary = makeTemporaryDataDir();
  dataDir = temporary.path;
});

afterEach(async () => {
  expect(processesNaming(dataDir)).toEqual([]);
  await temporary.remove();
});

async function askMysql(place: RunningEngine, ...statements: string[]): Promise<unknown> {
  const { host, port, user = '' } = place;
  const connection = await createConnection({ host, port, user });
  // Its server is killed below.
  connection.on('error', () => undefined);
  let rows: unknown;
  for (const statement of statements) [rows] = await connection.query(statement);
  connection.destroy();
  return rows;
}

function postgresqlClient({ host, port, user = '' }: RunningEngine): Client {
  const client = new Client({ host, port, user, database: 'postgres' });
  client.on('error', () => undefined);
  return client;
}

async function askPostgresql(place: RunningEngine, ...statements: string[]): Promise<unknown> {
  const client = postgresqlClient(place);
  await client.connect();
  let rows: unknown;
  for (const statement of statements) ({ rows } = await client.query(statement));
  await client.end();
  return rows;
}

interface Engine {
  readonly name: EngineName;
  readonly args?: readonly string[];
  readonly write: (place: RunningEngine) => Promise<unknown>;
  readonly read: (place: RunningEngine) => Promise<unknown>;
  readonly written: unknown;
  /** What must stand on its command line. */
  readonly durable: readonly string[];
}

const redis = {
  args: ['--appendfsync', 'always'],
  write: (place: RunningEngine) => askValkey(place, 'SET', 'a', '1'),
  read: (place: RunningEngine) => askValkey(place, 'GET', 'a'),
  written: '1',
  durable: ['--appendonly yes', '--appendfsync everysec', '--maxmemory-policy noeviction'],
};

const engines: readonly Engine[] = [
  { name: 'redis', ...redis },
  { name: 'redis-7', ...redis },
  {
    name: 'mariadb',
    write: (place) =>
      askMysql(place, 'CREATE DATABASE d', 'CREATE TABLE d.t (a INT)', 'INSERT d.t VALUES (1)'),
    read: (place) => askMysql(place, 'SELECT a, @@log_bin AS log, @@character_set_server AS text FROM d.t'),
    written: [{ a: 1, log: 1, text: 'utf8mb4' }],
    durable: ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1'],
  },
  {
    name: 'postgresql',
    write: (place) => askPostgresql(place, 'CREATE TABLE t (a INT)', 'INSERT INTO t VALUES (1)'),
    read: (place) =>
      askPostgresql(
        place,
        `SELECT a, current_setting('server_encoding') AS text, current_setting('timezone') AS zone,
                'Z' < 'a' AS by_code_point FROM t`,
      ),
    written: [{ a: 1, text: 'UTF8', zone: 'UTC', by_code_point: true }],
    durable: ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'],
  },
];

describe('each engine', () => {
  it.each(engines)('$name keeps what it acknowledged over a kill and a stop', async (engine) => {
    const { name, args = [], write, read, written, durable } = engine;
    const first = await startEngine(name, { mode, dataDir, args });
    for (const setting of durable) {
      expect(commandLine(first.pid ?? 0).replaceAll('\0', ' ')).toContain(setting);
    }
    await write(first);
    await first.kill();
    const second = await startEngine(name, { mode, dataDir, port: first.port });
    expect(await read(second)).toEqual(written);
    await second.stop();
    const third = await startEngine(name, { mode, dataDir });
    expect(await read(third)).toEqual(written);
    await third.kill();
  });

  it('memcached starts anew with nothing', async () => {
    const first = await startEngine('memcached', { mode, dataDir });
    expect(await askMemcached(first, 'set a 0 0 1\r\n1')).toBe('STORED');
    expect(await askMemcached(first, 'get a')).toBe('VALUE a 0 1');
    await first.kill();
    const second = await startEngine('memcached', { mode, dataDir, port: first.port });
    expect(await askMemcached(second, 'get a')).toBe('END');
    await second.stop();
  });
});

describe('PostgreSQL', () => {
  /** Resolves with the client when its server process is at a statement that looks at no signal but SIGKILL. */
  async function busyClient(place: RunningEngine): Promise<{ client: Client; pid: number }> {
    const client = postgresqlClient(place);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    client.query('SELECT count(*) FROM generate_series(1, 1e12)').catch(() => undefined);
    const running = `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1e12%' AND pid = ${rows[0]?.pid ?? 0}`;
    await expect.poll(() => askPostgresql(place, running)).toHaveLength(1);
    return { client, pid: rows[0]?.pid ?? 0 };
  }

  it('stops while clients are connected and at work', async () => {
    const server = await startEngine('postgresql', { mode, dataDir });
    await busyClient(server);
    const beginMs = performance.now();
    await server.stop();
    expect(performance.now() - beginMs).toBeLessThan(10_000);
  });

  it('leaves none of its processes at work when it is killed', async () => {
    const server = await startEngine('postgresql', { mode, dataDir });
    const { pid } = await busyClient(server);
    await server.kill();
    expect(identifyProcess(pid)).toBeUndefined();
  });

  it('waits with a start for the processes of a server that somebody else killed', async () => {
    const first = await startEngine('postgresql', { mode, dataDir });
    const { pid } = await busyClient(first);
    process.kill(first.pid ?? 0, 'SIGKILL');
    await expect.poll(() => identifyProcess(first.pid ?? 0)).toBeUndefined();
    const lines: string[] = [];
    const onProgress = (line: string): void => {
      lines.push(line);
      if (line.includes('waiting')) process.kill(pid, 'SIGKILL');
    };
    const second = await startEngine('postgresql', { mode, dataDir, onProgress });
    expect(lines).toEqual(['postgresql: waiting for processes of a server that was killed']);
    await second.stop();
  });

  it.each(['9.6', '999.1'])('refuses the data of version %s', async (version) => {
    const server = await startEngine('postgresql', { mode, dataDir });
    await server.kill();
    await writeFile(join(dataDir, 'postgresql/version'), `${version}\n`);
    await expect(startEngine('postgresql', { mode, dataDir })).rejects.toThrow(
      `written by PostgreSQL ${version}`,
    );
  });
});
