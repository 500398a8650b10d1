/** A program of the benchmark in a process of its own. It ends with its parent, however that ends: see `processes/`. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Environment } from './section.ts';

export class Child {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #messages: unknown[] = [];
  /** Rejects when it ends before it is told to. */
  readonly #fault: Promise<never>;
  #wake: () => void = () => undefined;
  #isEnding = false;

  /** `name`: of a file in `processes/`. Aborting the signal kills it. */
  constructor(name: string, options: unknown, environment: Environment, signal: AbortSignal) {
    this.#name = name;
    const file = new URL(`../processes/${name}.ts`, import.meta.url);
    this.#child = fork(file, [JSON.stringify(options)], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    const kill = () => this.#child.kill('SIGKILL');
    signal.addEventListener('abort', kill);
    this.#fault = once(this.#child, 'exit').then(([code, killed]) => {
      signal.removeEventListener('abort', kill);
      signal.throwIfAborted();
      if (this.#isEnding) return new Promise<never>(() => undefined);
      throw new Error(`The process ${name} ended with ${String(code ?? killed)}; what it said is above`);
    });
    // Whoever waits for a message hears of it.
    this.#fault.catch(() => undefined);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`The process ${this.#name} did not start`);
    return this.#child.pid;
  }

  /** The next message. */
  async next<T>(): Promise<T> {
    for (;;) {
      if (this.#messages.length > 0) return this.#messages.shift() as T;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      await Promise.race([promise, this.#fault]);
    }
  }

  send(message: string): void {
    this.#child.send(message);
  }

  /** Tells it to end and waits until it is gone; killed after the limit. */
  async stop(limitMs = 20_000): Promise<void> {
    this.#isEnding = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    if (this.#child.connected) this.#child.disconnect();
    await gone;
    clearTimeout(timer);
  }
}
