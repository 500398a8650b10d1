/**
 * The official images named in `compose.yaml`, when a Docker daemon answers and the image is there or
 * can be pulled. A container and its volume are named after the server's folder, so what a killed
 * process left is found by name; the container is removed at a stop, the volume keeps the data.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalEnginesError, RungFailure, throwIfAborted } from '../errors.ts';
import { docker, endContainer, isContainerRunning, removeVolume } from '../os/docker.ts';
import { chooseFreePort, LOOPBACK } from '../os/ports.ts';
import { keyOf } from '../register.ts';
import type { Context, EngineDefinition, Launcher, StartedServer, StartTask } from '../types.ts';

const COMPOSE_FILE = fileURLToPath(new URL('../../../../compose.yaml', import.meta.url));
/** A daemon of this machine answers at once; whoever has none should not wait. */
const DAEMON_TIMEOUT_MS = 2_000;
/** About 250 MB on a slow line. */
const PULL_TIMEOUT_MS = 600_000;
/** Docker needs a moment to make a container from a cold image. */
const RUN_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 100;
/** Each is a lost race for a port between our look and Docker's bind. */
const MAX_PORT_TRIES = 5;
const PORT_TAKEN = /address already in use|port is already allocated/i;
const LOG_LINES_SHOWN = '8';
/** In the server's folder; says which volume holds its data. */
export const VOLUME_FILE = 'volume';
/** Beside it once a server answered from that volume. */
const FILLED_FILE = 'volume-filled';

/** Reads `image:` of a service; our own file, so its indentation is known. */
export function imageOf(composeText: string, service: string): string | undefined {
  const block = new RegExp(`^  ${service}:\\n((?:    .*\\n)+)`, 'm').exec(composeText)?.[1];
  return block === undefined ? undefined : /^ {4}image: (\S+)$/m.exec(block)?.[1];
}

async function ensureImage(definition: EngineDefinition, context: Context): Promise<string> {
  const { env, signal } = context;
  const compose = await readFile(COMPOSE_FILE, 'utf8').catch(() => '');
  const image = imageOf(compose, definition.container.service);
  if (image === undefined) throw new RungFailure(`${COMPOSE_FILE} names no image for ${definition.name}`);
  const format = ['version', '--format', '{{.Server.Version}}'];
  const daemon = await docker(format, { env, signal, timeoutMs: DAEMON_TIMEOUT_MS });
  if (!daemon.ok) throw new RungFailure(`no Docker daemon answers (${daemon.lastLine})`);
  const present = await docker(['image', 'inspect', '--format', '{{.Id}}', image], { env, signal });
  if (present.ok) return image;
  context.progress(`${definition.name}: pulling the image ${image}`);
  const pulled = await docker(['pull', '--quiet', image], { env, signal, timeoutMs: PULL_TIMEOUT_MS });
  if (!pulled.ok) throw new RungFailure(`the image ${image} cannot be pulled (${pulled.lastLine})`);
  return image;
}

async function awaitReady(name: string, port: number, task: StartTask): Promise<void> {
  const { context, definition } = task;
  const deadline = performance.now() + task.readyTimeoutMs;
  while (!(await definition.probe(LOOPBACK, port))) {
    throwIfAborted(context.signal);
    const alive = await isContainerRunning(name, context.env);
    if (!alive || performance.now() > deadline) {
      const log = await docker(['logs', '--tail', LOG_LINES_SHOWN, name], { env: context.env });
      const what = alive
        ? `did not answer within ${task.readyTimeoutMs / 1_000} s`
        : 'ended before it was ready';
      throw new LocalEnginesError(
        'START_FAILED',
        `${definition.title} in a container ${what}; the end of its log:\n${`${log.stdout}${log.stderr}`.trim()}`,
      );
    }
    await delay(READY_POLL_MS);
  }
}

async function startOnce(
  image: string,
  task: StartTask,
  port: number,
): Promise<StartedServer | 'port taken'> {
  const { definition, folder, context } = task;
  const { container } = definition;
  const name = `afterwrite-${definition.name}-${keyOf(folder)}`;
  // Before the container exists: it is known by name, so it is found whenever we are killed.
  const started = { port, pid: undefined, container: name };
  task.onSpawned(started);
  await endContainer(name, 0, context.env);
  const filled = join(folder, FILLED_FILE);
  // Images take a volume that is not empty for a whole one, also when they were killed while they filled it.
  if (!existsSync(filled)) await removeVolume(name, context.env);
  await writeFile(join(folder, VOLUME_FILE), name);
  const args = [
    ...['run', '--detach', '--name', name, '--label', `afterwrite.folder=${folder}`],
    ...['--publish', `${LOOPBACK}:${port}:${container.internalPort}`],
    ...(container.dataPath === undefined ? [] : ['--volume', `${name}:${container.dataPath}`]),
    ...container.environment.flatMap((setting) => ['--env', setting]),
    image,
    ...container.command(task.args),
  ];
  const limits = { env: context.env, signal: context.signal, timeoutMs: RUN_TIMEOUT_MS };
  const answer = await docker(args, limits);
  if (!answer.ok && PORT_TAKEN.test(answer.stderr)) return 'port taken';
  if (!answer.ok) throw new RungFailure(`docker run failed: ${answer.lastLine}`);
  await awaitReady(name, port, task);
  await writeFile(filled, '');
  return started;
}

async function start(image: string, task: StartTask): Promise<StartedServer> {
  const tries = task.port === undefined ? MAX_PORT_TRIES : 1;
  for (let count = 0; count < tries; count += 1) {
    const started = await startOnce(image, task, task.port ?? (await chooseFreePort()));
    if (started !== 'port taken') return started;
  }
  if (task.port === undefined)
    throw new RungFailure(`${tries} ports in a row were taken between choice and start`);
  throw new LocalEnginesError('PORT_IN_USE', `Port ${task.port} is taken by another program.`);
}

export async function useContainers(definition: EngineDefinition, context: Context): Promise<Launcher> {
  const image = await ensureImage(definition, context);
  const args = ['run', '--rm', '--entrypoint', basename(definition.programName), image, '--version'];
  const limits = { env: context.env, signal: context.signal, timeoutMs: RUN_TIMEOUT_MS };
  const printed = await docker(args, limits);
  if (!printed.ok) throw new RungFailure(`the image ${image} does not run: ${printed.lastLine}`);
  const answer = definition.readVersion(printed.stdout);
  if (!answer.ok) throw new RungFailure(`the image ${image}: ${answer.reason}`);
  return {
    source: 'containers',
    version: answer.version,
    prepare: () => Promise.resolve(),
    start: (task) => start(image, task),
  };
}
