/** The number of partitions in PostgreSQL: what `repartition` itself is tested with is beside it. */
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { PostgresWidgets } from '../../../testing/postgres-widgets.ts';
import { PostgresPartitions } from './postgres-partitions.ts';

let db: PostgresWidgets;
beforeAll(async () => {
  db = await PostgresWidgets.create(inject('postgresql'));
});
afterAll(async () => {
  await db.drop();
});

test('letters move to where the updates of their entities go, and of two that are the same one stays', async () => {
  const scope = ['moving', 'widget'] as const;
  const store = db.makeStore({ namespace: 'moving', partitions: 4 });
  await store.open();
  const insert = `INSERT INTO afterwrite_dead_letters
    (namespace, entity, partition_no, epoch, seq, digest, entity_id, item, fields, superseded, reason, error_text)
    VALUES ('moving', 'widget', $1, 'e', $2, $3, $4, '', '[]', '[]', 'UNREADABLE', '')`;
  const letters = [
    [3, 1, '', '115'],
    [2, 2, '', '116'],
    [3, 3, 'd', null],
    [2, 3, 'd', null],
    [0, 4, 'd', null],
    [3, 4, 'd', null],
    [1, 5, 'd', null],
  ] as const;
  for (const values of letters) await db.rows(insert, values);
  const partitions = new PostgresPartitions(db.settings(), scope);
  const change = { run: 'r1', from: 4, to: 2 };
  expect(await partitions.begin({ ...change, from: 5 }, 60_000)).toBe(false);
  expect(await partitions.begin(change, 60_000)).toBe(true);
  const inside = await partitions.alone(async () => {
    const second = new PostgresPartitions(db.settings(), scope);
    await expect(second.alone(() => Promise.resolve(1))).rejects.toThrow(/another command/);
    await second.close();
    return await partitions.commit(change);
  });
  expect(inside).toBe(true);
  expect(await partitions.read()).toMatchObject({ partitions: 2, change: { run: 'r1', isCommitted: true } });
  const rows = await db.rows(
    "SELECT partition_no, seq FROM afterwrite_dead_letters WHERE namespace = 'moving' ORDER BY letter_id",
  );
  // Who shows no entity goes to partition 0 unless the same lies there.
  expect(rows.map(({ partition_no: partition, seq }) => [partition, Number(seq)])).toEqual([
    [crc32('115') % 2, 1],
    [crc32('116') % 2, 2],
    [0, 3],
    [2, 3],
    [0, 4],
    [3, 4],
    [1, 5],
  ]);
  const marks = await db.rows(
    "SELECT partitions, epoch, dead_letters FROM afterwrite_watermarks WHERE namespace = 'moving' ORDER BY partition_no",
  );
  expect(marks.map(({ epoch }) => epoch)).toEqual(['r1P0', 'r1P1', 'r1P2', 'r1P3']);
  expect(marks.reduce((sum, { dead_letters: count }) => sum + Number(count), 0)).toBe(letters.length);
  await partitions.end(change);
  expect((await partitions.read()).change).toBeUndefined();
  expect(await partitions.commit(change)).toBe(false);
  await partitions.close();
  await store.close();
});
