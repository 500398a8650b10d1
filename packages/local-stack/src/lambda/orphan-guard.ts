/**
 * Ends what this process leaves behind when it is killed. An environment that runs notices by itself that its Runtime
 * API is gone; a frozen one cannot. So a small process of its own (guard.mjs), in a session of its own, holds the other
 * end of a pipe: the pipe closes when this process ends, however it ends, and the guard then kills the environments that
 * are still there. A guard that dies is replaced. Only both being killed in one moment leaves frozen processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const GUARD = join(import.meta.dirname, 'guard.mjs');
/** More deaths than this are somebody's intent, or a machine on which no process can be kept. */
const MAX_RESTARTS = 10;

export class OrphanGuard {
  readonly #watched = new Map<number, string>();
  #child: ChildProcess | undefined;
  #restarts = 0;
  #isClosed = false;

  constructor() {
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** `token` is on the process's command line: a pid alone may be another process by the time it is used. */
  watch(pid: number, token: string): void {
    this.#watched.set(pid, token);
    this.#say(`+ ${pid} ${token}`);
  }

  forget(pid: number | undefined): void {
    if (pid !== undefined && this.#watched.delete(pid)) this.#say(`- ${pid}`);
  }

  /** Resolves when the guard is gone, and with it whatever it still watched. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.stdin?.end();
    });
  }

  #start(): void {
    // What is watched already comes with the process itself: a line could still be unwritten when we are killed.
    const watched = [...this.#watched].map(([pid, token]) => `${pid} ${token}`);
    const child = spawn(process.execPath, [GUARD, ...watched], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#child = child;
    // A guard that is gone reads nothing: its end is dealt with below.
    child.stdin.on('error', () => undefined);
    child.once('error', () => undefined);
    child.once('exit', () => {
      if (this.#isClosed || this.#restarts >= MAX_RESTARTS) return;
      this.#restarts += 1;
      this.#start();
    });
  }

  #say(line: string): void {
    this.#child?.stdin?.write(`${line}\n`);
  }
}
