/** At the server's memory limit: on a small server of this file's own, really filled up. */
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BufferLab, openLab, uniqueName } from '../../testing/buffer-lab.ts';
import { connectionTo, makeValkeyRig, type ValkeyRig } from '../../testing/buffer-valkey.ts';
import { BufferFullError } from '../errors.ts';

const MAX_MEMORY_BYTES = 12_000_000;
const FILLER = Buffer.alloc(100_000, 'x');
/** Client buffers come and go: this much beyond the limit it stays at the limit whatever they do. */
const MARGIN_BYTES = 1_000_000;
const DIRTY = Array.from({ length: 20 }, (_, at) => `dirty${String(at)}`);
const CLEAN = Array.from({ length: 50 }, (_, at) => `clean${String(at)}`);

type Lab = BufferLab<ValkeyRig>;

describe('at the memory limit', () => {
  const folder = makeTemporaryDataDir();
  let server: RunningEngine;

  beforeAll(async () => {
    const limit = ['--maxmemory', String(MAX_MEMORY_BYTES), '--maxmemory-policy', 'volatile-lru'];
    // Buffers of an append-only file would make what is used go up and down.
    const args = [...limit, '--appendonly', 'no'];
    server = await startEngine('valkey', { dataDir: folder.path, args });
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  async function makeRoom({ rig: { raw } }: Lab): Promise<void> {
    await raw.config('SET', 'maxmemory', MAX_MEMORY_BYTES);
    const fillers = await raw.keys('filler:*');
    if (fillers.length > 0) await raw.del(...fillers);
    // What is freed in the background still counts as used.
    await expect.poll(() => raw.info('memory')).toContain('lazyfree_pending_objects:0');
  }

  /** Adds what cannot be evicted until the server refuses more. */
  async function fillUp({ rig: { raw } }: Lab): Promise<void> {
    for (let at = 0; ; at++) {
      const refused = await raw.set(`filler:${String(at)}`, FILLER).catch((error: unknown) => error);
      if (refused instanceof Error) {
        expect(refused.message).toContain('OOM');
        break;
      }
    }
    const used = /used_memory:(\d+)/.exec(await raw.info('memory'))?.[1];
    await raw.config('SET', 'maxmemory', Number(used) - MARGIN_BYTES);
  }

  /** Dirty entities, each with one update that waits, on a server that is full. */
  async function openFullLab(settings = {}): Promise<Lab> {
    const lab = await openLab(makeValkeyRig(connectionTo(server)), settings);
    await makeRoom(lab);
    for (const id of DIRTY) await lab.updateFrom({ gate: 'A' }, id, { gate: id });
    await fillUp(lab);
    return lab;
  }

  async function lastPosition(lab: Lab) {
    const item = (await lab.items()).at(-1);
    if (item?.kind !== 'UPDATE') throw new Error('unreadable');
    return item.position;
  }

  test('5 clean entities are evicted, dirty ones and all that updates need never are', async () => {
    const lab = await openLab(makeValkeyRig(connectionTo(server)));
    await makeRoom(lab);
    for (const id of [...DIRTY, ...CLEAN]) await lab.fill(id, { gate: 'A' });
    for (const id of DIRTY) await lab.update(id, { gate: id }, { idempotencyKey: id });
    const kept = [...(await lab.hand.dump())].filter(([, content]) => content.startsWith('lasts'));
    expect(kept).toHaveLength(DIRTY.length + 5); // queue, seq, pending and two for answers
    await fillUp(lab);
    expect([...(await lab.hand.dump())].sort()).toEqual(kept.sort());
    for (const id of CLEAN) expect(await lab.buffer.read(id)).toBeUndefined();
    for (const id of DIRTY)
      expect(await lab.buffer.read(id)).toMatchObject({ value: { gate: id }, dirty: true });
  });

  test('1 what adds data is refused whole, with the typed error', async () => {
    const lab = await openFullLab();
    const refused: [name: string, call: () => Promise<unknown>][] = [
      ['update', () => lab.tryUpdate(DIRTY[0]!, { gate: 'B' })],
      ['update with a key', () => lab.tryUpdate(DIRTY[0]!, { gate: 'B' }, { idempotencyKey: 'key' })],
      ['update that misses', () => lab.tryUpdate('115', { gate: 'B' })],
      ['update with a base', () => lab.tryUpdate('115', { gate: 'B' }, { base: { gate: 'A' } })],
      ['lease', () => lab.buffer.lease('115', uniqueName())],
      ['fill', () => lab.buffer.fill('115', uniqueName(), { gate: 'A' })],
      ['setStopped', () => lab.buffer.setStopped(0, 'because')],
    ];
    await lab.expectNothingWritten(async () => {
      for (const [name, call] of refused) {
        const refusal = expect(call(), name).rejects;
        await refusal.toBeInstanceOf(BufferFullError);
      }
      await expect(lab.tryUpdate(DIRTY[0]!, { gate: 'B' })).rejects.toMatchObject({
        code: 'BUFFER_FULL',
        retryable: true,
      });
    });
  });

  test('9 reading and looking go on', async () => {
    const lab = await openFullLab();
    await lab.expectNothingWritten(async () => {
      expect(await lab.buffer.read(DIRTY[0]!)).toMatchObject({ value: { gate: DIRTY[0] }, dirty: true });
      const { length, items } = await lab.buffer.peek(0, { rows: 5, bytes: 1_000_000 });
      expect([length, items.length]).toEqual([DIRTY.length, 5]);
      expect(await lab.buffer.isPending(DIRTY[0]!)).toBe(true);
      expect((await lab.buffer.pendingItems(DIRTY[0]!, 100)).items).toHaveLength(1);
      expect(await lab.buffer.queueLengths()).toEqual([DIRTY.length]);
      expect((await lab.buffer.queues())[0]?.length).toBe(DIRTY.length);
      expect(await lab.buffer.disown(DIRTY[0]!)).toBe(false);
      expect(await lab.buffer.look([DIRTY[0]!])).toMatchObject([{ cached: { dirty: true }, pending: true }]);
      expect(await lab.buffer.drop(DIRTY[0]!, (await lab.buffer.read(DIRTY[0]!))!.version)).toBe(false);
    });
  });

  test('9 a flusher is let in without a claim, and gives back what it does not have', async () => {
    const lab = await openFullLab();
    expect(await lab.buffer.claim(0, 'a', 60_000)).toBe(true);
    expect(await lab.buffer.claim(0, 'b', 60_000)).toBe(true);
    await lab.buffer.renewClaim(0, 'a', 60_000);
    await lab.buffer.releaseClaim(0, 'a');
  });

  test('9 nothing that draining needs is refused', async () => {
    const lab = await openFullLab();
    const position = await lastPosition(lab);
    const needed: [name: string, call: () => Promise<unknown>][] = [
      ['claim', () => lab.buffer.claim(0, 'a', 60_000)],
      ['peek', () => lab.buffer.peek(0, { rows: 5, bytes: 1_000_000 })],
      ['invalidate', () => lab.buffer.invalidate(DIRTY[0]!)],
      ['ack', () => lab.ack([position], { distrusted: [DIRTY[1]!] })],
      ['renew', () => lab.buffer.renewClaim(0, 'a', 60_000)],
      ['release', () => lab.buffer.releaseClaim(0, 'a')],
      ['disown', () => lab.buffer.disown(DIRTY[0]!)],
      ['clear', () => lab.buffer.clear()],
    ];
    const refused: string[] = [];
    for (const [name, call] of needed) {
      await call().catch((error: unknown) => refused.push(`${name}: ${String(error)}`));
      // What was freed would let the next one in.
      await fillUp(lab);
    }
    expect(refused).toEqual([]);
  });

  test('9 acks succeed and only make it smaller, one by one, with what was parked, to the end', async () => {
    const lab = await openFullLab();
    const bytes = async () => {
      const sizes = [...(await lab.hand.dump()).keys()].map((key) =>
        lab.rig.raw.memory('USAGE', key, 'SAMPLES', 0),
      );
      return (await Promise.all(sizes)).reduce<number>((sum, size) => sum + Number(size), 0);
    };
    const items = await lab.items();
    let before = await bytes();
    for (const [index, item] of items.entries()) {
      if (item.kind !== 'UPDATE') throw new Error(item.reason);
      const distrusted = index % 3 === 0 ? [item.id] : [];
      const reply = await lab.ack([item.position], { distrusted });
      expect(reply).toEqual({ dropped: 1, remaining: items.length - index - 1 });
      const after = await bytes();
      expect(after).toBeLessThan(before);
      before = after;
    }
    expect(await lab.buffer.isPending(DIRTY[1]!)).toBe(false);
    // Clean now: it may be evicted, and this server needs the room.
    for (const id of DIRTY) expect(await lab.hand.ttlMs(id)).not.toBe('NEVER');
  });

  test('9 invalidating and disowning work, and so does deleting everything', async () => {
    const lab = await openFullLab();
    await lab.buffer.seize(DIRTY[2]!, 'writer');
    expect(await lab.buffer.read(DIRTY[2]!)).toBeUndefined();
    await lab.buffer.invalidate(DIRTY[0]!);
    expect(await lab.buffer.read(DIRTY[0]!)).toBeUndefined();
    expect(await lab.buffer.clear()).toMatchObject({ deleted: 0 });
    await lab.hand.removeItems(0);
    expect(await lab.buffer.disown(DIRTY[1]!)).toBe(true);
    expect(await lab.buffer.isPending(DIRTY[1]!)).toBe(false);
    expect(await lab.buffer.deleteAll()).toBeGreaterThan(DIRTY.length - 2);
  });

  test('1 with room again the same update is accepted, and the epoch goes on', async () => {
    const lab = await openFullLab();
    const last = await lastPosition(lab);
    const extra = { idempotencyKey: 'key' };
    await expect(lab.tryUpdate(DIRTY[0]!, { gate: 'B' }, extra)).rejects.toBeInstanceOf(BufferFullError);
    await makeRoom(lab);
    const reply = await lab.tryUpdate(DIRTY[0]!, { gate: 'B' }, extra);
    expect(reply).toMatchObject({ kind: 'OK', replayed: false, position: { epoch: last.epoch } });
  });
});
