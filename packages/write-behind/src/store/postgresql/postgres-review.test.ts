/** Found by a review of the engines: each of these failed before the mend in the commit after it. */
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import {
  type PostgresStoreOptions,
  postgresWidgets,
  PostgresWidgets,
} from '../../../testing/postgres-widgets.ts';
import { deadLetter, queuedUpdate } from '../../../testing/store-items.ts';
import { StoreDataError } from '../../errors.ts';
import { commitBatch } from '../../flusher/commit-batch.ts';
import type { PostgresStore } from './postgres-store.ts';

let db: PostgresWidgets;
const stores: PostgresStore[] = [];

beforeAll(async () => {
  db = await PostgresWidgets.create(inject('postgresql'), 3);
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
afterAll(async () => {
  await db.drop();
});

async function open(options: PostgresStoreOptions = {}): Promise<PostgresStore> {
  const store = db.makeStore(options);
  stores.push(store);
  await store.open();
  return store;
}

test('3 a sequence that lies behind its table, as logical replication leaves it, loses no letter and no named loss', async () => {
  const store = await open();
  const park = (seq: number) =>
    store.transaction((transaction) => transaction.park(0, [deadLetter({ seq })]));
  const lose = (seq: number) =>
    store.recordLoss({
      partition: 0,
      kind: 'BUFFER',
      after: undefined,
      until: { epoch: 'e1', seq },
    });
  expect(await park(1)).toBe(1);
  expect(await lose(1)).toBe(true);
  await db.outside.query(`
    ALTER TABLE afterwrite_dead_letters ALTER letter_id RESTART WITH 1;
    ALTER TABLE afterwrite_losses ALTER loss_id RESTART WITH 1`);
  await expect(park(2)).rejects.toThrow(StoreDataError);
  expect(await park(2)).toBe(2);
  await expect(lose(2)).rejects.toThrow(StoreDataError);
  expect(await lose(2)).toBe(true);
  // Parked and named again they are the same.
  expect(await park(2)).toBe(2);
  expect(await lose(2)).toBe(false);
});

test('a null in a list stays one where array_nulls is off', async () => {
  await db.outside.query(`ALTER DATABASE ${db.database} SET array_nulls = off`);
  const store = await open();
  await store.transaction((transaction) =>
    transaction.park(1, [deadLetter({ seq: 9, entityId: undefined })]),
  );
  const [row] = await db.rows('SELECT entity_id FROM afterwrite_dead_letters WHERE seq = 9');
  await db.outside.query(`ALTER DATABASE ${db.database} RESET array_nulls`);
  expect(row).toEqual({ entity_id: null });
});

test('3 a commit is on disk before it is answered, whatever the database is set to', async () => {
  const mode = async (setting: string) => {
    await db.outside.query(`ALTER DATABASE ${db.database} SET synchronous_commit = ${setting}`);
    const loadSql = "SELECT current_setting('synchronous_commit') AS mode WHERE $1::bigint > 0";
    return (await (await open({ mapping: { ...postgresWidgets, loadSql } })).load('1')).value;
  };
  const modes = [await mode('off'), await mode('remote_apply'), await mode('local')];
  await db.outside.query(`ALTER DATABASE ${db.database} RESET synchronous_commit`);
  expect(modes).toEqual([{ mode: 'on' }, { mode: 'remote_apply' }, { mode: 'local' }]);
});

test('3 an update that a trigger leaves out is parked, alone, and not taken for stored', async () => {
  await db.outside.query(`
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE TRIGGER keeps BEFORE UPDATE ON widget FOR EACH ROW WHEN (OLD.widget_id = 2) EXECUTE FUNCTION keep()`);
  const store = await open();
  const items = ['1', '2', '3'].map((id, at) => queuedUpdate({ seq: at + 1, id, changes: { size: 5 } }));
  const outcome = await commitBatch(store, { partition: 0, items, seenEpoch: '', deadLetterLimit: 10 });
  await db.outside.query('DROP FUNCTION keep CASCADE');
  expect(outcome).toMatchObject({
    kind: 'COMMITTED',
    stored: [{ id: '1' }, { id: '3' }],
    parked: [{ entityId: '2', reason: 'REFUSED', error: expect.stringContaining('trigger') as string }],
  });
  expect((await db.widgets()).map(({ size }) => size)).toEqual([5, 0, 5]);
  expect((await db.log()).map(({ widget_id }) => widget_id)).toEqual([1, 3]);
});
