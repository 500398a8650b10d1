/** A server with settings that would harm, that becomes read-only, that stops, comes back and dies: it is this file's own. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryDataDir, parseMode, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresWidgets, PostgresWidgets } from '../../../testing/postgres-widgets.ts';
import { deadLetter, queuedUpdate, writeUpdates } from '../../../testing/store-items.ts';
import { StoreUnavailableError } from '../../errors.ts';
import type { SqlMapping } from '../sql-mapping.ts';

/** Everything that the session must set is otherwise here. */
const HOSTILE = [
  'timezone=Asia/Kathmandu',
  'datestyle=SQL,DMY',
  'intervalstyle=sql_standard',
  'extra_float_digits=-5',
  'default_transaction_isolation=serializable',
  'standard_conforming_strings=off',
  'escape_string_warning=off',
  'client_encoding=latin1',
  'bytea_output=escape',
  'array_nulls=off',
  'synchronous_commit=off',
  'lock_timeout=0',
  'statement_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'idle_session_timeout=0',
].flatMap((setting) => ['-c', setting]);

const folder = makeTemporaryDataDir();
const start = async (args = HOSTILE) =>
  await startEngine('postgresql', {
    mode: parseMode(process.env.LOCAL_ENGINES),
    dataDir: folder.path,
    args,
  });
let server: RunningEngine;
let db: PostgresWidgets;

beforeAll(async () => {
  server = await start();
  const { host, port, user = '', password = '' } = server;
  db = await PostgresWidgets.create({ host, port, user, password }, 3);
});
afterAll(async () => {
  await server.stop();
  await folder.remove();
});

const SETTINGS = [
  ...['TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'client_encoding', 'lock_timeout'],
  ...['standard_conforming_strings', 'statement_timeout', 'idle_in_transaction_session_timeout'],
  ...[
    'idle_session_timeout',
    'transaction_isolation',
    'random_page_cost',
    'array_nulls',
    'synchronous_commit',
  ],
];

const SESSION: SqlMapping = {
  ...postgresWidgets,
  lockSql: `SELECT pg_backend_pid() AS id, ${SETTINGS.map((name) => `current_setting('${name}') AS "${name}"`).join(', ')}
    WHERE cardinality($1::bigint[]) > 0`,
  rowId: (row) => String(row.id),
};

describe('a session', () => {
  test('is set up on every connection, also on the one that takes the place of a lost one', async () => {
    const store = db.makeStore({
      mapping: SESSION,
      poolSize: 3,
      connection: { lockWaitSeconds: 7, idleTimeoutSeconds: 33, statementTimeoutMs: 12_345 },
    });
    await store.open();
    const seen = new Map<string, unknown>();
    /** A transaction within a transaction is on another connection. */
    const look = async (depth: number): Promise<void> => {
      if (depth === 0) return;
      await store.transaction(async (transaction) => {
        for (const [id, row] of await transaction.lockRows(['1'])) seen.set(id, row);
        await look(depth - 1);
      });
    };
    await look(3);
    await expect(store.transaction(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    await look(3);
    expect(seen.size).toBe(4);
    for (const [id, row] of seen) {
      expect(row).toEqual({
        id: Number(id),
        TimeZone: 'UTC',
        DateStyle: 'ISO, MDY',
        IntervalStyle: 'postgres',
        extra_float_digits: '1',
        client_encoding: 'UTF8',
        standard_conforming_strings: 'on',
        transaction_isolation: 'read committed',
        random_page_cost: '1.1',
        array_nulls: 'on',
        synchronous_commit: 'on',
        lock_timeout: '7s',
        statement_timeout: '12345ms',
        idle_in_transaction_session_timeout: '33s',
        idle_session_timeout: '33s',
      });
    }
    await store.close();
  });

  test('keeps texts and times as they are', async () => {
    const store = db.makeStore({ namespace: 'utc' });
    await store.open();
    const note = `\\'), (0, "ä😀") -- \\`;
    await store.transaction(async (transaction) => {
      await writeUpdates(store, transaction, [
        queuedUpdate({ seq: 1, id: '3', changes: { note }, comment: note }),
      ]);
      await transaction.park(0, [deadLetter({ seq: 1, item: Buffer.from([0, 255, 92]), error: note })]);
    });
    expect((await store.load('3')).value).toMatchObject({ note });
    const [letter] = await store.deadLetters({ afterLetterId: 0, limit: 1 });
    expect(letter).toMatchObject({ error: note, item: Buffer.from([0, 255, 92]) });
    expect(Math.abs(Date.parse(letter!.parkedAt) - Date.now())).toBeLessThan(60_000);
    const { movedAt } = (await store.readWatermarks())[0]!;
    expect(Math.abs(Date.parse(movedAt) - Date.now())).toBeLessThan(60_000);
    await store.close();
  });
});

describe('a server', () => {
  const configure = async (setting: string) => {
    await db.outside.query(`ALTER DATABASE ${db.database} ${setting}`);
  };

  test('that is read-only, as after a failover, may pass; open warns of it', async () => {
    await configure('SET default_transaction_read_only = on');
    const store = db.makeStore();
    const { warnings } = await store.open();
    expect(warnings).toEqual([expect.stringContaining('read-only')]);
    const write = () =>
      store.transaction((transaction) => writeUpdates(store, transaction, [queuedUpdate({ seq: 1 })]));
    await expect(write()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code: '25006' } });
    await configure('RESET default_transaction_read_only');
    // On new connections: none on which anything failed is used again.
    await write();
    expect((await db.widgets())[0]!.size).toBe(1);
    await store.close();
  });

  test('that stops is StoreUnavailableError, and what was not committed is not there when it is back', async () => {
    const store = db.makeStore({ connection: { connectTimeoutMs: 1000 } });
    await store.open();
    const write = (seq: number) =>
      store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, { position: { epoch: 'e1', seq }, deadLetters: 0 });
      });
    await write(1);
    const stopping = store.transaction(async (transaction) => {
      await transaction.lockWatermark(0);
      await transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 2 }, deadLetters: 0 });
      await Promise.allSettled([server.stop(), db.outside.end()]);
    });
    await expect(stopping).rejects.toThrow(StoreUnavailableError);
    await expect(write(2)).rejects.toThrow(StoreUnavailableError);
    server = await start();
    db.place = { ...db.place, port: server.port };
    db.outside = await db.connect();
    const again = db.makeStore();
    expect((await again.readWatermarks())[0]).toMatchObject({ position: { epoch: 'e1', seq: 1 } });
    await again.close();
    await store.close();
  });

  test('6 that is a replica, as the old primary after a failover, is not read from', async () => {
    const [place] = await db.rows<{ data: string }>("SELECT current_setting('data_directory') AS data");
    const signal = join(place!.data, 'standby.signal');
    const restart = async (args: string[]) => {
      await Promise.allSettled([server.stop(), db.outside.end()]);
      server = await start(args);
      db.place = { ...db.place, port: server.port };
      db.outside = await db.connect();
    };
    await writeFile(signal, '');
    await restart([]);
    const store = db.makeStore();
    for (const call of [() => store.load('1'), () => store.open(), () => store.readEpoch(0)]) {
      await expect(call()).rejects.toThrow(StoreUnavailableError);
      await expect(call()).rejects.toThrow(/is a replica.*DB_HOST/);
    }
    await rm(signal);
    await restart(HOSTILE);
    const again = db.makeStore();
    expect((await again.load('1')).value).toMatchObject({ widget_id: 1 });
    await Promise.all([store.close(), again.close()]);
  });

  test('that dies is StoreUnavailableError, for who is connected and for who comes', async () => {
    const store = db.makeStore({ connection: { connectTimeoutMs: 1000 } });
    await store.open();
    await store.readEpoch(0);
    const dying = store.transaction(async (transaction) => {
      await transaction.lockWatermark(0);
      await Promise.allSettled([server.kill(), db.outside.end()]);
      await transaction.lockWatermark(1);
    });
    await expect(dying).rejects.toThrow(StoreUnavailableError);
    await expect(store.readEpoch(0)).rejects.toThrow(StoreUnavailableError);
    await expect(db.makeStore().open()).rejects.toThrow(StoreUnavailableError);
    await store.close();
  });
});
