/** `npm start` in a process of its own, away from a `.env` of whoever runs the tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../../packages/local-stack/src/cli/start.ts', import.meta.url));

export interface RunningStack {
  /** http://127.0.0.1:port */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startStack(environment: Readonly<Record<string, string>>): Promise<RunningStack> {
  const child = spawn(process.execPath, [START], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment, PORT: environment.PORT ?? '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(process.stderr);
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  for await (const line of createInterface(child.stdout)) {
    const url = /^Afterwrite is ready on (\S+)$/.exec(line)?.[1];
    if (url !== undefined) return { url, stop };
  }
  throw new Error('npm start ended before it was ready');
}
