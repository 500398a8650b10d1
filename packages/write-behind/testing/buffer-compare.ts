import { describe, expect, test } from 'vitest';
import { type BufferLab, type MakeBuffer, openLab, uniqueName } from './buffer-lab.ts';

/** Enough to lie on every node of a cluster of three. */
const PARTITIONS = 8;
/** More than one portion on every node. */
const MANY = 2000;

async function portions({ buffer }: BufferLab): Promise<(readonly string[])[]> {
  const found: (readonly string[])[] = [];
  for (let cursor: string | undefined; ;) {
    const { ids, next } = await buffer.cachedIds(cursor);
    found.push(ids);
    if (next === undefined) return found;
    cursor = next;
  }
}

export function describeComparing(make: MakeBuffer): void {
  describe('6 what is cached can be compared with the rows', () => {
    test('every cached entity is found, in portions, and nothing else', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      const other = await openLab(make, { partitions: PARTITIONS });
      await other.fill('7', { gate: 'A' });
      const ids = Array.from({ length: MANY }, (_, index) => String(index + 1));
      for (let start = 0; start < MANY; start += 200)
        await Promise.all(ids.slice(start, start + 200).map((id) => lab.fill(id, { gate: 'A' })));
      await lab.update('1', { gate: 'B' }, { idempotencyKey: 'key' });
      await lab.buffer.lease('absent', uniqueName());
      await lab.fill('missing', undefined);
      const found = await portions(lab);
      expect(found.length).toBeGreaterThan(2);
      expect(Math.max(...found.map(({ length }) => length))).toBeLessThan(MANY);
      expect([...new Set(found.flat())].sort()).toEqual([...ids, 'missing'].sort());
    });

    test('an empty cache has one portion or none on each server, and ends', async () => {
      const lab = await openLab(make, { partitions: PARTITIONS });
      expect((await portions(lab)).flat()).toEqual([]);
    });

    test('a look tells clean, dirty, missing, tainted, pending and absent apart, and writes nothing', async () => {
      const lab = await openLab(make);
      const clean = await lab.fill('1', { gate: 'A' });
      await lab.fill('2', { gate: 'A' });
      await lab.update('2', { gate: 'B' });
      const missing = await lab.fill('3', undefined);
      await lab.fill('4', { gate: 'A' });
      await lab.update('4', { gate: 'B' });
      await lab.buffer.invalidate('4');
      await lab.fill('5', { gate: 'A' });
      await lab.update('5', { gate: 'B' });
      await lab.hand.evict('5');
      await lab.expectNothingWritten(async () => {
        await portions(lab);
        const looks = await lab.buffer.look(['3', '1', '2', '4', '5', '6']);
        expect(looks).toMatchObject([
          { cached: { value: undefined, version: missing, dirty: false }, pending: false },
          { cached: { value: { gate: 'A' }, version: clean, dirty: false }, pending: false },
          { cached: { value: { gate: 'B' }, dirty: true }, pending: true },
          { cached: undefined, pending: true },
          { cached: undefined, pending: true },
          { cached: undefined, pending: false },
        ]);
        expect(await lab.buffer.look([])).toEqual([]);
      });
    });

    test('a clean value, or that there is no row, is dropped at the version that was compared, and only there', async () => {
      const lab = await openLab(make);
      for (const value of [{ gate: 'A' }, undefined]) {
        const old = await lab.fill('115', value);
        await lab.buffer.invalidate('115');
        const version = await lab.fill('115', value);
        await lab.expectNothingWritten(async () => {
          expect(await lab.buffer.drop('115', old)).toBe(false);
          expect(await lab.buffer.drop('116', version)).toBe(false);
        });
        expect(await lab.buffer.drop('115', version)).toBe(true);
        expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
        expect(await lab.buffer.drop('115', version)).toBe(false);
      }
    });
  });

  describe('3 5 what waits for the store is never dropped', () => {
    test('not while dirty; an update or a flush after the look wins', async () => {
      const lab = await openLab(make);
      const filled = await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'B' });
      const dirty = (await lab.buffer.read('115'))!.version;
      await lab.expectNothingWritten(async () => {
        for (const version of [filled, dirty]) expect(await lab.buffer.drop('115', version)).toBe(false);
      });
      await lab.ack([position]);
      expect(await lab.buffer.drop('115', filled)).toBe(false);
      expect(await lab.buffer.drop('115', dirty)).toBe(true);
    });

    test('not while dirty, even if the pending index says nothing of it', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      const { version } = (await lab.buffer.read('115'))!;
      await lab.hand.markPending('115', undefined);
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.drop('115', version)).toBe(false);
      });
    });

    test('not while tainted, whatever version is named', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.update('115', { gate: 'B' });
      const { version } = (await lab.buffer.read('115'))!;
      await lab.buffer.invalidate('115');
      await lab.expectNothingWritten(async () => {
        for (const each of [version, '']) expect(await lab.buffer.drop('115', each)).toBe(false);
      });
    });

    test('not while the pending index says that updates wait, even if the value says nothing of it', async () => {
      const lab = await openLab(make);
      const version = await lab.fill('115', { gate: 'A' });
      await lab.hand.markPending('115', 'epoch-1');
      await lab.expectNothingWritten(async () => {
        expect(await lab.buffer.drop('115', version)).toBe(false);
      });
    });
  });

  describe('6 no stale fill after a drop', () => {
    test('a lease beside the value is broken: what was loaded under it is no base any more', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      // Of an ended epoch to the update that comes now, which asks for the row and is given the lease.
      await lab.hand.changeServer(0);
      const token = uniqueName();
      expect(await lab.tryUpdate('115', { size: 1 }, { token })).toEqual({ kind: 'MISS' });
      const { version } = (await lab.buffer.read('115'))!;
      expect(await lab.buffer.drop('115', version)).toBe(true);
      const base = { gate: 'before the change past the cache' };
      expect(await lab.tryUpdate('115', { size: 1 }, { token, base })).toEqual({ kind: 'RETRY' });
      expect(await lab.buffer.fill('115', token, base)).toEqual({ kind: 'REFUSED' });
    });

    test('a loader that came after the value was gone goes on', async () => {
      const lab = await openLab(make);
      const version = await lab.fill('115', { gate: 'A' });
      await lab.hand.evict('115');
      await lab.buffer.lease('115', 'loader');
      expect(await lab.buffer.drop('115', version)).toBe(false);
      expect(await lab.buffer.fill('115', 'loader', { gate: 'B' })).toMatchObject({ kind: 'OK' });
    });
  });
}
