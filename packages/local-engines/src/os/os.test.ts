import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock, withLock } from './lock.ts';
import { chooseFreePort, isPortFree, LOOPBACK } from './ports.ts';
import { endProcess, identifyProcess, identifySelf, isAlive, processSpace } from './processes.ts';

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'afterwrite-test-'));
  lock = join(folder, 'some.lock');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('ports', () => {
  it('chooses free ports with room for the cluster bus, never the same one twice', async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, chooseFreePort));
    expect(new Set(ports).size).toBe(50);
    for (const port of ports) expect(port).toBeLessThan(55_535);
  });

  it('sees that a port is taken', async () => {
    const port = await chooseFreePort();
    expect(await isPortFree(port)).toBe(true);
    const server = createServer().listen(port, LOOPBACK);
    await once(server, 'listening');
    expect(await isPortFree(port)).toBe(false);
    server.close();
  });
});

describe('processes', () => {
  it('ends a process that ignores SIGTERM, after the limit', async () => {
    const script = "process.on('SIGTERM', () => 0); console.log('ready'); setInterval(() => 0, 1e6)";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const identity = identifyProcess(child.pid ?? 0)!;
    await endProcess(identity, 50);
    expect(isAlive(identity)).toBe(false);
  });

  it('waits for the last thread of a killed process: until then its ports are taken', async () => {
    const threadsOf = (pid = 0): readonly string[] => {
      try {
        return readdirSync(`/proc/${pid}/task`);
      } catch {
        return [];
      }
    };
    // Its first thread is gone before the others in one of a few kills.
    for (let round = 0; round < 10; round += 1) {
      const script = "require('net').createServer().listen(0, '127.0.0.1', () => console.log('ready'))";
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(child.stdout, 'data');
      await endProcess(identifyProcess(child.pid ?? 0)!, 0);
      expect(threadsOf(child.pid).length).toBeLessThanOrEqual(1);
    }
  });

  it('tells this process from an earlier one with its pid', () => {
    expect(isAlive(identifySelf())).toBe(true);
    expect(isAlive({ ...identifySelf(), startedAt: 'earlier' })).toBe(false);
  });
});

describe('lock', () => {
  const limits = { timeoutMs: 10_000 };

  it('lets one in at a time', async () => {
    let inside = 0;
    const visit = (): Promise<void> =>
      withLock(lock, limits, async () => {
        inside += 1;
        await new Promise(setImmediate);
        expect(inside).toBe(1);
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 5 }, visit));
    expect(existsSync(lock)).toBe(false);
  });

  it('says who holds it when the wait is over', async () => {
    const release = tryLock(lock);
    const waited: number[] = [];
    const wait = withLock(lock, { timeoutMs: 1, onWait: (pid) => waited.push(pid) }, () => Promise.resolve());
    await expect(wait).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', retryable: true });
    expect(waited).toEqual([process.pid]);
    release?.();
  });

  it('is taken over from a holder that is gone, by one waiter', async () => {
    const gone = { ...identifySelf(), startedAt: 'earlier' };
    writeFileSync(lock, JSON.stringify({ token: 'dead', space: processSpace(), process: gone }));
    const releases = [tryLock(lock), tryLock(lock)];
    expect(releases.filter((release) => release !== undefined)).toHaveLength(1);
    for (const release of releases) release?.();
    expect(existsSync(lock)).toBe(false);
  });
});
