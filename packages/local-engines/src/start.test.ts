import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning, nativeMode, processesNaming } from '../testing/support.ts';
import { askValkey } from './engines/resp.ts';
import { mysql } from './engines/mysql.ts';
import {
  fetchEngine,
  makeTemporaryDataDir,
  startEngine,
  startEngines,
  type TemporaryDataDir,
} from './index.ts';
import { chooseFreePort, LOOPBACK } from './os/ports.ts';
import { commandLine } from './os/processes.ts';

const mode = nativeMode;

let temporary: TemporaryDataDir;
let dataDir: string;

beforeEach(() => {
  temporary = makeTemporaryDataDir();
  dataDir = temporary.path;
});

afterEach(async () => {
  expect(processesNaming(dataDir)).toEqual([]);
  await temporary.remove();
  expect(existsSync(dataDir)).toBe(false);
});

describe('starting and stopping', () => {
  it('starts both engines side by side and leaves no process behind', async () => {
    const running = await startEngines(['valkey', 'mysql'], { mode, dataDir });
    const [valkey, database] = [running.get('valkey'), running.get('mysql')];
    expect(await askValkey(valkey, 'PING')).toBe('+PONG');
    expect(await mysql.probe(database.host, database.port)).toBe(true);
    expect(database).toMatchObject({ host: '127.0.0.1', user: 'root', password: '', source: mode });
    for (const engine of [valkey, database]) expect(engine.port).toBeLessThan(55_535);
    await running.stopAll();
    expect([valkey, database].map((engine) => isRunning(engine.pid))).toEqual([false, false]);
    await running.stopAll();
  });

  it('keeps the settings of MySQL durable', async () => {
    const database = await startEngine('mysql', { mode, dataDir, args: ['--max-connections=77'] });
    const line = commandLine(database.pid ?? 0);
    expect(line).toContain('--sync-binlog=1');
    expect(line).toContain('--innodb-flush-log-at-trx-commit=1');
    expect(line.replaceAll('\0', '')).toMatch(/--max-connections=77$/);
    await database.kill();
    expect(isRunning(database.pid)).toBe(false);
  });

  it('needs neither network nor much time once the engine was fetched', async () => {
    await fetchEngine('valkey', { mode });
    const beginMs = performance.now();
    const valkey = await startEngine('valkey', { mode, dataDir });
    expect(performance.now() - beginMs).toBeLessThan(2_000);
    await valkey.stop();
  });

  it('keeps the data over a stop and over a kill', async () => {
    const first = await startEngine('valkey', { mode, dataDir, args: ['--appendfsync', 'always'] });
    await askValkey(first, 'SET', 'a', '1');
    await first.stop();
    const second = await startEngine('valkey', { mode, dataDir, args: ['--appendfsync', 'always'] });
    await askValkey(second, 'SET', 'b', '2');
    await second.kill();
    const third = await startEngine('valkey', { mode, dataDir, port: second.port });
    expect(third.port).toBe(second.port);
    expect([await askValkey(third, 'GET', 'a'), await askValkey(third, 'GET', 'b')]).toEqual(['1', '2']);
    await second.stop();
    expect(await askValkey(third, 'PING')).toBe('+PONG');
    await third.stop();
  });
});

describe('starting what cannot start', () => {
  it('refuses a folder from which a live process already runs a server', async () => {
    const valkey = await startEngine('valkey', { mode, dataDir });
    await expect(startEngine('valkey', { mode, dataDir })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
    await valkey.stop();
  });

  it('refuses a port that was asked for and is taken', async () => {
    const port = await chooseFreePort();
    const other = createServer().listen(port, LOOPBACK);
    await once(other, 'listening');
    await expect(startEngine('valkey', { mode, dataDir, port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    other.close();
  });

  it('reports the end of the log of a server that ends early', async () => {
    const start = startEngine('valkey', { mode, dataDir, args: ['--no-such-setting', '1'] });
    await expect(start).rejects.toMatchObject({
      code: 'NO_RUNG_WORKED',
      message: expect.stringMatching(/ended before it was ready[\s\S]*no-such-setting/) as string,
    });
  });

  it('ends a server that does not answer in time', async () => {
    const start = startEngine('mysql', { mode, dataDir, readyTimeoutMs: 1 });
    await expect(start).rejects.toThrow('did not answer within 0.001 s');
  });

  it('ends the server when it is told to give up', async () => {
    const giveUp = new AbortController();
    const start = startEngine('mysql', { mode, dataDir, signal: giveUp.signal });
    giveUp.abort();
    await expect(start).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('refuses data of a newer server instead of damaging it', async () => {
    const valkey = await startEngine('valkey', { mode, dataDir });
    await valkey.stop();
    await writeFile(join(dataDir, 'valkey/version'), '999.0.0\n');
    await expect(startEngine('valkey', { mode, dataDir })).rejects.toThrow(/written by Valkey 999\.0\.0/);
  });
});
