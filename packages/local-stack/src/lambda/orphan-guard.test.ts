import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { startLambda, testFunction } from '../../testing/local-lambda.ts';
import { OrphanGuard } from './orphan-guard.ts';

const PROGRAM = join(import.meta.dirname, '../../testing/stack-process.ts');
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return !state.startsWith('Z');
  } catch {
    return false;
  }
}

/** Of all processes: the children that a process has now. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function startStack(): Promise<{ child: ChildProcess; frozen: number; guard: number }> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString('utf8')) as { frozen: number; guard: number }) };
}

test.runIf(process.platform === 'linux')(
  'SIGKILL of the stack leaves no process: neither a frozen nor a running one, nor the guard',
  async () => {
    const { child, frozen, guard } = await startStack();
    await vi.waitFor(() => expect(childrenOf(child.pid!)).toHaveLength(3));
    const children = childrenOf(child.pid!);
    expect(children).toEqual(expect.arrayContaining([frozen, guard]));
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(children.filter(isAlive)).toEqual([]), { timeout: 5000 });
  },
);

test('a guard that was killed is replaced and knows what to watch', async () => {
  const { child, frozen, guard } = await startStack();
  process.kill(guard, 'SIGKILL');
  await vi.waitFor(() => expect(isAlive(guard)).toBe(false));
  // The killed one is a child, too, until it has been noticed: it is not the one that replaces it.
  const others = () => childrenOf(child.pid!).filter((pid) => pid !== frozen && pid !== guard);
  await vi.waitFor(() => expect(others()).toHaveLength(2), { timeout: 5000 });
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(frozen)).toBe(false), { timeout: 5000 });
});

test('a pid that is another process by now is left alone', async () => {
  const guard = new OrphanGuard();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  started.push(other);
  guard.watch(other.pid!, 'a-token-that-it-does-not-have');
  const mine = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'my-token'], {
    stdio: 'ignore',
  });
  started.push(mine);
  const ended = once(mine, 'exit');
  guard.watch(mine.pid!, 'my-token');
  await guard.close();
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(isAlive(other.pid!)).toBe(true);
});

test('a stop leaves no guard', async () => {
  const { lambda, call } = startLambda([testFunction('echo')]);
  await call('echo');
  const { guardPid } = lambda;
  await lambda.close();
  expect(isAlive(guardPid!)).toBe(false);
});
