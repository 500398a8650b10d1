/** Updates that are asked for at the same moment: an engine may send them together, and each has its own outcome. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type MakeBuffer, openLab, uniqueName, versionOf } from './buffer-lab.ts';

/** More than one script takes. */
const MANY = 120;

export function describeTogether(make: MakeBuffer): void {
  describe('1 updates of one moment, each accepted whole or not at all', () => {
    test('each has its own answer, and only what was accepted is written', async () => {
      const lab = await openLab(make);
      const ids = ['clean', 'dirty', 'missing', 'other', 'absent', 'loading'];
      const [clean = '', dirty = '', missing = '', other = '', absent = '', loading = ''] = ids;
      for (const id of [clean, dirty, other]) await lab.fill(id, { gate: 'A' });
      await lab.update(dirty, { gate: 'B' });
      await lab.fill(missing, undefined);
      await lab.buffer.lease(loading, uniqueName());
      const token = uniqueName();
      const replies = await Promise.all([
        lab.tryUpdate(missing, { gate: 'X' }),
        lab.tryUpdate(clean, { gate: 'C' }),
        lab.tryUpdate(absent, { gate: 'X' }, { token }),
        lab.tryUpdate(other, { gate: 'X' }, { ifVersion: 'never-1' }),
        lab.tryUpdate(loading, { gate: 'X' }),
        lab.tryUpdate(dirty, { gate: 'D' }),
      ]);
      expect(replies.map(({ kind }) => kind)).toEqual(['MISSING', 'OK', 'MISS', 'CONFLICT', 'BUSY', 'OK']);
      const items = await lab.items();
      const written = (of: string) =>
        items.flatMap((item) => (item.kind === 'UPDATE' && item.id === of ? [item.changes] : []));
      expect(items).toHaveLength(3);
      // Between two entities no order is promised.
      expect(written(dirty)).toEqual([{ gate: 'B' }, { gate: 'D' }]);
      expect(written(clean)).toEqual([{ gate: 'C' }]);
      for (const [id, index] of [
        [clean, 1],
        [dirty, 5],
      ] as const) {
        const reply = replies[index];
        if (reply.kind !== 'OK') throw new Error(reply.kind);
        expect(await lab.buffer.read(id)).toMatchObject({ version: versionOf(reply.position), dirty: true });
        expect(await lab.hand.pendingMark(id)).toBe(versionOf(reply.position));
        expect(await lab.hand.ttlMs(id)).toBe('NEVER');
      }
      expect((await lab.buffer.read(other))?.value).toEqual({ gate: 'A' });
      // The lease is the caller's that was told so.
      expect(await lab.update(absent, { gate: 'Y' }, { token, base: { gate: 'A' } })).toBeDefined();
    });

    test('the limit of the queue is not passed by those that come together', async () => {
      const lab = await openLab(make, { queueMaxLength: 5 });
      const ids = Array.from({ length: 8 }, (_, index) => `flight${String(index)}`);
      for (const id of ids) await lab.fill(id, { gate: 'A' });
      const replies = await Promise.all(ids.map((id) => lab.tryUpdate(id, { gate: 'B' })));
      expect(replies.map(({ kind }) => kind)).toEqual([
        ...Array<string>(5).fill('OK'),
        ...Array<string>(3).fill('QUEUE_FULL'),
      ]);
      expect(replies.map((reply) => reply.kind === 'OK' && reply.queueLength)).toEqual([
        ...[1, 2, 3, 4, 5],
        ...Array<boolean>(3).fill(false),
      ]);
      expect(await lab.hand.items(0)).toHaveLength(5);
    });

    test('each is written in the oldest format that holds all of it', async () => {
      const lab = await openLab(make);
      const ids = ['1', '2', '3', '4'];
      for (const id of ids) await lab.fill(id, { gate: 'A' });
      const traces = new Map([
        ['2', 'a trace of its own'],
        ['4', '0'],
      ]);
      await Promise.all(ids.map((id) => lab.update(id, { gate: 'B' }, { trace: traces.get(id) })));
      const items = await lab.items();
      expect(items.map(({ bytes }) => bytes.toString('latin1', 0, 3))).toEqual(['[1,', '[2,', '[1,', '[2,']);
      expect(items).toMatchObject(ids.map((id) => ({ kind: 'UPDATE', id, changes: { gate: 'B' } })));
      expect(items.map((item) => item.kind === 'UPDATE' && item.trace)).toEqual(
        ids.map((id) => traces.get(id)),
      );
    });

    test('one that cannot be sent fails by itself', async () => {
      const lab = await openLab(make);
      for (const id of ['1', '2', '3']) await lab.fill(id, { gate: 'A' });
      const results = await Promise.allSettled([
        lab.update('1', { gate: 'B' }),
        lab.update('2', { '~d': 'x' }),
        lab.update('3', { gate: 'B' }),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(results[1]).toMatchObject({ reason: { code: 'VALIDATION' } });
      expect(await lab.hand.items(0)).toHaveLength(2);
    });

    test('all that were asked for before it is closed', async () => {
      const lab = await openLab(make);
      for (const id of ['1', '2', '3']) await lab.fill(id, { gate: 'A' });
      await lab.withAnother(async (buffer) => {
        await buffer.open();
        const first = buffer.update(lab.request('1', { gate: 'B' }));
        await setImmediate(); // It is under way: the next ones are gathered.
        const others = ['2', '3'].map((id) => buffer.update(lab.request(id, { gate: 'B' })));
        const closing = buffer.close();
        const replies = await Promise.all([first, ...others]);
        expect(replies.map(({ kind }) => kind)).toEqual(['OK', 'OK', 'OK']);
        await closing;
      });
    });

    test('of two with the same condition one holds', async () => {
      const lab = await openLab(make);
      const ifVersion = await lab.fill('115', { gate: 'A' });
      const replies = await Promise.all(
        ['B', 'C'].map((gate) => lab.tryUpdate('115', { gate }, { ifVersion })),
      );
      expect(replies.map(({ kind }) => kind)).toEqual(['OK', 'CONFLICT']);
      expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B' });
    });

    test('an idempotency key and a base stand beside the others', async () => {
      const lab = await openLab(make);
      await lab.fill('1', { gate: 'A' });
      await lab.fill('2', { gate: 'A' });
      const token = uniqueName();
      expect(await lab.tryUpdate('3', { gate: 'B' }, { token })).toEqual({ kind: 'MISS' });
      const replies = await Promise.all([
        lab.tryUpdate('1', { gate: 'B' }),
        lab.tryUpdate('2', { gate: 'B' }, { idempotencyKey: 'one key' }),
        lab.tryUpdate('2', { gate: 'B' }, { idempotencyKey: 'one key' }),
        lab.tryUpdate('3', { gate: 'B' }, { token, base: { gate: 'A', flightno: 'AF1' } }),
        lab.tryUpdate('1', { gate: 'C' }),
      ]);
      expect(replies.map((reply) => reply.kind === 'OK' && reply.replayed)).toEqual([
        ...[false, false, true, false, false],
      ]);
      expect(await lab.hand.items(0)).toHaveLength(4);
      expect((await lab.buffer.read('3'))?.value).toEqual({ gate: 'B', flightno: 'AF1' });
      expect((await lab.buffer.read('1'))?.value).toEqual({ gate: 'C' });
    });
  });

  describe('2 updates of one moment, in the order in which they were asked for', () => {
    test('also of one entity, and more than are sent together', async () => {
      const lab = await openLab(make);
      const ids = Array.from({ length: 70 }, (_, index) => `flight${String(index)}`);
      for (const id of ids) await lab.fill(id, { count: -1 });
      const asked = Array.from({ length: MANY }, (_, count) => ({ id: ids[count % 70]!, count }));
      const positions = await Promise.all(asked.map(({ id, count }) => lab.update(id, { count })));
      const seqs = positions.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(new Set(seqs).size).toBe(MANY);
      const counts = (await lab.items()).map((item) => item.kind === 'UPDATE' && item.changes.count);
      expect(counts).toEqual(asked.map(({ count }) => count));
    });
  });
}
