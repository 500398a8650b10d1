/** Talks to Docker through its command line. Every call has a limit; a daemon that hangs is no daemon. */
import type { Environment } from '../types.ts';
import { run, type RunAnswer } from './run.ts';

const DOCKER_TIMEOUT_MS = 30_000;

export interface DockerCall {
  readonly env: Environment;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export function docker(args: readonly string[], call: DockerCall): Promise<RunAnswer> {
  return run('docker', args, { timeoutMs: DOCKER_TIMEOUT_MS, ...call });
}

export async function isContainerRunning(container: string, env: Environment): Promise<boolean> {
  const answer = await docker(['inspect', '--format', '{{.State.Running}}', container], { env });
  return answer.ok && answer.stdout.trim() === 'true';
}

/** With a limit of 0 it is killed. Harmless when it is gone already. */
export async function endContainer(
  container: string,
  stopTimeoutMs: number,
  env: Environment,
): Promise<void> {
  if (stopTimeoutMs > 0) {
    const limitSeconds = String(Math.ceil(stopTimeoutMs / 1_000));
    const timeoutMs = stopTimeoutMs + DOCKER_TIMEOUT_MS;
    await docker(['stop', '--time', limitSeconds, container], { env, timeoutMs });
  }
  await docker(['rm', '--force', container], { env });
}

export async function removeVolume(volume: string, env: Environment): Promise<void> {
  await docker(['volume', 'rm', '--force', volume], { env });
}
