import { expect, test } from 'vitest';
import { mysqlWidgets } from '../../../testing/widgets.ts';
import { Loading } from './mysql-infile.ts';
import type { MysqlConnection } from './mysql-pool.ts';
import { MysqlTransaction } from './mysql-transaction.ts';

test('2: more rows than one statement locks are locked in the order of their key across statements', async () => {
  const locked: number[][] = [];
  const connection = {
    rows: async (_text: string, [ids]: [number[]]) => {
      locked.push(ids);
      return [];
    },
  } as unknown as MysqlConnection;
  const transaction = new MysqlTransaction(connection, {
    scope: ['', 'widget'],
    mapping: mysqlWidgets,
    partitions: 1,
    loading: new Loading(),
  });
  // As texts 10 comes before 9; as they came, the greatest is first.
  const ids = Array.from({ length: 12_000 }, (_, index) => String(12_000 - index));
  await transaction.lockRows([...ids, 'not-a-number']);
  expect(locked.length).toBeGreaterThan(1);
  expect(locked.flat()).toEqual(Array.from({ length: 12_000 }, (_, index) => index + 1));
});
