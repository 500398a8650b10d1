import { describe, expect, test } from 'vitest';
import { type MakeBuffer, openLab, versionOf } from './buffer-lab.ts';

const HOUR_US = 3_600_000_000;

export function describeEpochs(make: MakeBuffer): void {
  describe('3 what the buffer lost is noticed', () => {
    test('an epoch goes on while nothing happens to it, begun by a fill or an update', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const begun = await lab.hand.seq(0);
      const first = await lab.update('115', { gate: 'B' });
      const second = await lab.update('115', { gate: 'C' });
      expect([first.epoch, second.epoch]).toEqual([begun?.epoch, begun?.epoch]);
    });

    test('where the seq is gone a new epoch begins', async () => {
      const lab = await openLab(make);
      const first = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.hand.loseSeq(0);
      const second = await lab.update('115', { gate: 'C' });
      const third = await lab.update('115', { gate: 'D' });
      expect(second.epoch).not.toBe(first.epoch);
      expect(third.epoch).toBe(second.epoch);
    });

    test('where another server wrote the seq a new epoch begins, and its seq still goes up', async () => {
      const lab = await openLab(make);
      const first = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.hand.setSeq(0, String(first.seq + HOUR_US));
      await lab.hand.changeServer(0);
      const second = await lab.update('115', { gate: 'C' });
      expect(second.epoch).not.toBe(first.epoch);
      expect(second.seq).toBe(first.seq + HOUR_US + 1);
      expect((await lab.update('115', { gate: 'D' })).epoch).toBe(second.epoch);
    });

    test('a fill on another server begins the epoch, so that its own value is usable', async () => {
      const lab = await openLab(make);
      const first = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.hand.changeServer(0);
      await lab.fill('116', { gate: 'A' });
      const second = await lab.update('116', { gate: 'B' });
      expect(second.epoch).not.toBe(first.epoch);
    });

    test('a clean value of another epoch is no base for an update: the row is', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'old', flightno: 'AF1' });
      await lab.hand.loseSeq(0);
      const position = await lab.updateFrom({ gate: 'new', flightno: 'AF2' }, '115', { gate: 'B' });
      expect(await lab.buffer.read('115')).toEqual({
        value: { gate: 'B', flightno: 'AF2' },
        version: versionOf(position),
        dirty: true,
      });
    });

    test('the same for a value that was updated and stored in another epoch', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.ack([position]);
      await lab.hand.changeServer(0);
      expect(await lab.tryUpdate('115', { gate: 'C' })).toEqual({ kind: 'MISS' });
    });

    test('a missing row of another epoch is looked for again', async () => {
      const lab = await openLab(make);
      await lab.fill('115', undefined);
      await lab.hand.loseSeq(0);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      expect(await lab.buffer.read('115')).toEqual({
        value: { gate: 'B' },
        version: versionOf(position),
        dirty: true,
      });
    });

    test('a dirty value of another epoch is what waits in the queue, and the base', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A', flightno: 'AF1' }, '115', { gate: 'B' });
      await lab.hand.loseSeq(0);
      await lab.update('115', { flightno: 'AF2' });
      expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'B', flightno: 'AF2' });
    });
  });

  describe('2 seq only goes up', () => {
    test('with the clock behind the last seq by an hour; when it was accepted is still the clock', async () => {
      const lab = await openLab(make);
      const first = await lab.updateFrom({ count: 0 }, '115', { count: 1 });
      const beforeUs = await lab.hand.timeUs();
      const aheadSeq = first.seq + HOUR_US;
      await lab.hand.setSeq(0, String(aheadSeq));
      const seqs = [];
      for (let count = 2; count < 12; count++) seqs.push((await lab.update('115', { count })).seq);
      const afterUs = await lab.hand.timeUs();
      expect(seqs).toEqual(seqs.map((_, index) => aheadSeq + 1 + index));
      for (const item of (await lab.items()).slice(1)) {
        if (item.kind !== 'UPDATE') throw new Error(item.reason);
        expect(item.position.epoch).toBe(first.epoch);
        expect(item.acceptedUs).toBeGreaterThanOrEqual(beforeUs);
        expect(item.acceptedUs).toBeLessThanOrEqual(afterUs);
      }
    });

    test('no digit of a microsecond is lost, in reply, version, pending mark, item and seq', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { count: 0 });
      const lastSeq = 4_503_599_627_370_495;
      await lab.hand.setSeq(0, String(lastSeq));
      for (const seq of [lastSeq + 1, lastSeq + 2, lastSeq + 3]) {
        const position = await lab.update('115', { count: seq });
        expect(position.seq).toBe(seq);
        const text = `${position.epoch}-${String(seq)}`;
        expect((await lab.buffer.read('115'))?.version).toBe(text);
        expect(await lab.hand.pendingMark('115')).toBe(text);
        expect((await lab.hand.seq(0))?.seq).toBe(String(seq));
        const bytes = (await lab.hand.items(0)).at(-1)!;
        expect(bytes.toString().startsWith(`[1,"${position.epoch}",${String(seq)},`)).toBe(true);
        expect(await lab.ack([{ ...position, seq: seq - 1 }])).toMatchObject({ dropped: 0 });
        expect(await lab.ack([position])).toEqual({ dropped: 1, remaining: 0 });
      }
    });
  });
}
