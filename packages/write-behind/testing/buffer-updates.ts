import { describe, expect, test } from 'vitest';
import { encodeItemTail } from '../src/item.ts';
import { type MakeBuffer, openLab, uniqueName, versionOf } from './buffer-lab.ts';
import { EVERY_KIND } from './buffer-reads.ts';

export function describeUpdates(make: MakeBuffer): void {
  describe('1 accepted whole', () => {
    test('value, version, pending mark and queue item of a cached entity are written together', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A', flightno: 'AF1' });
      const update = { id: '115', changes: { gate: 'B' }, user: 'Zoë "Z" \\', comment: 'später\n🛬' };
      const beforeUs = await lab.hand.timeUs();
      const reply = await lab.tryUpdate('115', update.changes, { tail: encodeItemTail(update) });
      const afterUs = await lab.hand.timeUs();
      if (reply.kind !== 'OK') throw new Error(reply.kind);
      const { position } = reply;
      expect(reply).toEqual({ kind: 'OK', position, queueLength: 1, replayed: false });
      expect(await lab.buffer.read('115')).toEqual({
        value: { gate: 'B', flightno: 'AF1' },
        version: versionOf(position),
        dirty: true,
      });
      expect(await lab.hand.pendingMark('115')).toBe(versionOf(position));
      expect(await lab.buffer.isPending('115')).toBe(true);
      const [item] = await lab.items();
      expect(item).toMatchObject({ kind: 'UPDATE', position, ...update });
      const { acceptedUs } = item as { acceptedUs: number };
      expect(acceptedUs).toBeGreaterThanOrEqual(beforeUs);
      expect(acceptedUs).toBeLessThanOrEqual(afterUs);
    });

    test('every kind of value survives an update, in the value and in the item', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', EVERY_KIND);
      const { value } = (await lab.buffer.read('115'))!;
      expect(Object.entries(value!).sort()).toEqual(Object.entries({ gate: 'A', ...EVERY_KIND }).sort());
      const [item] = await lab.items();
      if (item?.kind !== 'UPDATE') throw new Error('unreadable');
      expect(Object.entries(item.changes)).toEqual(Object.entries(EVERY_KIND));
    });

    test('as many fields as one row may have', async () => {
      const lab = await openLab(make);
      const row = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`field${at}`, at]));
      await lab.updateFrom(row, '115', row);
      expect((await lab.buffer.read('115'))?.value).toEqual(row);
      await expect(lab.tryUpdate('115', { ...row, more: 1 })).rejects.toThrow(/1000 is the limit/);
    });

    test('a field name that the buffer keeps for itself is refused before anything is written', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.expectNothingWritten(async () => {
        await expect(lab.tryUpdate('115', { '~d': 'x' })).rejects.toMatchObject({ code: 'VALIDATION' });
      });
    });

    test('a row known to be missing takes no update', async () => {
      const lab = await openLab(make);
      await lab.fill('115', undefined);
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'B' })).toEqual({ kind: 'MISSING' });
      });
    });

    test('ifVersion holds or nothing is written, for clean and dirty values', async () => {
      const lab = await openLab(make);
      const clean = await lab.fill('115', { gate: 'A' });
      const conflict = async (ifVersion: string, version: string) => {
        await lab.expectNothingWritten(async () => {
          expect(await lab.tryUpdate('115', { gate: 'X' }, { ifVersion })).toEqual({
            kind: 'CONFLICT',
            version,
          });
        });
      };
      await conflict('never-1', clean);
      const dirty = versionOf(await lab.update('115', { gate: 'B' }, { ifVersion: clean }));
      await conflict(clean, dirty);
      await lab.update('115', { gate: 'C' }, { ifVersion: dirty });
    });

    test('a base that was just loaded meets no ifVersion', async () => {
      const lab = await openLab(make);
      const ifVersion = await lab.fill('115', { gate: 'A' });
      await lab.hand.evict('115');
      const token = uniqueName();
      expect(await lab.tryUpdate('115', { gate: 'B' }, { token, ifVersion })).toEqual({ kind: 'MISS' });
      const reply = await lab.tryUpdate('115', { gate: 'B' }, { token, ifVersion, base: { gate: 'A' } });
      expect(reply.kind).toBe('CONFLICT');
      expect(await lab.hand.items(0)).toEqual([]);
    });
  });

  describe('2 in order', () => {
    test('updates sent at once are queued in the order of their seq, and the value is the last one', async () => {
      const lab = await openLab(make);
      const ids = ['1', '2', '3'];
      for (const id of ids) await lab.fill(id, { count: -1 });
      const positions = await Promise.all(
        Array.from({ length: 300 }, (_, count) => lab.update(ids[count % 3]!, { count })),
      );
      const seqs = (await lab.items()).map((item) => (item.kind === 'UPDATE' ? item.position.seq : 0));
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect([...seqs].sort()).toEqual(positions.map(({ seq }) => seq).sort());
      for (const id of ids) {
        const own = (await lab.items()).filter((item) => item.kind === 'UPDATE' && item.id === id);
        const last = own.at(-1)!;
        expect((await lab.buffer.read(id))?.value).toEqual(last.kind === 'UPDATE' && last.changes);
      }
    });
  });

  describe('5 dirty is pinned', () => {
    test('an update takes the TTL away, and the next one leaves it away', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      expect(await lab.hand.ttlMs('115')).not.toBe('NEVER');
      await lab.update('115', { gate: 'B' });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      await lab.update('115', { gate: 'C' });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
    });

    test('an update from a base has no TTL, also where a clean value of an older epoch lay', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      await lab.fill('116', { gate: 'A' });
      await lab.hand.loseSeq(0);
      await lab.updateFrom({ gate: 'A' }, '116', { gate: 'B' });
      expect(await lab.hand.ttlMs('116')).toBe('NEVER');
    });
  });

  describe('6 a base only under an unbroken lease', () => {
    test('not cached: the caller is given the lease and nothing is queued', async () => {
      const lab = await openLab(make);
      const token = uniqueName();
      expect(await lab.tryUpdate('115', { gate: 'B' }, { token })).toEqual({ kind: 'MISS' });
      expect(await lab.hand.items(0)).toEqual([]);
      expect(await lab.tryUpdate('115', { gate: 'B' }, { token })).toEqual({ kind: 'MISS' });
      const other = await lab.tryUpdate('115', { gate: 'C' });
      expect(other.kind).toBe('BUSY');
      if (other.kind !== 'BUSY') return;
      expect(other.leaseMs).toBeGreaterThan(lab.settings.fillLeaseMs / 2);
      expect(other.leaseMs).toBeLessThanOrEqual(lab.settings.fillLeaseMs);
      expect((await lab.buffer.lease('115', uniqueName())).kind).toBe('BUSY');
    });

    test('the base is merged with the changes and the lease ends', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A', flightno: 'AF1' }, '115', { gate: 'B' });
      expect(await lab.buffer.read('115')).toEqual({
        value: { gate: 'B', flightno: 'AF1' },
        version: versionOf(position),
        dirty: true,
      });
      expect(await lab.hand.hasLease('115')).toBe(false);
    });

    test('a base without a lease, or under another one, is not taken', async () => {
      const lab = await openLab(make);
      const base = { gate: 'A' };
      await lab.fill('116', base); // so that the partition is known to be ours
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'B' }, { base })).toEqual({ kind: 'RETRY' });
      });
      await lab.buffer.lease('115', 'other');
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'B' }, { base })).toEqual({ kind: 'RETRY' });
      });
    });

    test('a cached value is newer than any base', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A', flightno: 'AF2' });
      await lab.update('115', { gate: 'B' }, { token: 'late', base: { gate: 'old', flightno: 'AF1' } });
      expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', flightno: 'AF2' });
    });

    test('a value deleted by hand while its updates wait is no miss: neither lease nor base helps', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'B' });
      await lab.hand.evict('115');
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'C' })).toEqual({ kind: 'PENDING' });
      });
      await lab.hand.setLease('115', 'mine');
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { gate: 'C' }, { token: 'mine', base: { gate: 'A' } })).toEqual({
          kind: 'PENDING',
        });
      });
      await lab.ack([position]);
      await lab.update('115', { gate: 'C' }, { token: 'mine', base: { gate: 'B' } });
    });
  });

  describe('8 everything is bounded', () => {
    test('the queue takes exactly its limit, and again as many as were dropped', async () => {
      const lab = await openLab(make, { queueMaxLength: 3 });
      await lab.fill('115', { count: 0 });
      const first = await lab.update('115', { count: 1 });
      await lab.update('115', { count: 2 });
      await lab.update('115', { count: 3 });
      await lab.expectNothingWritten(async () => {
        expect(await lab.tryUpdate('115', { count: 4 })).toEqual({ kind: 'QUEUE_FULL', limit: 3 });
      });
      expect(await lab.ack([first])).toEqual({ dropped: 1, remaining: 2 });
      await lab.update('115', { count: 4 });
      expect((await lab.tryUpdate('115', { count: 5 })).kind).toBe('QUEUE_FULL');
    });
  });
}
