import { describe, expect, test } from 'vitest';
import { type MakeBuffer, openLab } from './buffer-lab.ts';

export function describeLives(make: MakeBuffer): void {
  describe('3 what a partition lived through', () => {
    test('nothing, before its first use', async () => {
      const { buffer } = await openLab(make, { partitions: 2 });
      const none = { epoch: '', ackedSeq: 0, begun: undefined };
      expect(await buffer.lives()).toMatchObject([none, none]);
    });

    test('an epoch that began, until that was settled, by whoever saw it', async () => {
      const lab = await openLab(make);
      const beforeUs = await lab.hand.timeUs();
      const { epoch } = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      const [life] = await lab.buffer.lives();
      expect(life).toMatchObject({ epoch, isSameServer: true, ackedSeq: 0, begun: { before: undefined } });
      const atUs = life?.begun?.atUs ?? 0;
      expect(atUs).toBeGreaterThanOrEqual(beforeUs);
      await lab.expectNothingWritten(async () => {
        await lab.buffer.settleBegun(0, 'another', atUs);
        await lab.buffer.settleBegun(0, epoch, atUs + 1);
      });
      await lab.buffer.settleBegun(0, epoch, atUs);
      expect(await lab.buffer.lives()).toMatchObject([{ epoch, begun: undefined }]);
    });

    test.each(['update', 'fill', 'beginEpoch'] as const)(
      'an epoch that %s begins on another server, with what was known of the one before',
      async (how) => {
        const lab = await openLab(make);
        const last = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
        await lab.buffer.settleBegun(0, last.epoch, (await lab.buffer.lives())[0]?.begun?.atUs ?? 0);
        await lab.hand.changeServer(0);
        expect(await lab.buffer.lives()).toMatchObject([{ epoch: last.epoch, isSameServer: false }]);
        if (how === 'update') await lab.update('115', { gate: 'C' });
        if (how === 'fill') await lab.fill('116', { gate: 'A' });
        if (how === 'beginEpoch') await lab.buffer.beginEpoch(0);
        const [life] = await lab.buffer.lives();
        expect(life).toMatchObject({ isSameServer: true, begun: { before: last } });
        expect(life?.epoch).not.toBe(last.epoch);
      },
    );

    test('of several epochs that ended unnoticed the oldest is told', async () => {
      const lab = await openLab(make);
      const last = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.buffer.settleBegun(0, last.epoch, (await lab.buffer.lives())[0]?.begun?.atUs ?? 0);
      for (let times = 0; times < 2; times++) {
        await lab.hand.changeServer(0);
        await lab.buffer.beginEpoch(0);
      }
      expect((await lab.buffer.lives())[0]?.begun?.before).toEqual(last);
    });

    test('on the same server no epoch begins', async () => {
      const lab = await openLab(make);
      const { epoch } = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      await lab.expectNothingWritten(() => lab.buffer.beginEpoch(0));
      expect(await lab.buffer.beginEpoch(0)).toMatchObject({ epoch });
    });

    test('how far it was acked, only forward, of its own epoch, until that was settled', async () => {
      const lab = await openLab(make);
      const first = await lab.updateFrom({ gate: 'A' }, '115', { gate: 'B' });
      const second = await lab.update('115', { gate: 'C' });
      await lab.ack([second]);
      await lab.ack([first]);
      await lab.ack([{ epoch: 'another', seq: second.seq + 5 }]);
      expect(await lab.buffer.lives()).toMatchObject([{ ackedSeq: second.seq }]);
      await lab.expectNothingWritten(() => lab.buffer.settleAcked(0, first, 0));
      await lab.buffer.settleAcked(0, second, first.seq);
      expect(await lab.buffer.lives()).toMatchObject([{ ackedSeq: first.seq }]);
    });
  });
}
