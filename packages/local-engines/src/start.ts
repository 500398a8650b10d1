/**
 * Starts, joins, leaves and stops servers. Everything that is done to the server of one folder is
 * done under that folder's lock, so two commands that start at once end up with one server.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { definitions } from './engines/index.ts';
import { LocalEnginesError } from './errors.ts';
import { contextOf, rungsOf, withFirstRung } from './find.ts';
import { withLock } from './os/lock.ts';
import { LOOPBACK } from './os/ports.ts';
import { identifyProcess, identifySelf, processSpace } from './os/processes.ts';
import {
  endServer,
  isRunning,
  keyOf,
  liveUsers,
  lockPathOf,
  readRecord,
  removeRecord,
  writeRecord,
  type ServerRecord,
} from './register.ts';
import { sweepAll } from './temporary.ts';
import type { Context, EngineName, Launcher, Rung, RunningEngine, StartOptions } from './types.ts';

/** A server that starts from a cold disk is slow; none that was seen took a third of this. */
const READY_TIMEOUT_MS = 60_000;
/** Another process may be fetching the engine while it holds the folder's lock. */
const FOLDER_LOCK_TIMEOUT_MS = 1_200_000;

interface Claim {
  readonly name: EngineName;
  readonly folder: string;
  readonly key: string;
  readonly userId: string;
  readonly context: Context;
}

function withFolderLock<T>(claim: Claim, work: () => Promise<T>): Promise<T> {
  const { context, key, name } = claim;
  const onWait = (pid: number): void => {
    context.progress(`${name}: waiting for process ${pid}, which is starting or stopping it`);
  };
  const limits = { timeoutMs: FOLDER_LOCK_TIMEOUT_MS, onWait };
  return withLock(lockPathOf(context.cacheDir, key), limits, work);
}

async function stop(claim: Claim): Promise<void> {
  const { cacheDir, env } = claim.context;
  await withFolderLock(claim, async () => {
    const record = readRecord(cacheDir, claim.key);
    if (record?.users.some((user) => user.id === claim.userId) !== true) return;
    const others = liveUsers(record).filter((user) => user.id !== claim.userId);
    if (others.length > 0) {
      writeRecord(cacheDir, { ...record, users: others });
      return;
    }
    await endServer(record, record.stopTimeoutMs, env);
    removeRecord(cacheDir, claim.key);
  });
}

async function kill(claim: Claim, killed: ServerRecord): Promise<void> {
  const { cacheDir, env } = claim.context;
  await withFolderLock(claim, async () => {
    await endServer(killed, 0, env);
    const record = readRecord(cacheDir, claim.key);
    // Another server may run from this folder by now, when ours had died before.
    if (record?.server?.pid === killed.server?.pid && record?.container === killed.container) {
      removeRecord(cacheDir, claim.key);
    }
  });
}

function handleOf(claim: Claim, record: ServerRecord): RunningEngine {
  const { user, password } = definitions[claim.name];
  return {
    name: claim.name,
    host: LOOPBACK,
    port: record.port,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    source: record.source,
    version: record.version,
    pid: record.server?.pid,
    dataDir: record.folder,
    stop: () => stop(claim),
    kill: () => kill(claim, record),
  };
}

async function launch(claim: Claim, launcher: Launcher, options: StartOptions): Promise<ServerRecord> {
  const { context, folder, key } = claim;
  const definition = definitions[claim.name];
  let record: ServerRecord | undefined;
  try {
    await launcher.start({
      definition,
      folder,
      args: options.args ?? [],
      port: options.port,
      readyTimeoutMs: options.readyTimeoutMs ?? READY_TIMEOUT_MS,
      context,
      onSpawned: (started) => {
        record = {
          key,
          space: processSpace(),
          engine: claim.name,
          folder,
          server: started.pid === undefined ? undefined : identifyProcess(started.pid),
          container: started.container,
          port: started.port,
          version: launcher.version,
          source: launcher.source,
          stopTimeoutMs: definition.stopTimeoutMs,
          stopSignal: definition.stopSignal,
          ready: false,
          users: [{ id: claim.userId, process: identifySelf() }],
        };
        writeRecord(context.cacheDir, record);
      },
    });
    if (record === undefined) throw new Error(`The rung ${launcher.source} did not report its server.`);
    const ready = { ...record, ready: true };
    writeRecord(context.cacheDir, ready);
    return ready;
  } catch (error) {
    if (record !== undefined) await endServer(record, 0, context.env);
    removeRecord(context.cacheDir, key);
    throw error;
  }
}

async function joinOrStart(
  claim: Claim,
  options: StartOptions,
  rungs: readonly Rung[],
): Promise<RunningEngine> {
  const { cacheDir, env } = claim.context;
  const existing = readRecord(cacheDir, claim.key);
  if (existing !== undefined) {
    const users = existing.space === processSpace() ? liveUsers(existing) : existing.users;
    if (users.length > 0 && existing.ready && (await isRunning(existing, env))) {
      if (options.shared !== true) {
        throw new LocalEnginesError(
          'DATA_DIR_IN_USE',
          `${definitions[claim.name].title} already runs from ${claim.folder} for process ` +
            `${users.map((user) => user.process.pid).join(', ')}.`,
        );
      }
      const mine = { id: claim.userId, process: identifySelf() };
      const joined = { ...existing, users: [...users, mine] };
      writeRecord(cacheDir, joined);
      return handleOf(claim, joined);
    }
    await endServer(existing, existing.stopTimeoutMs, env);
    removeRecord(cacheDir, claim.key);
  }
  const record = await withFirstRung(definitions[claim.name], rungs, claim.context, (launcher) =>
    launch(claim, launcher, options),
  );
  return handleOf(claim, record);
}

/** `startEngine` with the rungs chosen by the caller. */
export async function startOnRungs(
  name: EngineName,
  options: StartOptions,
  rungs: readonly Rung[],
): Promise<RunningEngine> {
  const context = contextOf(options);
  await sweepAll(context);
  const made = join(options.dataDir, options.instance ?? name);
  await mkdir(made, { recursive: true });
  const folder = await realpath(made);
  const claim: Claim = { name, folder, key: keyOf(folder), userId: randomUUID(), context };
  return withFolderLock(claim, () => joinOrStart(claim, options, rungs));
}

/**
 * Starts one engine from its folder in `dataDir` and resolves when it answers its protocol.
 * Leftovers of processes that are gone are ended before.
 * @throws LocalEnginesError
 */
export function startEngine(name: EngineName, options: StartOptions): Promise<RunningEngine> {
  return startOnRungs(name, options, rungsOf(options.mode));
}

export interface StartEnginesOptions extends Omit<StartOptions, 'port'> {
  /** Take these ports or fail; default: free ones. */
  readonly ports?: Readonly<Partial<Record<EngineName, number>>>;
}

export interface RunningEngines {
  readonly engines: ReadonlyMap<EngineName, RunningEngine>;
  /** @throws Error for an engine that was not asked for */
  get(name: EngineName): RunningEngine;
  stopAll(): Promise<void>;
}

/** Stops all of them, also when one cannot be stopped; then throws the first failure. */
export async function stopEach(engines: Iterable<RunningEngine>): Promise<void> {
  const answers = await Promise.allSettled([...engines].map((engine) => engine.stop()));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/**
 * Starts several engines side by side: all of them, or none.
 * @throws LocalEnginesError of the first engine that failed; its message has the others' below.
 */
export async function startEngines(
  names: readonly EngineName[],
  { ports = {}, ...options }: StartEnginesOptions,
): Promise<RunningEngines> {
  const answers = await Promise.allSettled(
    names.map((name) => {
      const port = ports[name];
      return startEngine(name, { ...options, ...(port !== undefined && { port }) });
    }),
  );
  const engines = new Map<EngineName, RunningEngine>();
  const failures: unknown[] = [];
  for (const answer of answers) {
    if (answer.status === 'fulfilled') engines.set(answer.value.name, answer.value);
    else failures.push(answer.reason);
  }
  if (failures.length > 0) {
    await stopEach(engines.values());
    throw joinFailures(failures);
  }
  return {
    engines,
    get(name): RunningEngine {
      const engine = engines.get(name);
      if (engine === undefined) throw new Error(`${name} was not started.`);
      return engine;
    },
    stopAll: () => stopEach(engines.values()),
  };
}

function joinFailures(failures: readonly unknown[]): unknown {
  const [first] = failures;
  if (failures.length === 1 || !(first instanceof LocalEnginesError)) return first;
  const ours = failures.filter((failure) => failure instanceof LocalEnginesError);
  const message = ours.map((failure) => failure.message).join('\n\n');
  const reasons = ours.flatMap((failure) => failure.reasons);
  return new LocalEnginesError(first.code, message, { reasons, cause: new AggregateError(failures) });
}
