/** Scripts on a slot that is on its way to another node: carried out whole where all their keys are, or not at all. */
import { type Cluster, Redis } from 'iovalkey';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type BufferLab, openLab } from '../../testing/buffer-lab.ts';
import { connectionTo, makeValkeyRig, type ValkeyRig } from '../../testing/buffer-valkey.ts';
import type { Position } from '../position.ts';

const SLOTS = 16_384;

interface Moving {
  /** Takes the key to the other node. */
  take(key: string): Promise<void>;
}

/** A lab whose one partition is made to move by `move`. */
async function openMovingLab(settings: { idempotencyTtlMs?: number } = {}) {
  const lab = await openLab(
    makeValkeyRig(connectionTo(inject('valkeyCluster'), { cluster: true })),
    settings,
  );
  return { lab, move: () => startMove(lab) };
}

async function startMove(lab: BufferLab<ValkeyRig>): Promise<Moving> {
  const cluster = lab.rig.raw as unknown as Cluster;
  const slot = await cluster.cluster('KEYSLOT', lab.rig.keys[0]!.queue);
  expect(slot).toBeLessThan(SLOTS);
  const nodes = await Promise.all(
    cluster.nodes('master').map(async (node) => {
      const { host = '', port = 0 } = node.options;
      const client = new Redis(port, host);
      const count = await client.cluster('COUNTKEYSINSLOT', slot);
      return { client, host, port, count, id: await client.cluster('MYID') };
    }),
  );
  const from = nodes.find(({ count }) => count > 0)!;
  const to = nodes.find((node) => node !== from)!;
  onTestFinished(async () => {
    for (const { client } of [from, to]) await client.cluster('SETSLOT', slot, 'STABLE');
    for (const { client } of nodes) client.disconnect();
  });
  await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
  await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
  const taken: string[] = [];
  // Before the slot is stable again, so that nothing is left on the other node.
  onTestFinished(async () => {
    for (const key of taken) {
      await to.client.pipeline().asking().del(key).exec();
    }
  });
  return {
    async take(key) {
      await from.client.migrate(to.host, to.port, key, 0, 5000);
      taken.push(key);
    },
  };
}

/** What makes every key of an update be there: others wait, one has a key, and the entity is of an epoch before. */
async function prepare(lab: BufferLab<ValkeyRig>): Promise<string> {
  await lab.fill('115', { gate: 'old', size: 1 });
  await lab.hand.changeServer(0);
  await lab.updateFrom({ gate: 'A' }, '116', { gate: 'B' });
  await lab.update('116', { gate: 'C' }, { idempotencyKey: 'first' });
  const token = `t${String(performance.now()).replace('.', '')}`;
  expect(await lab.tryUpdate('115', { gate: 'B' }, { token })).toEqual({ kind: 'MISS' });
  return token;
}

test('1 an update of a value that is replaced is accepted whole, its key and all', async () => {
  const { lab, move } = await openMovingLab({ idempotencyTtlMs: 1 });
  const token = await prepare(lab);
  await move();
  // The answer that is kept is over, so that its list is emptied.
  const base = { gate: 'new' };
  const update = lab.tryUpdate('115', { gate: 'B' }, { token, base, idempotencyKey: 'second' });
  const reply: unknown = await update.catch((error: unknown) => error);
  expect(reply).toMatchObject({ kind: 'OK' });
  const { position } = reply as { position: Position };
  expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B' });
  const items = await lab.items();
  expect(items.at(-1)).toMatchObject({ id: '115', position });
});

test('6 a fill over a value of before', async () => {
  const { lab, move } = await openMovingLab();
  const token = await prepare(lab);
  await move();
  const reply: unknown = await lab.buffer
    .fill('115', token, { gate: 'new' })
    .catch((error: unknown) => error);
  expect(reply).toMatchObject({ kind: 'OK' });
  expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'new' });
});

test('7 an ack of all that waits', async () => {
  const { lab, move } = await openMovingLab();
  await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
  const last = await lab.update('115', { gate: 'C' });
  await lab.buffer.setStopped(0, '{}');
  await move();
  expect(await lab.ack([last])).toEqual({ dropped: 2, remaining: 0 });
  expect(await lab.hand.pendingMark('115').catch(() => 'moved')).not.toBe('115');
  expect(await lab.hand.ttlMs('115')).toBeGreaterThan(0);
});

test('5 and 7 an ack of which one entity has gone ahead changes nothing, and is tried again', async () => {
  const { lab, move } = await openMovingLab();
  await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
  const last = await lab.updateFrom({ gate: 'A' }, '116', { gate: 'B' });
  await lab.buffer.setStopped(0, '{}');
  const moving = await move();
  await moving.take(lab.buffer.cacheKey('116'));
  const items = await lab.hand.items(0);
  await expect(lab.ack([last])).rejects.toMatchObject({ code: 'BUFFER_UNAVAILABLE', retryable: true });
  expect(await lab.hand.items(0)).toEqual(items);
  expect(await lab.hand.ttlMs('115')).toBe('NEVER');
  expect(await lab.hand.pendingMark('115')).toBeDefined();
});
