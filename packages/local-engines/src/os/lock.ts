/**
 * A lock between processes: a file that exists while its holder works and names that holder.
 * It appears with its content in one step (link), so nobody reads a half-written one. A lock whose
 * holder is gone is broken by one waiter only: breaking it needs a lock of its own, named after
 * the dead holder's token, under which the content is read again. Without that, two waiters could
 * both see the dead holder and the slower one would remove the faster one's fresh lock.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalEnginesError, throwIfAborted } from '../errors.ts';
import { identifySelf, isAlive, processSpace, type ProcessIdentity } from './processes.ts';

interface Holder {
  readonly token: string;
  readonly space: string;
  readonly process: ProcessIdentity;
}

export interface LockOptions {
  /** How long to wait for a live holder. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, with the holder's pid, when there is something to wait for. */
  readonly onWait?: (pid: number) => void;
}

/** Short beside any work done under a lock, long beside a look at the file. */
const POLL_MS = 20;

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function create(path: string, holder: Holder): boolean {
  const draft = `${path}.${holder.token}`;
  writeFileSync(draft, JSON.stringify(holder));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function isDead(holder: Holder): boolean {
  return holder.space === processSpace() && !isAlive(holder.process);
}

function breakDead(path: string, dead: Holder): void {
  const right = `${path}.break-${dead.token}`;
  const mine: Holder = { token: randomUUID(), space: processSpace(), process: identifySelf() };
  if (!create(right, mine)) {
    const breaker = readHolder(right);
    if (breaker !== undefined && isDead(breaker)) rmSync(right, { force: true });
    return;
  }
  try {
    if (readHolder(path)?.token === dead.token) rmSync(path, { force: true });
  } finally {
    rmSync(right, { force: true });
  }
}

/** The function that releases the lock, or undefined when a live process holds it. */
export function tryLock(path: string): (() => void) | undefined {
  const holder: Holder = { token: randomUUID(), space: processSpace(), process: identifySelf() };
  const release = (): void => {
    if (readHolder(path)?.token === holder.token) rmSync(path, { force: true });
  };
  if (create(path, holder)) return release;
  const other = readHolder(path);
  if (other !== undefined && !isDead(other)) return undefined;
  if (other !== undefined) breakDead(path, other);
  return create(path, holder) ? release : undefined;
}

export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let told = false;
  for (;;) {
    throwIfAborted(options.signal);
    const release = tryLock(path);
    if (release !== undefined) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    const pid = readHolder(path)?.process.pid;
    if (!told && pid !== undefined) options.onWait?.(pid);
    told = true;
    if (performance.now() > deadline) {
      throw new LocalEnginesError(
        'LOCK_TIMEOUT',
        `Process ${pid ?? '?'} has held ${path} for more than ${options.timeoutMs} ms. ` +
          'If that process is not one of this project, remove the file and try again.',
        { retryable: true },
      );
    }
    await delay(POLL_MS);
  }
}
