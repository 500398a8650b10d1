/**
 * A cluster moves the slot of a partition from node to node and back while updates go on: its keys are on two nodes for
 * a while (ASK, TRYAGAIN), then on another one (MOVED), whose name begins a new epoch.
 */
import type { Cluster, Redis } from 'iovalkey';
import { expect, it, onTestFinished } from 'vitest';
import { cleanVerdict } from '../support/history.ts';
import { Load } from '../support/load.ts';
import { makeWorld } from '../support/world.ts';

const FLIGHTS = 400;
const LIMITS = {
  CACHE_CONNECT_TIMEOUT_MS: '1000',
  CACHE_WAIT_MS: '2000',
  DB_CONNECT_TIMEOUT_MS: '1000',
  DB_STATEMENT_TIMEOUT_MS: '2000',
  DB_LOCK_WAIT_SECONDS: '1',
  QUEUE_PARTITIONS: '2',
  QUEUE_LEASE_MS: '300',
};
/** Round the three nodes, and back to where it was. */
const MOVES = 3;
/** Keys that move at once: few, so that the load meets the slot on two nodes. */
const KEYS = 20;
const MIGRATE_TIMEOUT_MS = 5000;

/** What nodes answer meanwhile to who asks for one key, for one that moved, and for several that are not together. */
const ANSWERS = ['ASK', 'MOVED', 'TRYAGAIN'] as const;

interface Node {
  readonly id: string;
  readonly client: Redis;
}

/** How often the nodes have answered so. */
async function replies(nodes: readonly Node[], error: (typeof ANSWERS)[number]): Promise<number> {
  const stats = await Promise.all(nodes.map(({ client }) => client.info('errorstats')));
  const counts = stats.map((text) =>
    Number(new RegExp(`errorstat_${error}:count=(\\d+)`).exec(text)?.[1] ?? 0),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function nodesOf(cluster: Cluster): Promise<Node[]> {
  return await Promise.all(
    cluster.nodes('master').map(async (client) => ({ id: await client.cluster('MYID'), client })),
  );
}

/** `halfway` is called when some of the keys are on either node. */
async function moveSlot(slot: number, from: Node, to: Node, halfway: () => Promise<void>): Promise<void> {
  await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
  await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
  const { host, port } = to.client.options;
  for (let moved = 0; ;) {
    const keys = await from.client.cluster('GETKEYSINSLOT', slot, KEYS);
    if (keys.length === 0) break;
    await from.client.call('MIGRATE', host!, port!, '', 0, MIGRATE_TIMEOUT_MS, 'KEYS', ...keys);
    if (moved === 0) await halfway();
    moved += keys.length;
  }
  // First who takes it, so that at no time nobody has it.
  await to.client.cluster('SETSLOT', slot, 'NODE', to.id);
  await from.client.cluster('SETSLOT', slot, 'NODE', to.id);
}

it('1 to 4 and 7 a slot that moves under load: each acknowledged update is stored once and in order', async () => {
  const world = await makeWorld({ flights: FLIGHTS, cluster: true, environment: LIMITS });
  onTestFinished(() => world.dispose());
  const [cache, flusher] = [await world.open(), await world.open()];
  const load = new Load({ world, cache, flusher, flights: FLIGHTS });
  await load.served();
  const cluster = world.valkey as Cluster;
  const slot = await cluster.cluster('KEYSLOT', `${world.tag(0)}:queue`);
  const nodes = await nodesOf(cluster);
  const owners = await Promise.all(
    nodes.map(async ({ client }) => await client.cluster('COUNTKEYSINSLOT', slot)),
  );
  const before = await Promise.all(ANSWERS.map((error) => replies(nodes, error)));
  const first = owners.findIndex((count) => count > 0);
  for (let move = 0; move < MOVES; move++) {
    const [from, to] = [first + move, first + move + 1].map((index) => nodes[index % nodes.length]!);
    await moveSlot(slot, from!, to!, () => load.ended());
    await load.served();
  }
  const after = await Promise.all(ANSWERS.map((error) => replies(nodes, error)));
  for (const [index, error] of ANSWERS.entries()) expect(after[index], error).toBeGreaterThan(before[index]!);
  const history = await load.finish();
  console.log(load.report);
  expect(await history.verdict(world)).toEqual(cleanVerdict(load.count));
  const epochs = await world.rows('SELECT epoch FROM afterwrite_retired_epochs');
  expect(epochs.length).toBeGreaterThanOrEqual(MOVES);
});
