import { describe, expect, test } from 'vitest';
import type { FieldValues } from '../src/entity.ts';
import { StoreDataError } from '../src/errors.ts';
import type { StoreContract } from './store-contract.ts';
import { brokenLinks, queuedUpdate, writeUpdates } from './store-items.ts';

const MANY = 5000;

export function describeWriting(contract: StoreContract): void {
  describe('rows', () => {
    test('load gives the row and the statement, and undefined for a row that is not there', async () => {
      const store = await contract.openStore();
      const { value, query } = await store.load('3');
      expect(value).toEqual({ widget_id: 3, name: 'widget 3', size: 0, note: null });
      expect(query).toMatch(/select/i);
      expect((await store.load('11')).value).toBeUndefined();
      for (const id of ['name', 'NaN', 'Infinity', '1e999'])
        expect((await store.load(id)).value, id).toBeUndefined();
    });

    test('change gives the row after the changes and leaves the one before it as it was', async () => {
      const store = await contract.openStore();
      const before = await store.transaction(async (transaction) =>
        (await transaction.lockRows(['3'])).get('3')!,
      );
      const after = store.change(before, { size: 9 });
      expect(after).toEqual({ ...before, size: 9 });
      expect(before).not.toEqual(after);
      expect(() => store.change(before, { colour: 'red' })).toThrow(StoreDataError);
      expect(() => store.change(before, JSON.parse('{"__proto__":1}') as FieldValues)).toThrow(
        StoreDataError,
      );
    });

    test('lockRows gives the rows that are there', async () => {
      const store = await contract.openStore();
      const rows = await store.transaction((transaction) => transaction.lockRows(['7', '99', '2']));
      expect([...rows.keys()].sort()).toEqual(['2', '7']);
      expect(rows.get('7')).toMatchObject({ name: 'widget 7' });
    });

    test.each([
      ...['abc', 'Infinity', 'NaN', 'é', '1e0', '0x1', '01', ' ', '-1', '1.0', '1.5', '9999999999', '1e30'],
      ...['9'.repeat(400), 'a\0b', '\ud800'],
    ])('lockRows takes %j, which no row has, for a missing row', async (id) => {
      const store = await contract.openStore();
      const rows = await store.transaction((transaction) => transaction.lockRows([id, '2']));
      expect(rows.has(id)).toBe(false);
      expect(rows.has('2')).toBe(true);
    });

    test('lockRows locks in the order of the key, so that two of them never wait in a circle', async () => {
      const store = await contract.openStore();
      const ids = Array.from({ length: 10 }, (_, index) => String(index + 1));
      const rounds = Array.from({ length: 20 }, (_, round) =>
        store.transaction((transaction) => transaction.lockRows(round % 2 === 0 ? ids : ids.toReversed())),
      );
      for (const rows of await Promise.all(rounds)) expect(rows.size).toBe(10);
    });

    test('write leaves an audit row for each change, and each row as its last change left it', async () => {
      const store = await contract.openStore();
      const updates = [
        queuedUpdate({ seq: 1, id: '1', changes: { size: 1 }, user: 'ann', comment: 'first' }),
        queuedUpdate({ seq: 2, id: '2', changes: { size: 2, note: 'two' }, user: 'Zoë 😀' }),
        queuedUpdate({ seq: 3, id: '1', changes: { name: `o'neil "\\` } }),
        queuedUpdate({ seq: 4, id: '1', changes: { size: 4, note: '' } }),
      ];
      await store.transaction((transaction) => writeUpdates(store, transaction, updates));
      const harness = contract.harness();
      expect((await harness.widgets()).slice(0, 2)).toEqual([
        { widget_id: 1, name: `o'neil "\\`, size: 4, note: '' },
        { widget_id: 2, name: 'widget 2', size: 2, note: 'two' },
      ]);
      const log = await harness.log();
      expect(log.map(({ accepted_us, widget_id }) => [accepted_us, widget_id])).toEqual([
        [1, 1],
        [2, 2],
        [3, 1],
        [4, 1],
      ]);
      expect(log[0]).toMatchObject({ user: 'ann', comment: 'first', size_before: 0, size_after: 1 });
      expect(log[1]).toMatchObject({ user: 'Zoë 😀', comment: null, note_before: null, note_after: 'two' });
      expect(brokenLinks(log)).toEqual([]);
    });

    test(`write takes ${MANY} changes in the same handful of statements`, async () => {
      const harness = contract.harness();
      await harness.reset(MANY);
      const store = await contract.openStore();
      const count = async (rows: number) => {
        const updates = Array.from({ length: rows }, (_, index) =>
          queuedUpdate({ seq: index + 1, id: String(index + 1) }),
        );
        return await store.transaction(async (transaction) => {
          await writeUpdates(store, transaction, updates);
          return transaction.statements;
        });
      };
      const few = await count(2);
      const many = await count(MANY);
      expect(many.length).toBeLessThanOrEqual(few.length + 6);
      expect((await harness.widgets()).filter(({ widget_id, size }) => widget_id !== size)).toEqual([]);
      expect(await harness.log()).toHaveLength(MANY + 2);
    });

    test('rollbackToSavepoint undoes what came after it and nothing else', async () => {
      const store = await contract.openStore();
      await store.transaction(async (transaction) => {
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '1' })]);
        await transaction.savepoint();
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 2, id: '2' })]);
        await transaction.rollbackToSavepoint();
        // The same name again replaces the older one.
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 3, id: '3' })]);
        await transaction.savepoint();
        await transaction.savepoint();
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 4, id: '4' })]);
        await transaction.rollbackToSavepoint();
      });
      const harness = contract.harness();
      expect((await harness.log()).map(({ widget_id }) => widget_id)).toEqual([1, 3]);
      expect((await harness.widgets()).slice(0, 4).map(({ size }) => size)).toEqual([1, 0, 3, 0]);
    });

    test.each<[string, FieldValues]>([
      ['a text that is too long', { name: 'x'.repeat(21) }],
      ['a number that is out of range', { size: 2_147_483_648 }],
      ['a text that is no number', { size: 'seven' }],
      ['a text that begins as a number', { size: '12abc' }],
      ['null where it is not allowed', { name: null }],
      ['a value that a check forbids', { size: -1 }],
      ['a note that is too long', { note: 'x'.repeat(101) }],
    ])('write refuses %s, and after the savepoint nothing of it is left', async (_what, changes) => {
      const store = await contract.openStore();
      await store.transaction(async (transaction) => {
        await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '1' })]);
        await transaction.savepoint();
        const refused = writeUpdates(store, transaction, [
          queuedUpdate({ seq: 2, id: '2' }),
          queuedUpdate({ seq: 3, id: '3', changes }),
        ]);
        await expect(refused).rejects.toThrow(StoreDataError);
        await transaction.rollbackToSavepoint();
      });
      const harness = contract.harness();
      expect((await harness.log()).map(({ widget_id }) => widget_id)).toEqual([1]);
      expect((await harness.widgets()).slice(0, 3)).toEqual([
        { widget_id: 1, name: 'widget 1', size: 1, note: null },
        { widget_id: 2, name: 'widget 2', size: 0, note: null },
        { widget_id: 3, name: 'widget 3', size: 0, note: null },
      ]);
    });
  });
}
