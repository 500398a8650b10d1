/** What is MariaDB's alone: its errors, its versions, and that each of the two engines knows the other's server. */
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { queuedUpdate, writeUpdates } from '../../../testing/store-items.ts';
import { mariadbEngine, mariadbWidgets, mysqlEngine, MysqlWidgets } from '../../../testing/widgets.ts';
import { ConfigurationError, StoreDataError, StoreError, StoreUnavailableError } from '../../errors.ts';
import { checkSettings, type ServerSettings } from '../mysql/mysql-checks.ts';
import { storeError } from '../mysql/mysql-errors.ts';
import type { MysqlStore } from '../mysql/mysql-store.ts';
import type { SqlMapping } from '../sql-mapping.ts';
import { mariadbDialect } from './mariadb.ts';

let db: MysqlWidgets;
let stores: MysqlStore[] = [];

beforeAll(async () => {
  db = await MysqlWidgets.create(inject('mariadb'), 3, mariadbEngine);
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  stores = [];
  await db.reset(3);
});
afterAll(() => db.drop());

async function open(options: Parameters<MysqlWidgets['makeStore']>[0] = {}): Promise<MysqlStore> {
  const store = db.makeStore(options);
  stores.push(store);
  await store.open();
  return store;
}

describe('1020, a row that was changed since it was read', () => {
  test('10 may pass', async () => {
    const reader = await db.connect();
    await reader.query('SET innodb_snapshot_isolation = ON, tx_isolation = "REPEATABLE-READ"');
    await reader.beginTransaction();
    await reader.query('SELECT size FROM widget');
    await db.outside.query('UPDATE ??.widget SET size = 1', [db.database]);
    const error: unknown = await reader
      .query('SELECT size FROM widget FOR UPDATE')
      .catch((caught: unknown) => caught);
    await reader.end();
    expect(error).toMatchObject({ errno: 1020 });
    expect(storeError(error, mariadbDialect)).toBeInstanceOf(StoreUnavailableError);
  });

  test('2 is not met in our transactions, which see what is there then', async () => {
    let isLocking = false;
    const mapping: SqlMapping = {
      ...mariadbWidgets,
      get lockSql() {
        return isLocking ? mariadbWidgets.lockSql : 'SELECT * FROM widget WHERE widget_id IN (?)';
      },
    };
    const store = await open({ mapping });
    await store.transaction(async (transaction) => {
      expect((await transaction.lockRows(['1'])).get('1')).toMatchObject({ size: 0 });
      await db.outside.query('UPDATE ??.widget SET size = 7', [db.database]);
      isLocking = true;
      expect((await transaction.lockRows(['1'])).get('1')).toMatchObject({ size: 7 });
      await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '1', changes: { note: 'n' } })]);
    });
    expect((await db.widgets())[0]).toMatchObject({ size: 7, note: 'n' });
  });
});

describe('10 storeError', () => {
  const named = (errno: number, sqlState = 'HY000') =>
    storeError(Object.assign(new Error('as the server says it'), { errno, sqlState }), mariadbDialect);

  test.each([1020, 1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1792, 1836, 1927, 1969])(
    '%i may pass',
    (errno) => {
      expect(named(errno)).toBeInstanceOf(StoreUnavailableError);
      expect(named(errno).message).toMatch(/^MariaDB: /);
    },
  );

  test.each([
    [1265, '01000'],
    [1366, '22007'],
    [4025, '23000'],
  ])('%i (%s) refuses the data', (errno, sqlState) => {
    expect(named(errno, sqlState)).toBeInstanceOf(StoreDataError);
  });

  // Numbers that say something else here than on MySQL, if anything.
  test.each([3024, 3032, 3168, 3819, 4031])('%i is not known', (errno) => {
    expect(named(errno).constructor).toBe(StoreError);
  });
});

describe('a server', () => {
  test('of the other engine is refused in words to act on', async () => {
    const mysql = await MysqlWidgets.create(inject('mysql'), 0, mariadbEngine);
    await expect(mysql.makeStore().open()).rejects.toThrow(ConfigurationError);
    await expect(mysql.makeStore().open()).rejects.toThrow(/DB_ENGINE is mariadb, but this server is \d/);
    await mysql.drop();
    const mariadb = await MysqlWidgets.create(inject('mariadb'), 0, mysqlEngine);
    await expect(mariadb.makeStore().open()).rejects.toThrow(ConfigurationError);
    await expect(mariadb.makeStore().open()).rejects.toThrow(
      /DB_ENGINE is mysql, but this server is .*MariaDB/,
    );
    await mariadb.drop();
  });

  const fine: ServerSettings = {
    version: '10.11.18-MariaDB',
    sqlMode: 'STRICT_ALL_TABLES',
    maxAllowedPacket: 16_777_216,
    flushLogAtCommit: 1,
    readOnly: 0,
    localInfile: 1,
  };
  const check = (settings: Partial<ServerSettings>) =>
    checkSettings({ ...fine, ...settings }, 4_194_304, mariadbDialect);

  test.each([
    '10.6.0-MariaDB',
    '10.11.18-MariaDB-0+deb12u1-log',
    '11.8.9-MariaDB-4 from Debian',
    '12.3.1-MariaDB',
  ])('of version %s is taken', (version) => {
    expect(check({ version })).toEqual({ version, warnings: [] });
  });

  test('that is too old, or read-only, is named', () => {
    expect(() => check({ version: '10.5.23-MariaDB' })).toThrow(
      /MariaDB 10\.5\.23.* is too old: 10\.6\.0 or later/,
    );
    expect(check({ readOnly: 1 }).warnings).toEqual([expect.stringMatching(/^MariaDB is read-only/)]);
  });
});
