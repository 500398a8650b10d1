/**
 * The register of servers that run now: one file a server in `running/` of the cache folder,
 * named after the server's folder, changed only under that name's lock. It says who the server is
 * (pid and start time, or container id) and who uses it. A server none of whose users is alive is
 * a leftover of killed processes; `sweep` ends it. Nothing that is not in the register is ended,
 * and nothing in it whose identity no longer fits.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endContainer, isContainerRunning } from './os/docker.ts';
import { tryLock } from './os/lock.ts';
import { commandLine, endProcess, isAlive, processSpace, type ProcessIdentity } from './os/processes.ts';
import type { Context, EngineName, Environment, Rung, StopSignal } from './types.ts';

export interface ServerUser {
  readonly id: string;
  readonly process: ProcessIdentity;
}

export interface ServerRecord {
  readonly key: string;
  /** Pids are meaningless elsewhere. */
  readonly space: string;
  readonly engine: EngineName;
  readonly folder: string;
  readonly server: ProcessIdentity | undefined;
  readonly container: string | undefined;
  readonly port: number;
  readonly version: string;
  readonly source: Rung;
  readonly stopTimeoutMs: number;
  /** Default SIGTERM. */
  readonly stopSignal: StopSignal | undefined;
  /** False until it answered its protocol. */
  readonly ready: boolean;
  readonly users: readonly ServerUser[];
}

export function registerFolder(cacheDir: string): string {
  const folder = join(cacheDir, 'running');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** 16 hexadecimal digits of the folder's path: no two folders of one user meet by chance. */
export function keyOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 16);
}

export function lockPathOf(cacheDir: string, key: string): string {
  return join(registerFolder(cacheDir), `${key}.lock`);
}

function recordPath(cacheDir: string, key: string): string {
  return join(registerFolder(cacheDir), `${key}.json`);
}

export function readRecord(cacheDir: string, key: string): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(cacheDir, key), 'utf8')) as ServerRecord;
  } catch {
    return undefined;
  }
}

/** Synchronous, because it must be done in the turn in which the server was spawned. */
export function writeRecord(cacheDir: string, record: ServerRecord): void {
  const path = recordPath(cacheDir, record.key);
  writeFileSync(`${path}.draft`, JSON.stringify(record));
  renameSync(`${path}.draft`, path);
}

export function removeRecord(cacheDir: string, key: string): void {
  rmSync(recordPath(cacheDir, key), { force: true });
}

export function liveUsers(record: ServerRecord): readonly ServerUser[] {
  return record.users.filter((user) => isAlive(user.process));
}

function isOurs(server: ProcessIdentity, folder: string): boolean {
  return isAlive(server) && commandLine(server.pid).includes(folder);
}

export async function isRunning(record: ServerRecord, env: Environment): Promise<boolean> {
  if (record.container !== undefined) return isContainerRunning(record.container, env);
  return record.server !== undefined && isOurs(record.server, record.folder);
}

/** Resolves when the server is gone. With a limit of 0 it gets no chance to say good-bye. */
export async function endServer(
  record: ServerRecord,
  stopTimeoutMs: number,
  env: Environment,
): Promise<void> {
  if (record.container !== undefined) await endContainer(record.container, stopTimeoutMs, env);
  if (record.server !== undefined && isOurs(record.server, record.folder)) {
    await endProcess(record.server, stopTimeoutMs, record.stopSignal);
  }
}

/** Ends what processes left behind that are gone. Servers that are being started or stopped now are skipped. */
export async function sweep(context: Context): Promise<void> {
  const names = readdirSync(registerFolder(context.cacheDir));
  const keys = names
    .filter((name) => /^[0-9a-f]{16}\.json$/.test(name))
    .map((name) => name.slice(0, -'.json'.length));
  await Promise.all(keys.map((key) => sweepOne(context, key)));
}

async function sweepOne(context: Context, key: string): Promise<void> {
  const first = readRecord(context.cacheDir, key);
  if (first?.space !== processSpace() || liveUsers(first).length > 0) return;
  const release = tryLock(lockPathOf(context.cacheDir, key));
  if (release === undefined) return;
  try {
    const record = readRecord(context.cacheDir, key);
    if (record === undefined || liveUsers(record).length > 0) return;
    if (await isRunning(record, context.env)) {
      context.progress(`${record.engine}: ending a server that a killed process left in ${record.folder}`);
    }
    await endServer(record, record.stopTimeoutMs, context.env);
    removeRecord(context.cacheDir, key);
  } finally {
    release();
  }
}
