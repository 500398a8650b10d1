/** What the register needs to know of containers. */
import { run } from './run.ts';

const DOCKER_TIMEOUT_MS = 30_000;

export async function isContainerRunning(id: string): Promise<boolean> {
  const answer = await run('docker', ['inspect', '--format', '{{.State.Running}}', id], { timeoutMs: DOCKER_TIMEOUT_MS });
  return answer.ok && answer.stdout.trim() === 'true';
}

/** Container ids are never used again, so nothing else can be hit. */
export async function endContainer(id: string, stopTimeoutMs: number): Promise<void> {
  if (stopTimeoutMs > 0) {
    const limitSeconds = String(Math.ceil(stopTimeoutMs / 1_000));
    await run('docker', ['stop', '--time', limitSeconds, id], { timeoutMs: stopTimeoutMs + DOCKER_TIMEOUT_MS });
  }
  await run('docker', ['rm', '--force', id], { timeoutMs: DOCKER_TIMEOUT_MS });
}
