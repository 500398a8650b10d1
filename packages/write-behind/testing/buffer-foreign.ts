/**
 * Keys of other types under our names, for engines whose keys have types. Every script reads each key that it touches
 * before it writes: an error in the middle of a script leaves the writes before it done.
 */
import type { Redis } from 'iovalkey';
import { describe, expect, test } from 'vitest';
import { ForeignKeyTypeError } from '../src/errors.ts';
import { type BufferLab, type MakeBuffer, openLab } from './buffer-lab.ts';
import type { ValkeyRig } from './buffer-valkey.ts';

type Lab = BufferLab<ValkeyRig>;
type KeyName = 'entity' | 'queue' | 'seq' | 'pending' | 'fill' | 'once' | 'onceOrder';

const ID = '115';
const BASE = { gate: 'A' };

const PLANT: Record<string, (raw: Redis, key: string) => Promise<unknown>> = {
  string: (raw, key) => raw.set(key, 'foreign'),
  set: (raw, key) => raw.sadd(key, 'foreign'),
  stream: (raw, key) => raw.xadd(key, '*', 'foreign', '1'),
};

function keyOf(lab: Lab, name: KeyName): string {
  const keys = lab.rig.keys[0]!;
  if (name === 'entity') return keys.entityPrefix + ID;
  return name === 'fill' ? keys.fillPrefix + ID : keys[name];
}

interface Case {
  readonly call: string;
  readonly touches: readonly KeyName[];
  /** What comes before the foreign key. */
  prepare(lab: Lab): Promise<unknown>;
  run(lab: Lab): Promise<unknown>;
}

const CASES: readonly Case[] = [
  {
    call: 'update of a cached entity',
    touches: ['entity', 'queue', 'seq', 'pending', 'fill', 'once', 'onceOrder'],
    prepare: (lab) => lab.fill(ID, BASE),
    run: (lab) => lab.tryUpdate(ID, { gate: 'B' }, { idempotencyKey: 'key' }),
  },
  {
    call: 'update of a dirty entity',
    touches: ['entity', 'queue', 'seq', 'pending', 'fill', 'once', 'onceOrder'],
    prepare: (lab) => lab.updateFrom(BASE, ID, { gate: 'B' }),
    run: (lab) => lab.tryUpdate(ID, { gate: 'C' }, { idempotencyKey: 'key' }),
  },
  {
    call: 'update with a base',
    touches: ['entity', 'queue', 'seq', 'pending', 'fill', 'once', 'onceOrder'],
    prepare: (lab) => lab.buffer.lease(ID, 'mine'),
    run: (lab) => lab.tryUpdate(ID, { gate: 'B' }, { idempotencyKey: 'key', token: 'mine', base: BASE }),
  },
  {
    call: 'update that asks for a lease',
    touches: ['entity', 'queue', 'seq', 'pending', 'fill', 'once', 'onceOrder'],
    prepare: async () => undefined,
    run: (lab) => lab.tryUpdate(ID, { gate: 'B' }, { idempotencyKey: 'key' }),
  },
  {
    call: 'lease',
    touches: ['entity', 'pending', 'fill'],
    prepare: async () => undefined,
    run: (lab) => lab.buffer.lease(ID, 'mine'),
  },
  {
    call: 'fill',
    touches: ['entity', 'pending', 'fill', 'seq'],
    prepare: (lab) => lab.buffer.lease(ID, 'mine'),
    run: (lab) => lab.buffer.fill(ID, 'mine', BASE),
  },
  {
    call: 'look',
    touches: ['entity', 'pending'],
    prepare: async () => undefined,
    run: (lab) => lab.buffer.look([ID]),
  },
  {
    call: 'drop',
    touches: ['entity', 'pending'],
    prepare: (lab) => lab.fill(ID, BASE),
    run: async (lab) => lab.buffer.drop(ID, (await lab.buffer.read(ID))?.version ?? ''),
  },
  {
    call: 'read',
    touches: ['entity'],
    prepare: async () => undefined,
    run: (lab) => lab.buffer.read(ID),
  },
  {
    call: 'invalidate',
    touches: ['entity'],
    prepare: (lab) => lab.buffer.lease(ID, 'mine'),
    run: (lab) => lab.buffer.invalidate(ID),
  },
  {
    call: 'seize',
    touches: ['entity', 'seq'],
    prepare: (lab) => lab.buffer.lease(ID, 'mine'),
    run: (lab) => lab.buffer.seize(ID, 'other'),
  },
  {
    call: 'disown',
    touches: ['queue', 'pending'],
    prepare: (lab) => lab.fill(ID, BASE),
    run: (lab) => lab.buffer.disown(ID),
  },
];

export function describeForeignKeys(name: string, make: MakeBuffer<ValkeyRig>): void {
  describe(name, () => {
    describe('1 accepted whole, where a key of ours holds another type', () => {
      for (const { call, touches, prepare, run } of CASES) {
        test(`${call}: refused by name, and nothing is written`, async () => {
          const lab = await openLab(make);
          for (const keyName of touches) {
            for (const [type, plant] of Object.entries(PLANT)) {
              // A lease is a string itself: a foreign one is just somebody else's lease.
              if (keyName === 'fill' && type === 'string') continue;
              await lab.buffer.deleteAll();
              await prepare(lab);
              const key = keyOf(lab, keyName);
              await lab.rig.raw.del(key);
              await plant(lab.rig.raw, key);
              await lab.expectNothingWritten(async () => {
                const refusal = expect(run(lab), `${type} at ${key}`).rejects;
                await refusal.toBeInstanceOf(ForeignKeyTypeError);
              });
            }
          }
        });
      }

      test('of updates of one moment only the one that meets it is refused', async () => {
        const lab = await openLab(make);
        for (const id of ['114', ID, '116']) await lab.fill(id, BASE);
        for (const plant of Object.values(PLANT)) {
          await lab.rig.raw.del(keyOf(lab, 'entity'));
          await plant(lab.rig.raw, keyOf(lab, 'entity'));
          const ids = ['114', ID, '116'];
          const results = await Promise.allSettled(ids.map((id) => lab.update(id, { gate: 'B' })));
          expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
          const [, refused] = results;
          expect(refused?.status === 'rejected' && refused.reason).toBeInstanceOf(ForeignKeyTypeError);
        }
        expect(await lab.hand.items(0)).toHaveLength(2 * Object.keys(PLANT).length);
      });

      test('what is cached is found past it', async () => {
        const lab = await openLab(make);
        await lab.fill('116', BASE);
        for (const plant of Object.values(PLANT)) {
          await lab.rig.raw.del(keyOf(lab, 'entity'));
          await plant(lab.rig.raw, keyOf(lab, 'entity'));
          const found: string[] = [];
          for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
            const { ids, next } = await lab.buffer.cachedIds(cursor);
            found.push(...ids);
            cursor = next;
          }
          expect(found).toEqual(['116']);
        }
      });

      test('the error names the keys that it can be', async () => {
        const lab = await openLab(make);
        const key = keyOf(lab, 'queue');
        await lab.rig.raw.set(key, 'foreign');
        await expect(lab.tryUpdate(ID, { gate: 'B' })).rejects.toThrow(key);
        await expect(lab.buffer.peek(0, { rows: 1, bytes: 1 })).rejects.toThrow(key);
        await expect(lab.ack([])).rejects.toThrow(ForeignKeyTypeError);
        expect(await lab.rig.raw.get(key)).toBe('foreign');
      });
    });

    describe('9 draining always works', () => {
      test('past a foreign entity key, which stays as it is', async () => {
        const lab = await openLab(make);
        for (const [type, plant] of Object.entries(PLANT)) {
          await lab.updateFrom(BASE, ID, { gate: 'B' });
          const other = await lab.updateFrom(BASE, '116', { gate: 'B' });
          const key = keyOf(lab, 'entity');
          await lab.rig.raw.del(key);
          await plant(lab.rig.raw, key);
          const dump = await lab.rig.raw.dumpBuffer(key);
          const reply = await lab.ack([other], { distrusted: [ID] });
          expect(reply, type).toEqual({ dropped: 2, remaining: 0 });
          expect(await lab.rig.raw.dumpBuffer(key)).toEqual(dump);
          expect(await lab.buffer.isPending(ID)).toBe(false);
          expect(await lab.buffer.read('116')).toMatchObject({ dirty: false });
          await lab.buffer.deleteAll();
        }
      });

      test('past a foreign pending index', async () => {
        const lab = await openLab(make);
        const position = await lab.updateFrom(BASE, ID, { gate: 'B' });
        await lab.rig.raw.set(keyOf(lab, 'pending'), 'foreign');
        expect(await lab.ack([position])).toEqual({ dropped: 1, remaining: 0 });
        expect(await lab.buffer.read(ID)).toMatchObject({ dirty: false });
      });

      test('past a claim that never ends: no flusher put it there, none will give it back', async () => {
        const lab = await openLab(make);
        const key = lab.rig.keys[0]!.lease;
        for (const plant of Object.values(PLANT)) {
          await lab.rig.raw.del(key);
          await plant(lab.rig.raw, key);
          expect(await lab.buffer.claim(0, 'mine', 1000)).toBe(true);
          const dump = await lab.rig.raw.dumpBuffer(key);
          await lab.buffer.renewClaim(0, 'mine', 1000);
          await lab.buffer.releaseClaim(0, 'mine');
          expect(await lab.rig.raw.dumpBuffer(key)).toEqual(dump);
        }
      });
    });
  });
}
