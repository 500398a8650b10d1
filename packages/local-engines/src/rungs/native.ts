/**
 * Starts a server program of this machine and waits until it answers its protocol.
 * It runs in a session of its own, so Ctrl-C in a terminal reaches us and not the server: it must
 * live on while we flush into it. Its output goes to `server.log` in its folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalEnginesError, RungFailure, throwIfAborted } from '../errors.ts';
import { chooseFreePort, LOOPBACK } from '../os/ports.ts';
import { asOrdinaryUser } from '../os/ordinary-user.ts';
import { endProcess, identifyProcess } from '../os/processes.ts';
import { comparedVersions } from '../os/versions.ts';
import type { Launcher, Program, StartedServer, StartTask } from '../types.ts';

/** Between two questions to a server that starts: the quick ones need 30 ms, MySQL a second. */
const READY_POLL_MS = 20;
/** Each is a lost race for a port between our look and the server's bind. */
const MAX_PORT_TRIES = 5;
/** They end with the statement that they are at. */
const PREDECESSOR_TIMEOUT_MS = 15_000;
const PREDECESSOR_POLL_MS = 100;
const LOG_LINES_SHOWN = 8;
const PORT_TAKEN = /address already in use/i;

/** Newer servers read older data folders, never the other way round. */
function isNotNewer(written: string, running: string): boolean {
  return comparedVersions(written, running) <= 0;
}

async function makeDataFolder(program: Program, task: StartTask): Promise<void> {
  const { definition, folder } = task;
  const versionFile = join(folder, 'version');
  const written = existsSync(versionFile) ? (await readFile(versionFile, 'utf8')).trim() : undefined;
  const readsDataOf = definition.readsDataOf ?? isNotNewer;
  if (written !== undefined && !readsDataOf(written, program.version)) {
    throw new RungFailure(
      `the data in ${folder} was written by ${definition.title} ${written}, ` +
        `and ${program.version} cannot read it; remove that folder to start empty`,
    );
  }
  if (!existsSync(join(folder, 'data'))) {
    if (definition.initialise === undefined) await mkdir(join(folder, 'data'));
    else await definition.initialise(program, folder, task.context);
  }
  await writeFile(versionFile, `${program.version}\n`);
}

async function tailOf(log: string): Promise<string> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n');
  return lines.slice(-LOG_LINES_SHOWN).join('\n');
}

interface Spawned {
  readonly child: ChildProcess;
  readonly log: string;
  /** Resolves with why, when the server ends. */
  readonly ended: Promise<string>;
}

async function spawnServer(program: Program, task: StartTask, port: number): Promise<Spawned> {
  const log = join(task.folder, 'server.log');
  if (existsSync(log)) await rename(log, join(task.folder, 'server.previous.log'));
  const output = await open(log, 'a');
  const args = [
    ...program.leadingArgs,
    ...task.definition.serverArgs(program, { folder: task.folder, port }),
    ...task.args,
  ];
  const plain = { command: program.command, args };
  const { command, args: all } = task.definition.refusesRoot === true ? asOrdinaryUser(plain) : plain;
  const child = spawn(command, all, {
    cwd: task.folder,
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  // In the same turn as the spawn: from here on a killed parent's server can be found.
  if (child.pid !== undefined) task.onSpawned({ port, pid: child.pid, container: undefined });
  child.unref();
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, signal) => {
      resolve(signal ?? `exit code ${code ?? '?'}`);
    });
  });
  await output.close();
  return { child, log, ended };
}

type Outcome =
  | { readonly kind: 'ready' }
  /** It ended before it answered. */
  | { readonly kind: 'ended'; readonly why: string }
  | { readonly kind: 'timeout' };

async function awaitReady(spawned: Spawned, task: StartTask, port: number): Promise<Outcome> {
  let why: string | undefined;
  const ended = spawned.ended.then((reason) => {
    why = reason;
  });
  const deadline = performance.now() + task.readyTimeoutMs;
  while (why === undefined) {
    throwIfAborted(task.context.signal);
    if (performance.now() > deadline) return { kind: 'timeout' };
    const ready = await Promise.race([task.definition.probe(LOOPBACK, port), ended]);
    // Another program may answer at a port that our server failed to get: ask again if ours lives.
    if (ready === true && identifyProcess(spawned.child.pid ?? 0) !== undefined) return { kind: 'ready' };
    await Promise.race([delay(READY_POLL_MS), ended]);
  }
  return { kind: 'ended', why };
}

async function startOnce(
  program: Program,
  task: StartTask,
  port: number,
): Promise<StartedServer | 'port taken' | 'too early'> {
  const spawned = await spawnServer(program, task, port);
  const pid = spawned.child.pid;
  const identity = pid === undefined ? undefined : identifyProcess(pid);
  let outcome: Outcome;
  try {
    outcome = await awaitReady(spawned, task, port);
  } catch (error) {
    if (identity !== undefined) await endProcess(identity, 0);
    throw error;
  }
  if (outcome.kind === 'ready') return { port, pid, container: undefined };
  if (identity !== undefined) await endProcess(identity, 0);
  const tail = await tailOf(spawned.log);
  if (PORT_TAKEN.test(tail)) return 'port taken';
  if (task.definition.predecessorIsEnding?.test(tail) === true) return 'too early';
  const what =
    outcome.kind === 'ended'
      ? `ended before it was ready (${outcome.why})`
      : `did not answer within ${task.readyTimeoutMs / 1_000} s`;
  throw new LocalEnginesError(
    'START_FAILED',
    `${task.definition.title} ${program.version} ${what}; the end of ${spawned.log}:\n${tail}`,
  );
}

/** As `startOnce`, again and again while processes of a killed predecessor end. */
async function startAfterPredecessor(
  program: Program,
  task: StartTask,
  port: number,
): Promise<StartedServer | 'port taken'> {
  const deadline = performance.now() + PREDECESSOR_TIMEOUT_MS;
  for (let tries = 1; ; tries += 1) {
    const started = await startOnce(program, task, port);
    if (started !== 'too early') return started;
    if (tries === 1) {
      const { definition, context } = task;
      context.progress(`${definition.name}: waiting for processes of a server that was killed`);
    }
    if (performance.now() > deadline) {
      throw new RungFailure(
        `processes of a server that was killed still use ${task.folder} after ${PREDECESSOR_TIMEOUT_MS / 1_000} s; ` +
          `end them, see ${join(task.folder, 'server.log')}`,
      );
    }
    await delay(PREDECESSOR_POLL_MS);
  }
}

async function start(program: Program, task: StartTask): Promise<StartedServer> {
  await makeDataFolder(program, task);
  if (task.port !== undefined) {
    // Not tried before: a listener of ours would take the connections of clients that wait for this very server.
    const started = await startAfterPredecessor(program, task, task.port);
    if (started !== 'port taken') return started;
    throw new LocalEnginesError('PORT_IN_USE', `Port ${task.port} is taken by another program.`);
  }
  for (let tries = 0; tries < MAX_PORT_TRIES; tries += 1) {
    const started = await startAfterPredecessor(program, task, await chooseFreePort());
    if (started !== 'port taken') return started;
  }
  throw new RungFailure(`${MAX_PORT_TRIES} ports in a row were taken between choice and start`);
}

export function nativeLauncher(program: Program, prepare: () => Promise<void>): Launcher {
  return {
    source: program.source,
    version: program.version,
    prepare,
    start: (task) => start(program, task),
  };
}
