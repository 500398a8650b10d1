/**
 * Who is a process. A pid alone names nobody, because pids are used again; a pid with the moment
 * the process began does. Nothing in this package signals a process whose identity was not checked.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { StopSignal } from '../types.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal only for the same process of the same boot. */
  readonly startedAt: string;
}

/** Between two looks at a process that is not our child, so that gives no event. */
const EXIT_POLL_MS = 10;
/** SIGKILL takes effect at once, save for a process in uninterruptible I/O. */
const KILL_TIMEOUT_MS = 10_000;

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function psField(pid: number, field: string): string | undefined {
  try {
    const printed = execFileSync('ps', ['-ww', '-o', `${field}=`, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return printed.trim() === '' ? undefined : printed.trim();
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat from the third on, the state; undefined when there is no such process. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = readOrUndefined(`/proc/${pid}/stat`);
  // The program's name, in parentheses, may itself hold spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Undefined when there is no such process, or only its zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') {
    const state = psField(pid, 'stat');
    const began = psField(pid, 'lstart');
    if (state === undefined || state.startsWith('Z') || began === undefined) return undefined;
    return { pid, startedAt: began };
  }
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  const [state] = fields;
  // proc(5): num_threads is field 20, starttime field 22, the state after the name is field 3.
  const [threads, startTicks] = [Number(fields[20 - 3]), fields[22 - 3]];
  // While other threads of a killed process end, it is a zombie already and has its ports and locks still.
  const isGone = state === 'X' || (state === 'Z' && threads <= 1);
  if (isGone || startTicks === undefined) return undefined;
  const boot = readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return { pid, startedAt: `${boot}/${startTicks}` };
}

/** Pids of all processes with those of their parents. */
function parents(): (readonly [pid: number, parent: number])[] {
  if (process.platform !== 'linux') {
    const printed = execFileSync('ps', ['-ax', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    const lines = printed.trim().split('\n');
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  // proc(5): ppid is field 4, the state after the name is field 3.
  return pids.map((pid) => [Number(pid), Number(statFields(Number(pid))?.[4 - 3])]);
}

function childrenOf(pid: number): ProcessIdentity[] {
  const children = parents().filter(([, parent]) => parent === pid);
  return children.map(([child]) => identifyProcess(child)).filter((child) => child !== undefined);
}

let self: ProcessIdentity | undefined;

export function identifySelf(): ProcessIdentity {
  self ??= identifyProcess(process.pid);
  if (self === undefined) throw new Error('This process cannot read its own start time.');
  return self;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** The arguments of a process, separated by a NUL (Linux) or a space; empty when it is gone. */
export function commandLine(pid: number): string {
  if (process.platform === 'linux') return readOrUndefined(`/proc/${pid}/cmdline`) ?? '';
  return psField(pid, 'command') ?? '';
}

/** Pids of another machine or another pid namespace mean nothing here: such records are left alone. */
export function processSpace(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: one space a machine.
  }
  return `${hostname()} ${namespace}`.trim();
}

function sendSignal(identity: ProcessIdentity, signal: StopSignal | 'SIGSTOP' | 'SIGKILL'): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await delay(EXIT_POLL_MS);
  }
  return true;
}

/**
 * Ends exactly this process and resolves when it is gone: the signal, then SIGKILL after the limit. Its children do not
 * survive a SIGKILL: they would write on into the server's folder, and PostgreSQL's also commit.
 */
export async function endProcess(
  identity: ProcessIdentity,
  stopTimeoutMs: number,
  stopSignal: StopSignal = 'SIGTERM',
): Promise<void> {
  if (stopTimeoutMs > 0) {
    sendSignal(identity, stopSignal);
    if (await waitUntilGone(identity, stopTimeoutMs)) return;
  }
  // Held first: it would have further children while we look for them.
  sendSignal(identity, 'SIGSTOP');
  const family = isAlive(identity) ? [identity, ...childrenOf(identity.pid)] : [];
  for (const member of family) sendSignal(member, 'SIGKILL');
  for (const member of family) {
    if (await waitUntilGone(member, KILL_TIMEOUT_MS)) continue;
    throw new Error(`Process ${member.pid} did not end within ${KILL_TIMEOUT_MS} ms of SIGKILL.`);
  }
}
