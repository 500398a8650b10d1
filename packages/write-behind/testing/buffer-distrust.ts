import { describe, expect, test } from 'vitest';
import { type MakeBuffer, openLab, uniqueName } from './buffer-lab.ts';

const DAMAGED = Buffer.from([91, 49, 44, 0, 255, 13, 10, 34, 92]);

export function describeDistrust(make: MakeBuffer): void {
  describe('6 a parked update is not what readers see', () => {
    test('nothing waits: the value is deleted and the row is the truth again', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'refused' });
      await lab.ack([position], { distrusted: ['115'] });
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
      expect(await lab.buffer.isPending('115')).toBe(false);
      expect(await lab.buffer.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
    });

    test('of more than a script can unpack', async () => {
      const MANY = 8500;
      const lab = await openLab(make);
      const ids = Array.from({ length: MANY }, (_, index) => String(index + 1));
      const positions = await Promise.all(ids.map((id) => lab.updateFrom({ gate: 'A' }, id, { gate: 'B' })));
      const last = positions.reduce((a, b) => (a.seq > b.seq ? a : b));
      expect(await lab.ack([last], { distrusted: ids })).toEqual({ dropped: MANY, remaining: 0 });
      expect(await lab.hand.pendingMark('1')).toBeUndefined();
      expect(await lab.hand.pendingMark(String(MANY))).toBeUndefined();
    });

    test('it is forgotten by the ack after which nothing waits, and the value that nobody stored goes too', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.updateFrom({ gate: 'A' }, '116', { gate: 'B' });
      const [first, second] = await lab.hand.items(0);
      // Damaged and parked by their bytes, so that nothing tells whose they were.
      await lab.ack([], { parkedBytes: [first!] });
      expect(await lab.buffer.isPending('115')).toBe(true);
      await lab.ack([], { parkedBytes: [second!] });
      for (const id of ['115', '116']) {
        expect(await lab.buffer.isPending(id)).toBe(false);
        expect(await lab.buffer.read(id)).toBeUndefined();
      }
    });

    test('also when another flusher acked it before as stored', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'refused' });
      await lab.ack([position]);
      expect((await lab.buffer.read('115'))?.dirty).toBe(false);
      await lab.ack([position], { distrusted: ['115'] });
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
    });

    test('newer updates wait: it is a miss that takes no update, and is deleted when they are stored', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A', flightno: 'AF1' });
      const refused = await lab.update('115', { gate: 'refused' });
      const newer = await lab.update('115', { flightno: 'AF2' });
      await lab.ack([refused], { distrusted: ['115'] });
      expect(await lab.buffer.read('115')).toBeUndefined();
      expect(await lab.hand.ttlMs('115')).toBe('NEVER');
      expect(await lab.buffer.isPending('115')).toBe(true);
      expect(await lab.tryUpdate('115', { gate: 'C' })).toEqual({ kind: 'PENDING' });
      expect(await lab.ack([newer])).toEqual({ dropped: 1, remaining: 0 });
      expect(await lab.hand.ttlMs('115')).toBe('ABSENT');
      await lab.updateFrom({ gate: 'A', flightno: 'AF2' }, '115', { gate: 'C' });
    });

    test('a late distrust leaves what was loaded since', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      const position = await lab.update('115', { gate: 'refused' });
      await lab.ack([position], { distrusted: ['115'] });
      await lab.fill('115', { gate: 'A' });
      await lab.ack([position], { distrusted: ['115'] });
      expect((await lab.buffer.read('115'))?.value).toEqual({ gate: 'A' });
    });

    test('others in the same batch stay cached', async () => {
      const lab = await openLab(make);
      await lab.fill('115', { gate: 'A' });
      await lab.fill('116', { gate: 'A' });
      await lab.update('115', { gate: 'refused' });
      const last = await lab.update('116', { gate: 'B' });
      await lab.ack([last], { distrusted: ['115'] });
      expect(await lab.buffer.read('115')).toBeUndefined();
      expect((await lab.buffer.read('116'))?.value).toEqual({ gate: 'B' });
    });
  });

  describe('7 an item that cannot be read', () => {
    test('leaves only if its bytes are those that were parked, and lets what follows go', async () => {
      const lab = await openLab(make);
      await lab.hand.pushItem(0, DAMAGED);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      const almost = Buffer.concat([DAMAGED, Buffer.from('x')]);
      await lab.expectNothingWritten(async () => {
        for (const parkedBytes of [[], [almost], [DAMAGED.subarray(1)], [Buffer.alloc(0)]]) {
          expect(await lab.ack([position], { parkedBytes })).toEqual({ dropped: 0, remaining: 2 });
        }
      });
      expect(await lab.ack([position], { parkedBytes: [almost, DAMAGED] })).toEqual({
        dropped: 2,
        remaining: 0,
      });
    });

    test('in the middle of a batch', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.hand.pushItem(0, DAMAGED);
      const last = await lab.update('115', { gate: 'C' });
      expect(await lab.ack([last])).toEqual({ dropped: 1, remaining: 2 });
      expect(await lab.ack([last], { parkedBytes: [DAMAGED] })).toEqual({ dropped: 2, remaining: 0 });
    });

    test('with a head that still shows its position it leaves when that is covered', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      const later = { ...position, seq: position.seq + 1 };
      await lab.hand.pushItem(0, Buffer.from(`[1,"${later.epoch}",${String(later.seq)},0,"116",{{{`));
      expect(await lab.ack([position])).toEqual({ dropped: 1, remaining: 1 });
      expect(await lab.ack([later])).toEqual({ dropped: 1, remaining: 0 });
    });
  });

  describe('9 a pending mark without an item does not block for ever', () => {
    test('it is forgotten on an empty queue only', async () => {
      const lab = await openLab(make);
      await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.expectNothingWritten(async () => expect(await lab.buffer.disown('115')).toBe(false));
      await lab.hand.removeItems(0);
      expect(await lab.buffer.isPending('115')).toBe(true);
      expect(await lab.buffer.disown('115')).toBe(true);
      expect(await lab.buffer.isPending('115')).toBe(false);
      expect(await lab.buffer.read('115')).toBeUndefined();
      expect(await lab.buffer.lease('115', uniqueName())).toEqual({ kind: 'LEASED' });
    });
  });
}
