import { describe, expect, test, vi } from 'vitest';
import { type BufferLab, ackOf, type MakeBuffer, openLab, uniqueName } from './buffer-lab.ts';

/** Enough to lie on every node of a cluster of three. */
const PARTITIONS = 8;
const MINUTE_MS = 60_000;

async function fillAndUpdate(lab: BufferLab, partition: number, count: number): Promise<string[]> {
  const ids = lab.idsIn(partition, count);
  for (const id of ids) await lab.updateFrom({ gate: 'A' }, id, { gate: id });
  return ids;
}

export function describePartitions(make: MakeBuffer): void {
  describe('4 a claim saves work', () => {
    test('one of many has it', async () => {
      const { buffer } = await openLab(make);
      const claims = await Promise.all(
        Array.from({ length: 10 }, () => buffer.claim(0, uniqueName(), MINUTE_MS)),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
    });

    test('it ends by itself', async () => {
      const { buffer } = await openLab(make);
      expect(await buffer.claim(0, 'a', 20)).toBe(true);
      await vi.waitFor(async () => expect(await buffer.claim(0, 'b', MINUTE_MS)).toBe(true), 5000);
    });

    test('only its owner renews it', async () => {
      const { buffer } = await openLab(make);
      await buffer.claim(0, 'a', MINUTE_MS);
      await buffer.renewClaim(0, 'b', 1);
      expect(await buffer.claim(0, 'c', MINUTE_MS)).toBe(false);
      await buffer.renewClaim(0, 'a', 1);
      await vi.waitFor(async () => expect(await buffer.claim(0, 'c', MINUTE_MS)).toBe(true), 5000);
      await buffer.renewClaim(0, 'a', MINUTE_MS);
      await buffer.releaseClaim(0, 'c');
      expect(await buffer.claim(0, 'd', MINUTE_MS)).toBe(true);
    });

    test('only its owner gives it back', async () => {
      const { buffer } = await openLab(make, { partitions: 2 });
      await buffer.claim(0, 'a', MINUTE_MS);
      await buffer.releaseClaim(0, 'b');
      await buffer.releaseClaim(1, 'a');
      expect(await buffer.claim(0, 'c', MINUTE_MS)).toBe(false);
      await buffer.releaseClaim(0, 'a');
      expect(await buffer.claim(0, 'c', MINUTE_MS)).toBe(true);
    });
  });

  describe('8 what waits can be seen', () => {
    test('lengths, the oldest item and why it halted, for every partition', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      await fillAndUpdate(lab, 1, 3);
      await fillAndUpdate(lab, 6, 1);
      await lab.buffer.setStopped(6, 'disk full');
      expect(await lab.buffer.queueLengths()).toEqual([0, 3, 0, 0, 0, 0, 1, 0]);
      const queues = await lab.buffer.queues();
      const oldest = async (partition: number) => (await lab.hand.items(partition))[0];
      expect(queues).toHaveLength(PARTITIONS);
      expect(queues[0]).toEqual({ length: 0, oldest: undefined, stopped: undefined });
      expect(queues[1]).toEqual({ length: 3, oldest: await oldest(1), stopped: undefined });
      expect(queues[6]).toEqual({ length: 1, oldest: await oldest(6), stopped: 'disk full' });
    });

    test('a server that answers is there, and asking leaves nothing behind', async () => {
      const lab = await openLab(make);
      await lab.expectNothingWritten(() => lab.buffer.ping());
    });

    test('a partition has its own queue, seq and answers', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      const [one] = await fillAndUpdate(lab, 0, 1);
      const [other] = await fillAndUpdate(lab, 1, 1);
      const [item] = await lab.items(0);
      if (item?.kind !== 'UPDATE') throw new Error('unreadable');
      await lab.ack([item.position], { partition: 1 });
      expect(await lab.buffer.queueLengths()).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
      await lab.ack([item.position], { partition: 0 });
      expect(await lab.buffer.isPending(one!)).toBe(false);
      expect(await lab.buffer.isPending(other!)).toBe(true);
    });

    test("an entity's waiting items are found, the oldest first, as far as was looked", async () => {
      const lab = await openLab(make);
      for (const id of ['1', '11', '111']) await lab.fill(id, { count: 0 });
      for (let count = 0; count < 4; count++) {
        for (const id of ['111', '11', '1']) await lab.update(id, { count });
      }
      const all = await lab.hand.items(0);
      const own = all.filter((_, index) => index % 3 === 1);
      expect(await lab.buffer.pendingItems('11', 100)).toEqual({ items: own, complete: true });
      expect(await lab.buffer.pendingItems('11', 13)).toEqual({ items: own, complete: true });
      expect(await lab.buffer.pendingItems('11', 6)).toEqual({ items: own.slice(0, 2), complete: false });
      expect(await lab.buffer.pendingItems('12', 100)).toEqual({ items: [], complete: true });
    });

    test('a partition that does not exist is an error, not an empty queue', async () => {
      const { buffer } = await openLab(make, { partitions: 2 });
      await expect(buffer.peek(2, { rows: 1, bytes: 1 })).rejects.toThrow(RangeError);
      await expect(buffer.ack(-1, ackOf([]))).rejects.toThrow(RangeError);
    });
  });

  describe('3 emptied without losing an update', () => {
    test('clear removes what is cached; partitions in which updates wait keep everything', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      const [clean] = lab.idsIn(0, 1);
      await lab.fill(clean!, { gate: 'A' });
      const ids = await fillAndUpdate(lab, 3, 2);
      const before = await lab.hand.dump();
      expect(await lab.buffer.clear()).toEqual({ deleted: 1, kept: 4 }); // two entities, queue, pending
      expect(await lab.buffer.read(clean!)).toBeUndefined();
      expect(await lab.buffer.read(ids[0]!)).toMatchObject({ value: { gate: ids[0] }, dirty: true });
      expect((await lab.hand.dump()).size).toBe(before.size - 1);
    });

    test('after clear an idempotency key is still known and the epoch goes on', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const extra = { idempotencyKey: 'key' };
      const position = await lab.update('115', { gate: 'B' }, extra);
      await lab.ack([position]);
      await lab.buffer.clear();
      expect(await lab.tryUpdate('115', { gate: 'B' }, extra)).toMatchObject({ position, replayed: true });
      const next = await lab.updateFrom({ gate: 'B' }, '115', { gate: 'C' });
      expect(next.epoch).toBe(position.epoch);
      expect(next.seq).toBeGreaterThan(position.seq);
    });

    test('as the first call of a process too: what is cached goes, then everything', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      for (let partition = 0; partition < PARTITIONS; partition++) {
        await lab.fill(lab.idsIn(partition, 1)[0]!, { gate: 'A' });
      }
      expect(await lab.withAnother((buffer) => buffer.clear())).toEqual({ deleted: PARTITIONS, kept: 0 });
      expect(await lab.withAnother((buffer) => buffer.deleteAll())).toBe(PARTITIONS); // the seq of each
    });

    test('deleteAll removes every key of its namespace, on every node, and no other', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      const neighbour = await openLab(make, { partitions: PARTITIONS });
      for (const each of [lab, neighbour]) {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const [id] = await fillAndUpdate(each, partition, 1);
          await each.update(id!, { gate: 'C' }, { idempotencyKey: 'key' });
          await each.buffer.claim(partition, 'a', MINUTE_MS);
          await each.buffer.setStopped(partition, 'because');
          await each.buffer.lease(each.idsIn(partition, 2)[1]!, uniqueName());
        }
      }
      const size = (await lab.hand.dump()).size;
      // Entity, queue, seq, pending, two for answers, claim, reason, lease.
      expect(size).toBe(PARTITIONS * 9);
      await neighbour.expectNothingWritten(async () => expect(await lab.buffer.deleteAll()).toBe(size));
      expect((await lab.hand.dump()).size).toBe(0);
      expect(await lab.buffer.deleteAll()).toBe(0);
    });
  });

  describe('3 ids that could be mistaken', () => {
    test('each id is an entity of its own, whatever it looks like', async () => {
      const lab = await openLab(make);
      const ids = ['1', '01', '1:2', 'a.b', 'A.b', '~v', '%', 'e', 's', 'r', '-', '_', 'x'.repeat(128)];
      for (const id of ids) await lab.updateFrom({ own: '' }, id, { own: id });
      for (const id of ids) expect((await lab.buffer.read(id))?.value).toEqual({ own: id });
      expect((await lab.items()).map((item) => item.kind === 'UPDATE' && item.id)).toEqual(ids);
      const last = (await lab.items()).at(-1)!;
      if (last.kind !== 'UPDATE') throw new Error(last.reason);
      expect(await lab.ack([last.position])).toEqual({ dropped: ids.length, remaining: 0 });
      for (const id of ids) expect(await lab.buffer.read(id)).toMatchObject({ dirty: false });
    });

    test("an id that is a key of the partition's own is refused, and nothing is touched", async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' }); // so that the partition's keys are there
      const ids = ['queue', 'seq', 'pending', 'once', 'once:order', 'lease', 'stopped', 'fill:115'];
      await lab.expectNothingWritten(async () => {
        for (const id of ids) {
          const refusal = { code: 'VALIDATION', field: 'id' };
          await expect(lab.buffer.read(id)).rejects.toMatchObject(refusal);
          await expect(lab.tryUpdate(id, { gate: 'B' })).rejects.toMatchObject(refusal);
          await expect(lab.buffer.lease(id, 'token')).rejects.toMatchObject(refusal);
          await expect(lab.buffer.fill(id, 'token', { gate: 'B' })).rejects.toMatchObject(refusal);
          await expect(lab.buffer.invalidate(id)).rejects.toMatchObject(refusal);
          await expect(lab.buffer.seize(id, 'token')).rejects.toMatchObject(refusal);
          await expect(lab.buffer.disown(id)).rejects.toMatchObject(refusal);
        }
      });
    });
  });
}
