/** Who may write into a partition (`lua/includes/fence.lua`), on an engine with scripts like Valkey's. */
import { describe, expect, test } from 'vitest';
import type { Layout } from '../src/buffer/partition-fence.ts';
import { type BufferLab, type MakeBuffer, openLab, uniqueName } from './buffer-lab.ts';
import type { ValkeyRig } from './buffer-valkey.ts';

const BASE = { gate: 'A' };

interface FenceLab {
  readonly lab: BufferLab<ValkeyRig>;
  /** What the store says from now on. */
  say(layout: Layout): void;
  /** How often it was asked. */
  asked(): number;
  /** Between its answer and the caller that waits for it. */
  onAsk(work: () => Promise<unknown>): void;
}

async function fenceLab(make: MakeBuffer<ValkeyRig>, partitions = 1): Promise<FenceLab> {
  let layout: Layout = { partitions };
  let count = 0;
  let work: () => Promise<unknown> = () => Promise.resolve();
  const lab = await openLab(make, {
    partitions,
    layout: async () => {
      count++;
      const answer = layout;
      await work();
      return answer;
    },
  });
  return {
    lab,
    say: (next) => (layout = next),
    asked: () => count,
    onAsk: (next) => (work = next),
  };
}

/** What a change of the number of partitions does to each of them. */
const shut = async ({ rig }: BufferLab<ValkeyRig>) => await rig.raw.hdel(rig.keys[0]!.seq, 'p', 'c');
const update = async (lab: BufferLab<ValkeyRig>, gate = 'B') =>
  await lab.updateFrom(BASE, uniqueName(), { gate });

export function describeFence(name: string, make: MakeBuffer<ValkeyRig>): void {
  describe(name, () => {
    describe('2 3 only who counts the partitions as the store does writes into one', () => {
      test('the store is asked once for each partition, by however many calls at once, and then no more', async () => {
        const { lab, asked } = await fenceLab(make, 2);
        const ids = [...lab.idsIn(0, 20), ...lab.idsIn(1, 20)];
        await Promise.all(ids.map((id) => lab.updateFrom(BASE, id, { gate: id })));
        expect(asked()).toBe(2);
        await lab.withAnother((buffer) => buffer.lease(lab.idsIn(0, 21)[20]!, uniqueName()));
        expect(asked()).toBe(2);
      });

      test('another number is refused by name, for updates and for loads, and nothing is written', async () => {
        const { lab, say } = await fenceLab(make);
        // Opens the fence.
        await lab.updateFrom(BASE, '200', { gate: 'B' });
        await lab.fill('115', BASE);
        await shut(lab);
        say({ partitions: 7 });
        const refusal = { code: 'PARTITIONS_CHANGED', retryable: false, context: { partitions: 7, own: 1 } };
        // The question leaves its mark.
        await expect(lab.tryUpdate('115', { gate: 'B' })).rejects.toMatchObject(refusal);
        await lab.expectNothingWritten(async () => {
          await expect(lab.tryUpdate('115', { gate: 'B' })).rejects.toMatchObject(refusal);
          await expect(lab.tryUpdate('116', { gate: 'B' })).rejects.toMatchObject(refusal);
          await expect(lab.buffer.lease('116', uniqueName())).rejects.toMatchObject(refusal);
        });
      });

      test('6 nobody is given a lease by seizing, but what is cached goes', async () => {
        const { lab, say } = await fenceLab(make);
        await lab.fill('115', BASE);
        await lab.buffer.lease('116', 'reader');
        await shut(lab);
        say({ partitions: 7 });
        for (const id of ['115', '116']) {
          expect(await lab.buffer.seize(id, 'writer')).toEqual({ kind: 'UNFENCED' });
          expect(await lab.hand.hasLease(id)).toBe(false);
          expect(await lab.buffer.read(id)).toBeUndefined();
        }
      });

      test('while it changes nobody writes, and is told for how long; afterwards it goes on', async () => {
        const { lab, say, asked } = await fenceLab(make);
        await lab.fill('115', BASE);
        await shut(lab);
        say({ partitions: 1, change: { to: 2, remainingMs: 1500 } });
        const refusal = { code: 'PARTITIONS_CHANGING', retryable: true, retryAfterMs: 1500 };
        await expect(lab.tryUpdate('115', { gate: 'B' })).rejects.toMatchObject(refusal);
        const before = asked();
        for (let call = 0; call < 10; call++) {
          await expect(lab.tryUpdate('115', { gate: 'B' })).rejects.toMatchObject(refusal);
        }
        expect(asked() - before).toBeLessThanOrEqual(2); // the store is spared
        say({ partitions: 1 });
        await expect
          .poll(() => lab.tryUpdate('115', { gate: 'B' }).catch(() => undefined))
          .toMatchObject({ kind: 'OK' });
        expect(await lab.items()).toHaveLength(1);
      });

      test.each([
        ['the server lost everything', (lab: BufferLab<ValkeyRig>) => lab.hand.loseSeq(0)],
        [
          'another server answers',
          (lab: BufferLab<ValkeyRig>) => lab.rig.raw.hset(lab.rig.keys[0]!.seq, 'p', `1 ${'0'.repeat(40)}`),
        ],
        [
          'another number was let in',
          async (lab: BufferLab<ValkeyRig>) => {
            const fence = (await lab.rig.raw.hget(lab.rig.keys[0]!.seq, 'p'))!;
            await lab.rig.raw.hset(lab.rig.keys[0]!.seq, 'p', fence.replace('1 ', '3 '));
          },
        ],
      ])('once %s the store is asked again', async (_what, happen) => {
        const { lab, asked } = await fenceLab(make);
        await update(lab);
        await happen(lab);
        await update(lab, 'C');
        expect(asked()).toBe(2);
      });

      test('an answer of the store that a change has overtaken opens nothing', async () => {
        const { lab, say, onAsk, asked } = await fenceLab(make);
        // Asked before the change, answered after it began.
        onAsk(async () => {
          if (asked() > 1) return;
          await shut(lab);
          say({ partitions: 2 });
        });
        await expect(update(lab)).rejects.toMatchObject({ code: 'PARTITIONS_CHANGED' });
        expect(asked()).toBe(2);
        expect(await lab.items()).toEqual([]);
      });

      test('one that the server has lost since, too', async () => {
        const { lab, onAsk, asked } = await fenceLab(make);
        onAsk(async () => (asked() === 1 ? await lab.hand.loseSeq(0) : undefined));
        await update(lab);
        expect(asked()).toBe(2);
      });

      test('a store that is away is no answer', async () => {
        const { lab, onAsk } = await fenceLab(make);
        onAsk(() => Promise.reject(new Error('away')));
        await expect(update(lab)).rejects.toThrow('away');
        onAsk(() => Promise.resolve());
        await update(lab);
      });

      test('a replay is answered all the same, and reads go on', async () => {
        const { lab, say } = await fenceLab(make);
        await lab.fill('115', BASE);
        const position = await lab.update('115', { gate: 'B' }, { idempotencyKey: 'key' });
        await shut(lab);
        say({ partitions: 2 });
        expect(await lab.tryUpdate('115', { gate: 'B' }, { idempotencyKey: 'key' })).toMatchObject({
          position,
          replayed: true,
        });
        expect(await lab.buffer.read('115')).toMatchObject({ value: { gate: 'B' } });
      });
    });
  });
}
