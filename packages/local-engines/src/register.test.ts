import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning, nativeMode as mode, processesNaming, startUserProcess } from '../testing/support.ts';
import { askValkey } from './engines/resp.ts';
import { contextOf } from './find.ts';
import { makeTemporaryDataDir, startEngine, type TemporaryDataDir } from './index.ts';
import { identifyProcess, processSpace, type ProcessIdentity } from './os/processes.ts';
import { keyOf, readRecord, sweep, writeRecord } from './register.ts';

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

/** A process that existed a moment ago. */
async function goneProcess(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const identity = identifyProcess(child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return identity!;
}

describe('leftovers', () => {
  it('ends the server of a killed process at the next start from the same folder', async () => {
    const user = await startUserProcess({ dataDir });
    await user.kill();
    expect(isRunning(user.pid)).toBe(true);
    const valkey = await startEngine('valkey', { mode, dataDir });
    expect(isRunning(user.pid)).toBe(false);
    expect(valkey.pid).not.toBe(user.pid);
    await valkey.stop();
  });

  it('ends it, and removes the temporary folder of a killed process, at a start from anywhere', async () => {
    const user = await startUserProcess({});
    await user.kill();
    expect(existsSync(user.dataDir)).toBe(true);
    const valkey = await startEngine('valkey', { mode, dataDir });
    expect(isRunning(user.pid)).toBe(false);
    expect(existsSync(user.dataDir)).toBe(false);
    await valkey.stop();
  });

  it('leaves a folder alone whose mark is not the one in the register', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'afterwrite-test-'));
    const marked = makeTemporaryDataDir({ cacheDir });
    rmSync(marked.path, { recursive: true });
    mkdirSync(marked.path);
    await marked.remove();
    expect(existsSync(marked.path)).toBe(true);
    rmSync(marked.path, { recursive: true });
    rmSync(cacheDir, { recursive: true });
  });

  it('never ends a process that has a recorded pid but is another one', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'afterwrite-test-'));
    const bystander = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const identity = identifyProcess(bystander.pid ?? 0)!;
    const owner = { id: 'gone', process: await goneProcess() };
    const impostors = [
      // The pid was used again: another start time.
      { folder: process.execPath, server: { ...identity, startedAt: 'earlier' } },
      // Same process, but its command line does not name the server's folder.
      { folder: join(dataDir, 'valkey'), server: identity },
    ];
    for (const impostor of impostors) {
      const key = keyOf(impostor.folder);
      writeRecord(cacheDir, {
        ...impostor,
        key,
        space: processSpace(),
        engine: 'valkey',
        container: undefined,
        port: 1,
        version: '1.0.0',
        source: 'path',
        stopSignal: undefined,
        stopTimeoutMs: 1_000,
        ready: true,
        users: [owner],
      });
      await sweep(contextOf({ cacheDir }));
      expect(readRecord(cacheDir, key)).toBeUndefined();
      expect(identifyProcess(identity.pid)).toEqual(identity);
    }
    bystander.kill('SIGKILL');
    rmSync(cacheDir, { recursive: true });
  });

  it('does not touch the server of a live process', async () => {
    const user = await startUserProcess({ dataDir });
    await sweep(contextOf({}));
    expect(isRunning(user.pid)).toBe(true);
    await user.stop();
  });
});

describe('sharing', () => {
  it('gives two processes one server, which the last of them stops', async () => {
    const shared = { dataDir, shared: true };
    const [first, second] = await Promise.all([startUserProcess(shared), startUserProcess(shared)]);
    expect(second.pid).toBe(first.pid);
    expect(second.port).toBe(first.port);
    await first.stop();
    expect(isRunning(first.pid)).toBe(true);
    await second.stop();
    expect(isRunning(first.pid)).toBe(false);
  });

  it('keeps the server when the process that started it is killed and another one uses it', async () => {
    const first = await startUserProcess({ dataDir, shared: true });
    const mine = await startEngine('valkey', { mode, dataDir, shared: true });
    expect(mine.pid).toBe(first.pid);
    await first.kill();
    expect(await askValkey(mine, 'PING')).toBe('+PONG');
    await mine.stop();
    expect(isRunning(mine.pid)).toBe(false);
  });

  it('starts anew when no user is left', async () => {
    const first = await startUserProcess({ dataDir, shared: true });
    await first.kill();
    const mine = await startEngine('valkey', { mode, dataDir, shared: true });
    expect(mine.pid).not.toBe(first.pid);
    await mine.stop();
  });

  it('is not ended by Ctrl-C in the terminal of its user', async () => {
    const first = await startUserProcess({ dataDir, shared: true });

    expect(processGroupOf(first.pid)).toBe(String(first.pid));
    await first.stop();
  });
});

function processGroupOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // proc(5): after the name come state, parent and process group.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2] ?? '';
}
