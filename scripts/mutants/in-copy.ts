/** Programs of Node's that run in a copy, within a time. */
import { spawn } from 'node:child_process';
import type { Copy } from './copy.ts';

export interface RunLimits {
  /** In addition to our own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** `inherit` lets it write to our terminal. Default: `capture`. */
  readonly output?: 'inherit' | 'capture';
}

export interface Ended {
  readonly code: number | null;
  /** What it printed, empty when it wrote to the terminal itself. */
  readonly output: string;
  readonly isLate: boolean;
}

/** How long a program may take to end what it started, before it is killed with it. */
const GRACE_MS = 10_000;

/** In a process group of its own, so that whatever it left running ends with it. Rejects if it cannot be started. */
export function runInCopy(copy: Copy, args: readonly string[], limits: RunLimits): Promise<Ended> {
  const { environment, limitMs, signal, output = 'capture' } = limits;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: copy.path,
      env: { ...process.env, ...environment, NO_COLOR: '1' },
      stdio: output === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const end = (how: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, how);
      } catch {
        // It has ended.
      }
    };
    let isLate = false;
    let kill: NodeJS.Timeout | undefined;
    const stop = (): void => {
      end('SIGTERM');
      kill ??= setTimeout(end, GRACE_MS, 'SIGKILL');
    };
    const late = setTimeout(() => {
      isLate = true;
      stop();
    }, limitMs);
    signal.addEventListener('abort', stop, { once: true });
    const chunks: Buffer[] = [];
    const keep = (chunk: Buffer): unknown => chunks.push(chunk);
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const finish = (): void => {
      clearTimeout(late);
      clearTimeout(kill);
      signal.removeEventListener('abort', stop);
      end('SIGKILL');
    };
    child.once('error', (error) => {
      finish();
      reject(error);
    });
    child.once('close', (code) => {
      finish();
      resolve({ code, output: Buffer.concat(chunks).toString('utf8'), isLate });
    });
  });
}
