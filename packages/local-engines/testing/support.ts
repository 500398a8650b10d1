/** What several tests of this package need: other processes, and a look at what runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { StartOptions } from '../src/index.ts';
import { commandLine, identifyProcess } from '../src/os/processes.ts';

/** Without a container: these tests look at the server's process. */
export const nativeMode = process.env.LOCAL_ENGINES === 'path' ? 'path' : 'debian';

const USER_PROCESS = fileURLToPath(new URL('./user-process.ts', import.meta.url));

export interface UserProcess {
  readonly child: ChildProcess;
  /** Of its Valkey. */
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** Asks it to stop its server and resolves when it has ended. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Starts a process that starts (or joins) a Valkey; resolves when that is ready. */
export async function startUserProcess(
  options: Partial<Pick<StartOptions, 'dataDir' | 'shared'>>,
): Promise<UserProcess> {
  const child = spawn(process.execPath, [USER_PROCESS, JSON.stringify({ mode: nativeMode, ...options })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const started = JSON.parse(line) as { port: number; pid: number; dataDir: string };
  return {
    child,
    ...started,
    async stop() {
      child.stdin.write('stop\n');
      await ended(child);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

export function isRunning(pid: number | undefined): boolean {
  return pid !== undefined && identifyProcess(pid) !== undefined;
}

/** Pids of this machine's processes whose command line names the folder, this process apart. */
export function processesNaming(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .filter((pid) => pid !== process.pid && isRunning(pid) && commandLine(pid).includes(folder));
}
