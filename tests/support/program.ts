/** A program of the project as a process of its own, in a folder without a `.env`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

export interface Ended {
  /** null: the signal ended it before it could hear it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #look: () => void = () => undefined;

  /** `file`: absolute, or from the project's root. What it sends by IPC is for `onMessage`. */
  constructor(
    file: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    onMessage?: (message: unknown) => void,
  ) {
    const { PATH, HOME } = process.env;
    this.child = spawn(process.execPath, [resolvePath(ROOT, file), ...args], {
      cwd: tmpdir(),
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', ...(onMessage ? (['ipc'] as const) : [])],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    if (onMessage) this.child.on('message', onMessage);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The first match in standard output; rejects if it ends without. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    return await new Promise<RegExpExecArray>((resolve, reject) => {
      this.#look = () => {
        const match = pattern.exec(this.stdout);
        if (match) resolve(match);
      };
      this.#look();
      void this.ended.then(({ code, stderr }) =>
        reject(new Error(`ended with ${String(code)} without ${String(pattern)}: ${stderr}`)),
      );
    });
  }
}
