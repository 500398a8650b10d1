/** One batch, one transaction, on a real database; each test is named by the invariant that it shows. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { itemBytes, type ItemSpec, brokenLinks, queuedUpdate } from '../../testing/store-items.ts';
import { MysqlWidgets } from '../../testing/widgets.ts';
import { LimitError, NewerFormatError } from '../errors.ts';
import { decodeItem, type QueueItem } from '../item.ts';
import type { MysqlStore } from '../store/mysql/mysql-store.ts';
import type { StorePort } from '../store/store.ts';
import { type Batch, commitBatch } from './commit-batch.ts';

const WIDGETS = 1000;
/** Refused also where a later update of the batch sets the field again. */
const REFUSED = { name: 'x'.repeat(21) };

let db: MysqlWidgets;
let store: MysqlStore;
let tests = 0;

beforeAll(async () => {
  db = await MysqlWidgets.create(inject('mysql'));
});
beforeEach(async () => {
  await db.reset(WIDGETS);
  store = db.makeStore({ namespace: `batch-${tests++}` });
  await store.open();
  return async () => {
    await store.close();
    await expect.poll(() => db.connections()).toBe(0);
  };
});
afterAll(async () => {
  await db.drop();
});

const updates = (...specs: ItemSpec[]): QueueItem[] => specs.map((spec) => queuedUpdate(spec));

async function commit(items: readonly QueueItem[], options: Partial<Batch> = {}) {
  const seenEpoch = options.seenEpoch ?? (await store.readEpoch(0));
  const outcome = await commitBatch(store, {
    partition: 0,
    items,
    seenEpoch,
    deadLetterLimit: 1000,
    ...options,
  });
  if (outcome.kind !== 'COMMITTED') throw new Error('the epoch moved');
  return outcome;
}

const letters = async () => await store.deadLetters({ afterLetterId: 0, limit: 10_000 });
const watermark = async () => {
  const { position, deadLetters } = (await store.readWatermarks())[0]!;
  return { position, deadLetters };
};
const sizeOf = async (id: number) => (await db.widgets()).find((widget) => widget.widget_id === id)!.size;

describe('4: once', () => {
  const items = updates({ seq: 1 }, { seq: 2, id: '2' }, { seq: 3 });

  test('a batch that is committed again and again is stored once', async () => {
    expect(await commit(items)).toMatchObject({ stored: items, skipped: 0, watermark: { seq: 3 } });
    for (let repeat = 0; repeat < 3; repeat++) {
      const outcome = await commit(items);
      expect(outcome).toMatchObject({ stored: [], skipped: 3, parked: [], watermark: { seq: 3 } });
      // Dealt with before may mean parked: the cached values are not trusted, and the items may be dropped.
      expect(outcome.distrusted).toEqual(new Set(['1', '2']));
      expect(outcome.covered).toEqual(new Map([['e1', 3]]));
    }
    expect((await db.log()).map((row) => row.accepted_us)).toEqual([1, 2, 3]);
  });

  test('a batch that begins with what is stored adds only the rest', async () => {
    await commit(items.slice(0, 2));
    const outcome = await commit(items);
    expect(outcome).toMatchObject({ stored: [items[2]], skipped: 2 });
    expect((await db.log()).map((row) => row.accepted_us)).toEqual([1, 2, 3]);
  });

  test('the same item twice in a batch is stored once', async () => {
    const [first, second] = items as [QueueItem, QueueItem];
    const outcome = await commit([first, second, second, first]);
    expect(outcome).toMatchObject({ stored: [first, second], skipped: 2 });
    expect(await db.log()).toHaveLength(2);
  });

  test('of two flushers with the same batch at the same time exactly one stores', async () => {
    for (let round = 0; round < 10; round++) {
      const batch = updates({ seq: round * 10 + 1 }, { seq: round * 10 + 2, id: '2' });
      const seenEpoch = await store.readEpoch(0);
      const outcomes = await Promise.all([
        commitBatch(store, { partition: 0, items: batch, seenEpoch, deadLetterLimit: 10 }),
        commitBatch(store, { partition: 0, items: batch, seenEpoch, deadLetterLimit: 10 }),
      ]);
      const stored = outcomes.map((outcome) => (outcome.kind === 'COMMITTED' ? outcome.stored.length : 0));
      expect(stored.sort()).toEqual([0, 2]);
    }
    expect(await db.log()).toHaveLength(20);
  });

  test('a flusher that wakes up late with an old batch stores nothing', async () => {
    const asleep = items.slice(0, 2);
    const seenEpoch = await store.readEpoch(0);
    await commit(items);
    await commit(updates({ seq: 4, changes: { size: 44 } }));
    const late = await commitBatch(store, { partition: 0, items: asleep, seenEpoch, deadLetterLimit: 10 });
    expect(late).toMatchObject({ kind: 'COMMITTED', stored: [], skipped: 2 });
    expect(await sizeOf(1)).toBe(44);
    expect(await db.log()).toHaveLength(4);
  });

  test('a commit that fails at its last step leaves nothing, and the next one stores all', async () => {
    const batch = [...items, ...updates({ seq: 4, changes: REFUSED })];
    let begun = 0;
    const broken = {
      change: store.change.bind(store),
      transaction: (work: Parameters<StorePort['transaction']>[0]) => {
        const isFirst = begun++ === 0;
        return store.transaction(async (transaction) => {
          const value = await work(transaction);
          if (isFirst) throw new Error('cut off before the commit');
          return value;
        });
      },
    } as unknown as StorePort;
    const failed = commitBatch(broken, { partition: 0, items: batch, seenEpoch: '', deadLetterLimit: 10 });
    await expect(failed).rejects.toThrow('cut off');
    expect(await db.log()).toEqual([]);
    expect(await letters()).toEqual([]);
    expect(await watermark()).toEqual({ position: { epoch: '', seq: 0 }, deadLetters: 0 });
    expect(await commit(batch)).toMatchObject({ stored: items, parked: [{ reason: 'REFUSED' }] });
  });
});

describe('2: in order', () => {
  test('updates of one row in one batch leave an unbroken chain of old and new values', async () => {
    const ids = ['1', '2', '3'];
    const items = Array.from({ length: 300 }, (_, index) =>
      queuedUpdate({
        seq: index + 1,
        id: ids[index % 3]!,
        changes: index % 2 === 0 ? { size: index } : { note: `n${index}`, name: `name ${index}` },
      }),
    );
    await commit(items.slice(0, 100));
    await commit(items.slice(100));
    const log = await db.log();
    expect(log.map((row) => row.accepted_us)).toEqual(items.map((_, index) => index + 1));
    expect(brokenLinks(log)).toEqual([]);
    expect(log.find((row) => row.widget_id === 1)).toMatchObject({
      size_before: 0,
      name_before: 'widget 1',
    });
    const last = log.findLast((row) => row.widget_id === 3)!;
    expect((await db.widgets())[2]).toMatchObject({
      name: last.name_after,
      size: last.size_after,
      note: last.note_after,
    });
  });

  test('stays so around refused ones: what is stored after them begins where the last stored one ended', async () => {
    const items = Array.from({ length: 100 }, (_, index) =>
      queuedUpdate({ seq: index + 1, changes: index % 7 === 3 ? REFUSED : { size: index } }),
    );
    const { stored, parked } = await commit(items);
    expect([stored.length, parked.length]).toEqual([86, 14]);
    const log = await db.log();
    expect(log.map((row) => row.accepted_us)).toEqual(stored.map(({ position }) => position.seq));
    expect(brokenLinks(log)).toEqual([]);
    expect(await sizeOf(1)).toBe(99);
  });
});

describe('9: draining goes on', () => {
  test('of 1,000 with a missing row and a refused value in the middle 998 are stored by one commit', async () => {
    const items = Array.from({ length: 1000 }, (_, index) =>
      queuedUpdate({
        seq: index + 1,
        id: index === 500 ? '4711' : String(index + 1),
        changes: index === 499 ? REFUSED : { size: index + 1 },
      }),
    );
    const { stored, parked, statements, distrusted } = await commit(items);
    expect(stored).toHaveLength(998);
    expect(parked.map(({ reason, entityId }) => [reason, entityId])).toEqual([
      ['REFUSED', '500'],
      ['MISSING_ROW', '4711'],
    ]);
    expect(distrusted).toEqual(new Set(['500', '4711']));
    expect(statements.filter((text) => text === 'COMMIT')).toHaveLength(1);
    expect(statements.filter((text) => text === 'START TRANSACTION')).toHaveLength(1);
    expect(await db.log()).toHaveLength(998);
    const kept = await letters();
    expect(kept.map(({ reason, error }) => [reason, error])).toEqual([
      ['REFUSED', expect.stringMatching(/1406.*name/)],
      ['MISSING_ROW', expect.stringContaining('4711')],
    ]);
    expect(kept[0]!.item.equals(items[499]!.bytes)).toBe(true);
    expect(await watermark()).toEqual({ position: { epoch: 'e1', seq: 1000 }, deadLetters: 2 });
  });

  test('more refused ones than one transaction bears settle in parts, in order, and none is lost', async () => {
    const items = Array.from({ length: 260 }, (_, index) =>
      queuedUpdate({ seq: index + 1, id: String(index + 1), changes: { size: index % 13 === 0 ? 5 : -1 } }),
    );
    let left: readonly QueueItem[] = items;
    let [stored, parked, batches] = [0, 0, 0];
    while (left.length > 0) {
      const outcome = await commit(left);
      batches += 1;
      stored += outcome.stored.length;
      parked += outcome.parked.length;
      expect(outcome.parked.length).toBeLessThanOrEqual(100);
      expect(outcome.watermark.seq).toBe(stored + parked);
      expect(outcome.covered).toEqual(new Map([['e1', stored + parked]]));
      left = items.slice(stored + parked);
    }
    expect([stored, parked, batches]).toEqual([20, 240, 3]);
    expect(await letters()).toHaveLength(240);
    expect((await db.log()).map((row) => row.widget_id % 13)).toEqual(Array.from({ length: 20 }, () => 1));
  });

  test('what is refused after its audit row was written leaves no audit row', async () => {
    const items = updates({ seq: 1 }, { seq: 2, id: '2', changes: { size: -1 } }, { seq: 3, id: '3' });
    const { stored, parked } = await commit(items);
    expect([stored.length, parked.length]).toEqual([2, 1]);
    expect(parked[0]!.error).toMatch(/3819/);
    expect((await db.log()).map((row) => row.accepted_us)).toEqual([1, 3]);
    expect(await sizeOf(2)).toBe(0);
  });

  test('a batch of nothing but missing rows stores nothing and parks all', async () => {
    const items = updates({ seq: 1, id: '4001' }, { seq: 2, id: '4002' }, { seq: 3, id: '4001' });
    expect(await commit(items)).toMatchObject({ stored: [], watermark: { seq: 3 } });
    expect((await letters()).map(({ reason }) => reason)).toEqual([
      'MISSING_ROW',
      'MISSING_ROW',
      'MISSING_ROW',
    ]);
  });

  test.each([
    ['an id that no row can have', { id: 'not-a-number' }],
    ['an id that is too long', { id: '1'.repeat(300) }],
    ['an id of other characters', { id: 'wïdget 😀' }],
    ['a field that nothing holds', { changes: { colour: 'red' } }],
    ['a field without a proper name', { changes: { '\ud800': 1 } }],
    ['a user that is too long', { user: 'x'.repeat(101) }],
    ['a comment that is too long', { comment: 'x'.repeat(201) }],
  ])('an item with %s is parked alone', async (_what, damage) => {
    const foreign = decodeItem(itemBytes({ seq: 2, ...damage }));
    const { stored, parked } = await commit([queuedUpdate({ seq: 1 }), foreign, queuedUpdate({ seq: 3 })]);
    expect(stored.map(({ position }) => position.seq)).toEqual([1, 3]);
    expect(parked).toHaveLength(1);
    expect((await letters())[0]!.item.equals(foreign.bytes)).toBe(true);
  });
});

describe('3: never lost', () => {
  const newer = decodeItem(Buffer.from('[3,"e1",2,0,"1",{"size":22},"ann",null,"t","news"]'));
  const after = queuedUpdate({ seq: 3 });

  test('what newer code wrote stops the partition by name; nothing is parked, and nothing passes it', async () => {
    const before = queuedUpdate({ seq: 1 });
    const first = await commit([before, newer, after]);
    expect(first).toMatchObject({ stored: [before], parked: [], covered: new Map([['e1', 1]]) });
    const error: unknown = await commit([newer, after]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NewerFormatError);
    expect(error).toMatchObject({ code: 'NEWER_FORMAT', retryable: false, context: { format: 3, known: 2 } });
    expect(await letters()).toEqual([]);
    expect(await watermark()).toEqual({ position: { epoch: 'e1', seq: 1 }, deadLetters: 0 });
    // Code that understands it goes on from there.
    const understood = queuedUpdate({ seq: 2, changes: { size: 22 } });
    expect(await commit([understood, after])).toMatchObject({ stored: [understood, after] });
    expect((await db.log()).map((row) => row.accepted_us)).toEqual([1, 2, 3]);
  });
});

describe('10: an error that is nobody’s data', () => {
  test('undoes the batch whole and parks nothing; once it is mended all is stored', async () => {
    const items = updates({ seq: 1 }, { seq: 2, changes: REFUSED });
    const rename = (from: string, to: string) =>
      db.outside.query('RENAME TABLE ??.?? TO ??.??', [db.database, from, db.database, to]);
    await rename('widget_log', 'widget_log_away');
    const error: unknown = await commit(items).catch((caught: unknown) => caught);
    await rename('widget_log_away', 'widget_log');
    expect(error).toMatchObject({ code: 'STORE_ERROR' });
    expect(await letters()).toEqual([]);
    expect(await watermark()).toEqual({ position: { epoch: '', seq: 0 }, deadLetters: 0 });
    expect(await commit(items)).toMatchObject({ stored: [items[0]], parked: [{ reason: 'REFUSED' }] });
  });
});

describe('8: bounded', () => {
  test('a partition whose dead letters reach their limit stops, is told so by name, and nothing changes', async () => {
    await commit(updates({ seq: 1, changes: REFUSED }));
    const items = updates({ seq: 2, changes: REFUSED }, { seq: 3 }, { seq: 4, id: '4711' });
    const error: unknown = await commit(items, { deadLetterLimit: 2 }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({ limit: 'DEAD_LETTER_LIMIT', value: 2, retryable: false });
    expect(await db.log()).toEqual([]);
    expect(await letters()).toHaveLength(1);
    expect(await watermark()).toEqual({ position: { epoch: 'e1', seq: 1 }, deadLetters: 1 });
    expect(await commit(items, { deadLetterLimit: 3 })).toMatchObject({ watermark: { seq: 4 } });
    // At the limit clean updates go on.
    expect(await commit(updates({ seq: 5 }), { deadLetterLimit: 3 })).toMatchObject({
      watermark: { seq: 5 },
    });
  });

  test('a clean batch is the same few statements for 10 updates and for 1,000', async () => {
    const batch = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) =>
        queuedUpdate({ seq: from + index, id: String(index + 1), changes: { size: from } }),
      );
    await commit(batch(1, 1));
    const ten = await commit(batch(100, 10));
    const thousand = await commit(batch(1000, 1000));
    // Many audit rows are loaded, and the table's columns looked at.
    const rest = ({ statements }: typeof ten) =>
      statements.filter((each) => !/^(INSERT|LOAD)|information_schema/.test(each));
    expect(thousand.statements).toHaveLength(ten.statements.length + 1);
    expect(rest(thousand)).toEqual(rest(ten));
    expect(ten.statements.length).toBeLessThanOrEqual(9);
    expect(ten.statements[1]).toMatch(/FROM afterwrite_watermarks[^]*FOR UPDATE/);
  });
});
