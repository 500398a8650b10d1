/**
 * Three Valkey primaries as one cluster. It is complete when every node says so: all 16,384 slots
 * served and all three known; a node that lags would refuse keys that another accepts.
 * Containers are left out: nodes tell clients and each other their address, and the one within a
 * container is not the one outside.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { askValkey } from './engines/resp.ts';
import { LocalEnginesError, throwIfAborted } from './errors.ts';
import { rungsOf } from './find.ts';
import { LOOPBACK } from './os/ports.ts';
import { startOnRungs, stopEach } from './start.ts';
import type { RunningEngine, StartOptions } from './types.ts';

/** Fixed by Valkey. */
const SLOTS = 16_384;
const NODES = 3;
/** Gossip needs one to three seconds on two busy cores. */
const FORM_TIMEOUT_MS = 30_000;
const FORM_POLL_MS = 50;
/** How long a node may be silent before the others call it failed, ms: short, for failure tests. */
const NODE_TIMEOUT_MS = '3000';

export type ClusterOptions = Omit<StartOptions, 'port' | 'instance'>;

export interface RunningCluster {
  readonly nodes: readonly RunningEngine[];
  stop(): Promise<void>;
}

async function command(node: RunningEngine, ...args: string[]): Promise<string> {
  const reply = await askValkey(node, ...args);
  if (reply === undefined || reply.startsWith('-')) {
    const answer = reply ?? 'no answer';
    throw new LocalEnginesError('CLUSTER_FAILED', `Node ${node.port}: ${args.join(' ')}: ${answer}`);
  }
  return reply;
}

/** Repeating it changes nothing: a node that was in a cluster before keeps its slots. */
async function introduce(nodes: readonly RunningEngine[]): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    const info = await command(node, 'CLUSTER', 'INFO');
    if (!info.includes('cluster_slots_assigned:0')) continue;
    // Each its own epoch: nodes that meet with the same one must first agree on who takes another.
    await command(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    const first = Math.floor((SLOTS * index) / NODES);
    const last = Math.floor((SLOTS * (index + 1)) / NODES) - 1;
    await command(node, 'CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
  }
  for (const node of nodes) {
    for (const other of nodes) {
      if (other !== node) await command(node, 'CLUSTER', 'MEET', LOOPBACK, String(other.port));
    }
  }
}

function isComplete(info: string): boolean {
  return ['cluster_state:ok', `cluster_slots_assigned:${SLOTS}`, `cluster_known_nodes:${NODES}`].every(
    (line) => info.split('\r\n').includes(line),
  );
}

async function awaitComplete(
  nodes: readonly RunningEngine[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = performance.now() + FORM_TIMEOUT_MS;
  for (const node of nodes) {
    for (;;) {
      throwIfAborted(signal);
      const info = await command(node, 'CLUSTER', 'INFO');
      if (isComplete(info)) break;
      if (performance.now() > deadline) {
        const message = `The Valkey cluster was not complete within ${FORM_TIMEOUT_MS} ms; node ${node.port} says:\n${info}`;
        throw new LocalEnginesError('CLUSTER_FAILED', message, { retryable: true });
      }
      await delay(FORM_POLL_MS);
    }
  }
}

function startNode(options: ClusterOptions, index: number): Promise<RunningEngine> {
  const rungs = rungsOf(options.mode).filter((rung) => rung !== 'containers');
  if (rungs.length === 0) {
    throw new LocalEnginesError(
      'NO_RUNG_WORKED',
      'A Valkey cluster cannot run in containers here; use LOCAL_ENGINES=auto, path or debian.',
    );
  }
  const args = [
    ...['--cluster-enabled', 'yes', '--cluster-announce-ip', LOOPBACK],
    ...['--cluster-node-timeout', NODE_TIMEOUT_MS],
    ...(options.args ?? []),
  ];
  return startOnRungs('valkey', { ...options, args, instance: `valkey-cluster-${index + 1}` }, rungs);
}

/**
 * Starts three primaries from folders of their own in `dataDir`; resolves when each of them says
 * `cluster_state:ok` for all slots.
 * @throws LocalEnginesError
 */
export async function startValkeyCluster(options: ClusterOptions): Promise<RunningCluster> {
  const indexes = Array.from({ length: NODES }, (_, index) => index);
  const answers = await Promise.allSettled(indexes.map(async (index) => startNode(options, index)));
  const nodes = answers.filter((answer) => answer.status === 'fulfilled').map((answer) => answer.value);
  try {
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await introduce(nodes);
    await awaitComplete(nodes, options.signal);
  } catch (error) {
    await stopEach(nodes);
    throw error;
  }
  return { nodes, stop: () => stopEach(nodes) };
}
