import { describe, expect, test } from 'vitest';
import { type MakeBuffer, openLab } from './buffer-lab.ts';

const TIME_MS = 5000;
const SHORT_MS = 50;

export function describeDurability(make: MakeBuffer, seesDisk: boolean): void {
  describe('3 a second copy is waited for', () => {
    test('without a replica there is no second copy, and the wait ends in time', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      expect(await lab.buffer.confirm('115', position, 'replica', SHORT_MS)).toBe(false);
    });

    if (!seesDisk) {
      test('a server that cannot tell what is on its disk says so at once', async () => {
        const lab = await openLab(make);
        const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
        const startMs = performance.now();
        const refusal = expect(lab.buffer.confirm('115', position, 'aof', TIME_MS)).rejects;
        await refusal.toMatchObject({
          code: 'CONFIGURATION',
          message: expect.stringMatching(/WAITAOF.*7\.2/) as string,
        });
        expect(performance.now() - startMs).toBeLessThan(TIME_MS / 2);
      });
      return;
    }

    test('on disk, by many at once as by one', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      expect(await lab.buffer.confirm('115', position, 'aof', TIME_MS)).toBe(true);
      const startMs = performance.now();
      const many = Array.from({ length: 50 }, () => lab.buffer.confirm('115', position, 'aof', TIME_MS));
      expect(new Set(await Promise.all(many))).toEqual(new Set([true]));
      // One at a time they would wait for a write to disk each, of which there is one a second.
      expect(performance.now() - startMs).toBeLessThan(TIME_MS);
    });

    test('an update whose server has ended since is not confirmed, nor one of a life before', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.hand.changeServer(0);
      expect(await lab.buffer.confirm('115', position, 'aof', TIME_MS)).toBe(false);
      const next = await lab.update('115', { gate: 'C' });
      expect(await lab.buffer.confirm('115', position, 'aof', TIME_MS)).toBe(false);
      expect(await lab.buffer.confirm('115', next, 'aof', TIME_MS)).toBe(true);
    });

    test('changes nothing', async () => {
      const lab = await openLab(make);
      const position = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.expectNothingWritten(() => lab.buffer.confirm('115', position, 'aof', TIME_MS));
    });
  });
}
