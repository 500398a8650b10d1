/** Queues that were lost and began anew, items that cannot be read, and letters that newer updates overtake. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { itemBytes, type ItemSpec, queuedUpdate } from '../../testing/store-items.ts';
import { MysqlWidgets } from '../../testing/widgets.ts';
import { decodeItem, type QueueItem } from '../item.ts';
import type { MysqlStore } from '../store/mysql/mysql-store.ts';
import { commitBatch } from './commit-batch.ts';

let db: MysqlWidgets;
let store: MysqlStore;
let tests = 0;

beforeAll(async () => {
  db = await MysqlWidgets.create(inject('mysql'));
});
beforeEach(async () => {
  await db.reset(10);
  store = db.makeStore({ namespace: `epochs-${tests++}` });
  await store.open();
  return async () => {
    await store.close();
    await expect.poll(() => db.connections()).toBe(0);
  };
});
afterAll(async () => {
  await db.drop();
});

type Listed = ItemSpec | Buffer;

async function commit(listed: readonly Listed[], seenEpoch?: string) {
  const items: QueueItem[] = listed.map((each) =>
    Buffer.isBuffer(each) ? decodeItem(each) : queuedUpdate(each),
  );
  const seen = seenEpoch ?? (await store.readEpoch(0));
  return await commitBatch(store, { partition: 0, items, seenEpoch: seen, deadLetterLimit: 100 });
}

async function committed(listed: readonly Listed[], seenEpoch?: string) {
  const outcome = await commit(listed, seenEpoch);
  if (outcome.kind !== 'COMMITTED') throw new Error('the epoch moved');
  return outcome;
}

const letters = async () => await store.deadLetters({ afterLetterId: 0, limit: 1000 });
const stored = async () => (await db.log()).map((row) => row.accepted_us);
const watermark = async () => {
  const { position, deadLetters } = (await store.readWatermarks())[0]!;
  return { position, deadLetters };
};

describe('3: never lost, when a queue is lost and begins anew', () => {
  test('a new epoch is taken over by who saw the old one, whatever its seq', async () => {
    await committed([{ seq: 100 }]);
    const outcome = await committed([{ epoch: 'e2', seq: 5 }], 'e1');
    expect(outcome).toMatchObject({ watermark: { epoch: 'e2', seq: 5 }, skipped: 0 });
    expect(await stored()).toEqual([100, 5]);
  });

  test('a new epoch is not taken over by who saw an older one, and nothing changes', async () => {
    await committed([{ seq: 1 }]);
    await committed([{ epoch: 'e2', seq: 1 }], 'e1');
    const before = await watermark();
    const outcome = await commit([{ epoch: 'e3', seq: 9 }], 'e1');
    expect(outcome).toMatchObject({ kind: 'EPOCH_MOVED', watermark: { epoch: 'e2', seq: 1 } });
    expect(await watermark()).toEqual(before);
    expect(await stored()).toEqual([1, 1]);
    expect(await letters()).toEqual([]);
    // Peeked again, it is stored.
    await committed([{ epoch: 'e3', seq: 9 }], 'e2');
    expect(await stored()).toEqual([1, 1, 9]);
  });

  test('a batch of a queue that is no more does not come after newer updates', async () => {
    // Peeked before the queue was lost, committed after another flusher took the new epoch over.
    const old: ItemSpec = { epoch: 'e1', seq: 10, changes: { size: 1 } };
    await committed([{ epoch: 'e2', seq: 11, changes: { size: 2 } }], '');
    expect(await commit([old], '')).toMatchObject({ kind: 'EPOCH_MOVED' });
    expect((await db.widgets())[0]!.size).toBe(2);
  });

  test('of a retired epoch what was dealt with is skipped, what lies beyond is abandoned with its bytes', async () => {
    await committed([{ seq: 1 }, { seq: 5 }]);
    await committed([{ epoch: 'e2', seq: 3 }]);
    const late = [{ seq: 5 }, { seq: 6, changes: { size: 6, note: 'late' } }, { epoch: 'e2', seq: 4 }];
    const outcome = await committed(late, 'e1');
    expect(outcome).toMatchObject({ skipped: 1, watermark: { epoch: 'e2', seq: 4 } });
    expect(outcome.covered).toEqual(
      new Map([
        ['e1', 6],
        ['e2', 4],
      ]),
    );
    expect(await letters()).toMatchObject([
      { reason: 'ABANDONED', position: { epoch: 'e1', seq: 6 }, superseded: ['size', 'note'] },
    ]);
    expect(await stored()).toEqual([1, 5, 3, 4]);
    // Again: one letter, nothing stored.
    await committed(late, 'e1');
    expect(await letters()).toHaveLength(1);
    expect(await stored()).toHaveLength(4);
  });

  test('several epochs in one batch follow each other, and each is retired at its last item', async () => {
    await committed([
      { epoch: 'e1', seq: 7 },
      { epoch: 'e2', seq: 3 },
      { epoch: 'e2', seq: 4 },
      { epoch: 'e3', seq: 1 },
      { epoch: 'e1', seq: 7 },
      { epoch: 'e2', seq: 9 },
    ]);
    expect(await stored()).toEqual([7, 3, 4, 1]);
    const retired = await store.transaction((transaction) =>
      transaction.readRetired(0, ['', 'e1', 'e2', 'e3']),
    );
    expect(retired).toEqual(
      new Map([
        ['e1', 7],
        ['e2', 4],
      ]),
    );
    expect((await letters()).map(({ position }) => position)).toEqual([{ epoch: 'e2', seq: 9 }]);
    expect(await watermark()).toMatchObject({ position: { epoch: 'e3', seq: 1 } });
  });

  test('an epoch is retired at what was settled, where a batch is cut short by refusals', async () => {
    const bad = Array.from({ length: 105 }, (_, index) => ({
      seq: index + 1,
      changes: { name: 'x'.repeat(21) },
    }));
    const batch = [...bad, { epoch: 'e2', seq: 1 }];
    expect(await committed(batch)).toMatchObject({ watermark: { epoch: 'e1', seq: 100 } });
    const rest = batch.slice(100);
    await commitBatch(store, {
      partition: 0,
      items: rest.map((spec) => queuedUpdate(spec)),
      seenEpoch: 'e1',
      deadLetterLimit: 200,
    });
    expect(await letters()).toHaveLength(105);
    expect(await stored()).toEqual([1]);
  });
});

describe('10: items that cannot be read are parked with their bytes, and the rest goes on', () => {
  const damaged = (epoch: string, seq: number | string, tail = 'oops') =>
    Buffer.from(`[1,"${epoch}",${seq},0,"3",{"size":${tail}`);
  const garbage: readonly (readonly [string, Buffer])[] = [
    ['garbage', Buffer.from('garbage')],
    ['nothing', Buffer.alloc(0)],
    ['JSON that is not ours', Buffer.from('{"not":"ours"}')],
    ['no UTF-8', Buffer.from([0x5b, 0xff, 0x00, 0x31])],
    ['our head and then no UTF-8', Buffer.concat([itemBytes({ seq: 2 }), Buffer.from([0xff])])],
    ['an id that is no UTF-8', Buffer.from('[1,"e1",2,0,"\xff\xfe",{},"ann",null]', 'latin1')],
    ['an id that is too long', Buffer.from(`[1,"e1",2,0,"${'3'.repeat(300)}",{`)],
    ['a head of this epoch', damaged('e1', 2)],
    ['a head of this epoch with a later seq', damaged('e1', 500)],
    ['a head of this epoch with the greatest seq', damaged('e1', Number.MAX_SAFE_INTEGER)],
    ['a head of this epoch with a seq that no number holds', damaged('e1', '9999999999999999')],
    ['a head of an epoch that nobody knows', damaged('e9', 2)],
    ['a head of the empty epoch', damaged('', 2)],
  ];

  describe.each([
    ['between others', [{ seq: 1 }], [{ seq: 3 }]],
    ['last', [{ seq: 1 }], []],
    ['alone', [], []],
  ] as [string, ItemSpec[], ItemSpec[]][])('%s', (_where, before, behind) => {
    test.each(garbage)('%s', async (_what, bytes) => {
      await committed([{ seq: 0, epoch: 'e0' }]);
      await committed([{ epoch: 'e1', seq: 1 }].slice(before.length));
      const batch = [...before, bytes, ...behind];
      const outcome = await committed(batch);
      expect(outcome.parked).toHaveLength(1);
      expect(outcome.stored).toHaveLength(before.length + behind.length);
      const [letter] = await letters();
      expect(letter).toMatchObject({ reason: 'UNREADABLE', partition: 0, fields: [], superseded: [] });
      expect(letter!.item.equals(bytes)).toBe(true);
      // It did not end the epoch, and did not take the watermark past what is yet to come.
      const position = { epoch: 'e1', seq: behind.length > 0 ? 3 : 1 };
      expect(await watermark()).toEqual({ position, deadLetters: 1 });
      await committed([...batch, { seq: 4 }, { seq: 1000 }]);
      expect((await stored()).slice(-2)).toEqual([4, 1000]);
      // Parked once, however often it comes.
      expect(await letters()).toHaveLength(1);
    });
  });

  test('what the ack may drop: a damaged item by its bytes, whatever its head shows', async () => {
    const between = damaged('e1', 2);
    const ahead = damaged('e1', 77);
    const outcome = await committed([{ seq: 1 }, between, { seq: 3 }, ahead, Buffer.from('garbage')]);
    expect(outcome.covered).toEqual(new Map([['e1', 3]]));
    expect(outcome.parkedBytes.map(String)).toEqual([String(between), String(ahead), 'garbage']);
    expect(outcome.distrusted).toEqual(new Set(['3']));
  });

  test('the same garbage twice in a batch is one letter', async () => {
    await committed([Buffer.from('garbage'), { seq: 1 }, Buffer.from('garbage')]);
    expect(await letters()).toHaveLength(1);
    expect(await watermark()).toEqual({ position: { epoch: 'e1', seq: 1 }, deadLetters: 1 });
  });
});

describe('letters know which of their fields newer updates have set', () => {
  const both = { size: -1, note: 'n' };
  const superseded = async () => (await letters()).map((letter) => letter.superseded);

  test('within the batch, by stored ones behind them only', async () => {
    await committed([
      { seq: 1, changes: { note: 'before' } },
      { seq: 2, changes: both },
      { seq: 3, id: '2', changes: { note: 'another row' } },
      { seq: 4, changes: { size: -2 } },
      { seq: 5, changes: { note: 'after' } },
    ]);
    expect(await superseded()).toEqual([['note'], []]);
  });

  test('by a later batch, and not by one that is refused itself', async () => {
    await committed([{ seq: 1, changes: both }]);
    await committed([{ seq: 2, changes: { size: -1 } }]);
    expect(await superseded()).toEqual([[], []]);
    await committed([{ seq: 3, id: '2', changes: { size: 5 } }]);
    expect(await superseded()).toEqual([[], []]);
    await committed([{ seq: 4, changes: { size: 5 } }]);
    expect(await superseded()).toEqual([['size'], ['size']]);
  });

  test('not by an older batch that is committed again', async () => {
    await committed([{ seq: 1, changes: { note: 'old' } }]);
    await committed([{ seq: 2, changes: both }]);
    await committed([{ seq: 1, changes: { note: 'old' } }]);
    expect(await superseded()).toEqual([[]]);
  });
});
