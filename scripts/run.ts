/** Child processes for the scripts of this folder. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';

/** The checkout. */
export const root = dirname(import.meta.dirname);

/** Programs of the project's dependencies, as `npm run` would find them. */
const binFolder = `${root}/node_modules/.bin`;
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${binFolder}:${process.env.PATH ?? ''}`,
});

export interface Finished {
  /** Exit code; 128 and more when a signal ended the child, as shells count. */
  readonly code: number;
  /** What it printed, empty when it wrote to the terminal itself. */
  readonly output: string;
}

export interface RunOptions {
  /** `inherit` lets the child write to our terminal; `capture` keeps both streams, in order. */
  readonly output: 'inherit' | 'capture';
  readonly env?: Readonly<Record<string, string>>;
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGTERM: 15,
};

/**
 * Runs a program to its end and never rejects: one that cannot be started counts as exit code 127.
 * A signal that ends us is handed on, and the child decides how long its clean-up takes.
 */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment(), ...options.env },
      stdio: options.output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    const keep = (chunk: Buffer): unknown => chunks.push(chunk);
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const handOn = (signal: NodeJS.Signals): unknown => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, handOn);
    const finish = (code: number): void => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, handOn);
      resolve({ code, output: Buffer.concat(chunks).toString('utf8') });
    };
    child.once('error', (error) => {
      chunks.push(Buffer.from(`${command}: ${error.message}\n`));
      finish(127);
    });
    child.once('close', (code, signal) => {
      finish(code ?? 128 + (signal ? (SIGNAL_NUMBERS[signal] ?? 0) : 0));
    });
  });
}
