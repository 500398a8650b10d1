/** `SqlConnection` on PostgreSQL: what schema, seed, accounts and reports rely on. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { PostgresWidgets } from '../../../testing/postgres-widgets.ts';
import { StoreDataError, StoreError, StoreUnavailableError } from '../../errors.ts';
import type { ConnectOptions, DatabaseSettings } from '../engine.ts';
import type { SqlConnection } from '../sql-connection.ts';
import { connectPostgres } from './postgres-connection.ts';
import { sql } from './sql.generated.ts';

let db: PostgresWidgets;
const open: SqlConnection[] = [];

beforeAll(async () => {
  db = await PostgresWidgets.create(inject('postgresql'), 3);
});
afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  await expect.poll(() => db.connections()).toBe(0);
});
afterAll(async () => {
  await db.drop();
});

async function connect(
  settings: Partial<DatabaseSettings> = {},
  options?: ConnectOptions,
): Promise<SqlConnection> {
  const connection = await connectPostgres(db.settings(settings), options);
  open.push(connection);
  return connection;
}

const name = (): string => `c_${randomBytes(6).toString('hex')}`;

test('values, names and counts', async () => {
  const connection = await connect();
  expect(connection.engine).toBe('postgresql');
  await connection.run(
    `CREATE TEMP TABLE ${connection.quote('a "b?"')} (${connection.quote('user')} integer)`,
  );
  await connection.insert('a "b?"', ['user'], [[1], [2], [3]]);
  const text = `SELECT "user" AS "theirs?" FROM ${connection.quote('a "b?"')} WHERE "user" > ? AND '?' <> ? ORDER BY 1 -- ?`;
  expect(await connection.rows(text, [1, 'x'])).toEqual([{ 'theirs?': 2 }, { 'theirs?': 3 }]);
  expect(await connection.run(`DELETE FROM ${connection.quote('a "b?"')} WHERE "user" >= ?`, [2])).toBe(2);
  await expect(connection.insert('a "b?"', ['user'], [['x']])).rejects.toThrow(StoreDataError);
  await expect(connection.rows('SELECT FROM nowhere')).rejects.toThrow(StoreError);
  expect(
    await connection.rows(
      "SELECT count(*), now()::timestamp(0) < ? AS is, current_setting('TimeZone') AS zone",
      ['2999-01-01'],
    ),
  ).toEqual([{ count: 1, is: true, zone: 'UTC' }]);
  await connection.close();
});

test('a stream gives all rows, also within a transaction, beside another, and where it is left early', async () => {
  const connection = await connect();
  const numbers = (to: number) =>
    connection.stream<[number, string]>('SELECT i, ? || i FROM generate_series(1, ?::int) AS i', ['n', to]);
  const all: [number, string][] = [];
  for await (const row of numbers(4001)) all.push(row);
  expect(all).toHaveLength(4001);
  expect(all.at(-1)).toEqual([4001, 'n4001']);
  await connection.snapshot(async () => {
    for await (const [outer] of numbers(2)) {
      for await (const [inner] of numbers(3000)) if (inner === 2500) break;
      expect(outer).toBeLessThan(3);
    }
    expect(await connection.rows('SELECT FROM pg_cursors')).toHaveLength(0);
  });
  for await (const [number] of numbers(100_000)) if (number === 3) break;
  expect(await connection.rows('SELECT FROM pg_cursors')).toHaveLength(0);
  const failing = async () => {
    for await (const [row] of connection.stream('SELECT 1 / (i - 3000) FROM generate_series(1, 4000) AS i'))
      expect(row).toBeDefined();
  };
  await expect(failing()).rejects.toThrow(StoreDataError);
  expect(await connection.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a transaction is committed, or rolled back with its first error; a snapshot sees one moment and writes nothing', async () => {
  const connection = await connect();
  await connection.transaction(() => connection.run('UPDATE widget SET size = 7 WHERE widget_id = 1'));
  const failed = connection.transaction(async () => {
    await connection.run('UPDATE widget SET size = 8 WHERE widget_id = 1');
    await connection.run('UPDATE widget SET size = -1 WHERE widget_id = 1').catch(() => undefined);
    throw new Error('the first');
  });
  await expect(failed).rejects.toThrow('the first');
  const sizes = () => connection.rows('SELECT size FROM widget WHERE widget_id = 1');
  await connection.snapshot(async () => {
    expect(await sizes()).toEqual([{ size: 7 }]);
    await db.outside.query('UPDATE widget SET size = 9 WHERE widget_id = 1');
    expect(await sizes()).toEqual([{ size: 7 }]);
  });
  await expect(connection.snapshot(() => connection.run('DELETE FROM widget'))).rejects.toThrow(
    StoreUnavailableError,
  );
  expect(await sizes()).toEqual([{ size: 9 }]);
});

test('a lock keeps others out of this database, is waited for within a limit, and ends with the connection', async () => {
  const [one, other] = [await connect(), await connect()];
  const inside = await one.locked('name', 0, async () => {
    expect(await other.locked('name', 0, () => Promise.resolve(1))).toBeUndefined();
    expect(await other.locked('name', 0.2, () => Promise.resolve(1))).toBeUndefined();
    expect(await other.locked('another', 0, () => Promise.resolve(1))).toEqual({ result: 1 });
    return 2;
  });
  expect(inside).toEqual({ result: 2 });
  await expect(one.locked('name', 1, () => Promise.reject(new Error('at work')))).rejects.toThrow('at work');
  const held = Promise.withResolvers<undefined>();
  void one.locked('name', 1, async () => {
    held.resolve(undefined);
    await new Promise(() => undefined);
  });
  await held.promise;
  const waiting = other.locked('name', 5, () => Promise.resolve(3));
  one.destroy();
  expect(await waiting).toEqual({ result: 3 });
});

test('a database is made once by many at once, in UTF-8, and entered', async () => {
  const database = name();
  const connections = await Promise.all([1, 2, 3].map(() => connect({ database }, { useDatabase: false })));
  await Promise.all(connections.map((connection) => connection.enterDatabase(database)));
  for (const connection of connections) {
    await connection.enterDatabase(database);
    expect(
      await connection.rows(
        "SELECT current_database() AS name, current_setting('server_encoding') AS encoding",
      ),
    ).toEqual([{ name: database, encoding: 'UTF8' }]);
  }
  const [first] = connections;
  await Promise.all(connections.map((connection) => connection.migrate(sql.afterwrite)));
  expect(await first!.rows('SELECT FROM afterwrite_watermarks')).toEqual([]);
  for (const connection of connections) await connection.close();
  await db.outside.query(`DROP DATABASE ${database}`);
  await expect(connect({ database })).rejects.toMatchObject({ code: 'CONFIGURATION' });
});

test('an account of any name and password, made by many at once, may do what it is granted and nothing else', async () => {
  const user = `${name()} "x"`;
  const admin = await connect();
  await admin.migrate(sql.afterwrite);
  const makers = [admin, await connect(), await connect()];
  await Promise.all(makers.map((maker) => maker.createAccount({ user }, `it's \\ "secret"`)));
  await admin.grant({ user, host: '10.0.0.1' }, sql.grants);
  await admin.grant({ user }, [
    'GRANT SELECT, UPDATE ON widget TO afterwrite_app',
    'GRANT INSERT ON widget_log TO afterwrite_app',
  ]);
  const store = db.makeStore({ connection: { user, password: `it's \\ "secret"` }, namespace: 'account' });
  await store.open();
  await store.transaction(async (transaction) => {
    await transaction.lockWatermark(0);
    await transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 1 }, deadLetters: 0 });
    await transaction.retire(0, [{ epoch: 'e0', seq: 1 }]);
  });
  await store.close();
  const theirs = await connect({ user });
  for (const text of [
    'CREATE TABLE t (a integer)',
    'DELETE FROM widget',
    'DELETE FROM afterwrite_watermarks',
    'DROP TABLE widget_log',
  ])
    await expect(theirs.run(text), text).rejects.toMatchObject({ cause: { code: '42501' } });
  await admin.run(`DROP OWNED BY ${admin.quote(user)}`);
  await admin.run(`DROP ROLE ${admin.quote(user)}`);
});

test('nothing waits for a server that does not answer', async () => {
  await expect(connect({ host: '127.0.0.1', port: 1 })).rejects.toThrow(StoreUnavailableError);
  const connection = await connect();
  const sleeping = connection.rows('SELECT pg_sleep(0.5)');
  connection.destroy();
  await expect(sleeping).rejects.toThrow(StoreUnavailableError);
  await expect(connection.rows('SELECT 1')).rejects.toThrow(StoreUnavailableError);
});
