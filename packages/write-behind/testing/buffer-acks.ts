import { describe, expect, test } from 'vitest';
import { decodeItem, ITEM_FORMAT } from '../src/item.ts';
import { type MakeBuffer, openLab, uniqueName } from './buffer-lab.ts';
import { RECORDED } from './recorded-items.ts';

const HOUR_US = 3_600_000_000;
const BYTES = Buffer.from([0, 255, 13, 10, 34, 92, 128, 0]);

export function describeAcks(make: MakeBuffer): void {
  describe('3 a batch stays in the queue', () => {
    test('peek gives the oldest, in order, and leaves everything as it is', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      for (let count = 1; count <= 5; count++) await lab.update('115', { count });
      const all = await lab.hand.items(0);
      await lab.expectNothingWritten(async () => {
        const limits = { rows: 3, bytes: 1_000_000 };
        expect(await lab.buffer.peek(0, limits)).toEqual({ length: 5, items: all.slice(0, 3) });
        expect(await lab.buffer.peek(0, { ...limits, rows: 99 })).toEqual({ length: 5, items: all });
      });
      const empty = await openLab(make);
      expect(await empty.buffer.peek(0, { rows: 10, bytes: 10 })).toEqual({ length: 0, items: [] });
    });

    test('peek keeps to its bytes, but gives one item whatever its size', async () => {
      const lab = await openLab(make);
      for (const size of [100, 200, 300]) await lab.hand.pushItem(0, Buffer.alloc(size, 'x'));
      const sizes = async (bytes: number) =>
        (await lab.buffer.peek(0, { rows: 10, bytes })).items.map((item) => item.length);
      expect(await sizes(1)).toEqual([100]);
      expect(await sizes(299)).toEqual([100]);
      expect(await sizes(300)).toEqual([100, 200]);
      expect(await sizes(600)).toEqual([100, 200, 300]);
    });

    test('peek gives exactly the rows asked for around its inner portions', async () => {
      const lab = await openLab(make);
      for (let at = 0; at < 405; at++) await lab.hand.pushItem(0, Buffer.from(String(at)));
      for (const rows of [1, 199, 200, 201, 400, 401, 405]) {
        const { items } = await lab.buffer.peek(0, { rows, bytes: 1_000_000 });
        expect(items.map(String)).toEqual(Array.from({ length: rows }, (_, at) => String(at)));
      }
    });

    test('bytes of any kind come back as they are', async () => {
      const lab = await openLab(make);
      await lab.hand.pushItem(0, BYTES);
      expect((await lab.buffer.peek(0, { rows: 1, bytes: 1 })).items).toEqual([BYTES]);
    });
  });

  describe('7 acks only forward', () => {
    test('drops what is covered and keeps what came after it', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      const positions = [];
      for (let count = 1; count <= 4; count++) positions.push(await lab.update('115', { count }));
      expect(await lab.ack([positions[1]!])).toEqual({ dropped: 2, remaining: 2 });
      const left = (await lab.items()).map((item) => item.kind === 'UPDATE' && item.position);
      expect(left).toEqual(positions.slice(2));
    });

    test('drops items of every format by their position, recorded ones of former days among them', async () => {
      const lab = await openLab(make);
      await lab.fill('new', { size: 1 });
      await lab.update('new', { size: 2 });
      await lab.update('new', { size: 3 }, { trace: 'its trace' });
      const written = (await lab.items()).map(({ bytes }) => bytes.toString());
      expect(written.map((item) => item.slice(0, 3))).toEqual(['[1,', '[2,']);
      const recorded = [...RECORDED.values()].flat().map(({ bytes }) => bytes);
      const newer = Buffer.from(`[${ITEM_FORMAT + 1},"later",5,2,"7",{"anything":["else"]}]`);
      for (const bytes of [...recorded, newer]) await lab.hand.pushItem(0, bytes);
      const positions = (await lab.items()).map((item) =>
        item.kind === 'UPDATE' ? item.position : item.head!.position,
      );
      expect(await lab.ack(positions.slice(0, -1))).toEqual({ dropped: recorded.length + 2, remaining: 1 });
      expect((await lab.hand.items(0)).map(decodeItem)).toMatchObject([{ kind: 'NEWER' }]);
      expect(await lab.ack(positions)).toEqual({ dropped: 1, remaining: 0 });
    });

    test('late and repeated acks, and one that covers nothing, change nothing', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      await lab.fill('116', { count: 0 });
      const first = await lab.update('115', { count: 1 });
      const other = await lab.update('116', { count: 1 });
      await lab.ack([other]);
      await lab.update('115', { count: 2 });
      await lab.expectNothingWritten(async () => {
        for (const covered of [[first], [other], [], [{ epoch: 'none', seq: Number.MAX_SAFE_INTEGER }]]) {
          expect(await lab.ack(covered)).toEqual({ dropped: 0, remaining: 1 });
        }
        expect(await lab.ack([first], { distrusted: ['117'] })).toEqual({ dropped: 0, remaining: 1 });
      });
    });

    test('a late ack of an older epoch keeps a newer item with a smaller seq', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      await lab.hand.setSeq(0, String((await lab.hand.timeUs()) + HOUR_US));
      const old = await lab.update('115', { count: 1 });
      await lab.buffer.deleteAll();
      const young = await lab.updateFrom({ count: 1 }, '115', { count: 2 });
      expect(young.seq).toBeLessThan(old.seq);
      await lab.expectNothingWritten(async () => {
        expect(await lab.ack([old], { distrusted: ['116'] })).toEqual({ dropped: 0, remaining: 1 });
      });
      expect((await lab.buffer.read('115'))?.dirty).toBe(true);
      expect(await lab.ack([young])).toEqual({ dropped: 1, remaining: 0 });
    });

    test('only from the head: what lies behind an item that is not covered stays', async () => {
      const lab = await openLab(make);
      const old = await lab.updateFrom({ count: 0 }, '115', { count: 1 });
      await lab.hand.loseSeq(0);
      const young = await lab.update('115', { count: 2 });
      expect(await lab.ack([young])).toEqual({ dropped: 0, remaining: 2 });
      expect(await lab.ack([old, young])).toEqual({ dropped: 2, remaining: 0 });
    });

    test('any number of items in one ack', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      const positions = await Promise.all(
        Array.from({ length: 1201 }, (_, count) => lab.update('115', { count })),
      );
      const sorted = positions.sort((a, b) => a.seq - b.seq);
      expect(await lab.ack([sorted[999]!])).toEqual({ dropped: 1000, remaining: 201 });
      expect((await lab.buffer.read('115'))?.dirty).toBe(true);
      expect(await lab.ack([sorted[1200]!])).toEqual({ dropped: 201, remaining: 0 });
      expect((await lab.buffer.read('115'))?.dirty).toBe(false);
    });

    test('the pending mark leaves with the last update that it stands for, not before', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      await lab.fill('116', { count: 0 });
      const first = await lab.update('115', { count: 1 });
      const second = await lab.update('115', { count: 2 });
      const other = await lab.update('116', { count: 1 });
      await lab.ack([first]);
      expect(await lab.buffer.isPending('115')).toBe(true);
      await lab.ack([second]);
      expect(await lab.buffer.isPending('115')).toBe(false);
      expect(await lab.buffer.isPending('116')).toBe(true);
      await lab.ack([other]);
      expect(await lab.buffer.isPending('116')).toBe(false);
    });

    test('why the partition had stopped is forgotten', async () => {
      const lab = await openLab(make);
      await lab.buffer.setStopped(0, 'disk full');
      await lab.ack([]);
      expect((await lab.buffer.queues())[0]).toMatchObject({ stopped: undefined });
    });
  });

  describe('5 clean again', () => {
    test('only when the last update is covered; then with the whole TTL and the same version', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      const first = await lab.update('115', { count: 1 });
      const last = await lab.update('115', { count: 2 });
      await lab.ack([first]);
      const dirty = (await lab.buffer.read('115'))!;
      expect(dirty).toMatchObject({ value: { count: 2 }, dirty: true });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      await lab.ack([last]);
      expect(await lab.buffer.read('115')).toEqual({ ...dirty, dirty: false });
      const ttlMs = await lab.hand.ttlMs('115');
      expect(ttlMs).toBeGreaterThan(lab.settings.cacheTtlMs - 5000);
      expect(ttlMs).toBeLessThanOrEqual(lab.settings.cacheTtlMs);
      await lab.update('115', { count: 3 });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
    });

    test('in another epoch than the one that began to be acked', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      await lab.hand.setSeq(0, String((await lab.hand.timeUs()) + HOUR_US));
      const old = await lab.update('115', { count: 1 });
      await lab.hand.loseSeq(0);
      const young = await lab.update('115', { count: 2 });
      expect(await lab.ack([old])).toEqual({ dropped: 1, remaining: 1 });
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      expect(await lab.buffer.isPending('115')).toBe(true);
      await lab.ack([old, young]);
      expect(await lab.buffer.read('115')).toMatchObject({ value: { count: 2 }, dirty: false });
      expect(await lab.buffer.isPending('115')).toBe(false);
    });

    test('a repeated ack neither prolongs a clean value nor brings back one that is gone', async () => {
      const lab = await openLab(make, { cacheTtlMs: 60_000 });
      await lab.fill('115', { count: 0 });
      const position = await lab.update('115', { count: 1 });
      await lab.ack([position]);
      await lab.hand.evict('115');
      await lab.ack([position]);
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
      expect(await lab.buffer.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
    });
  });
}
