/**
 * Runs a program to its end. Never throws for what the program does: a program that is not there,
 * fails or takes too long gives an answer with `ok: false` and a last line that says why.
 */
import { spawn } from 'node:child_process';
import type { Environment } from '../types.ts';

export interface RunOptions {
  readonly timeoutMs: number;
  readonly env?: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string;
  /** Its standard input; default: none. */
  readonly input?: string;
  readonly onLine?: (line: string) => void;
}

export interface RunAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** The line that most probably says why it failed. */
  readonly lastLine: string;
}

/** Enough for a package list's warnings; what comes after is dropped. */
const MAX_OUTPUT_CHARS = 1_000_000;

function lastLineOf(...texts: string[]): string {
  for (const text of texts) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const line = lines.findLast((each) => /^E: |error|fail|cannot|denied/i.test(each)) ?? lines.at(-1);
    if (line !== undefined) return line.trim();
  }
  return 'it printed nothing';
}

export function run(command: string, args: readonly string[], options: RunOptions): Promise<RunAnswer> {
  return new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    let unfinished = '';
    let ended = false;
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const end = (ok: boolean, why: string | undefined): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      resolve({ ok, stdout, stderr, lastLine: why ?? lastLineOf(stderr, stdout) });
    };
    const abort = (): void => {
      child.kill('SIGKILL');
      end(false, 'interrupted');
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      end(false, `no answer within ${options.timeoutMs / 1_000} s`);
    }, options.timeoutMs);
    options.signal?.addEventListener('abort', abort);
    // It may end without having read all of it; what became of it is in its exit code.
    child.stdin.on('error', () => undefined).end(options.input);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < MAX_OUTPUT_CHARS) stdout += chunk;
      const lines = (unfinished + chunk).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) options.onLine?.(line);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (stderr.length < MAX_OUTPUT_CHARS) stderr += chunk;
    });
    child.once('error', (error) => {
      end(false, error.message);
    });
    child.once('close', (code) => {
      end(code === 0, undefined);
    });
    if (options.signal?.aborted === true) abort();
  });
}
