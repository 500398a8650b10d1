/** A server with settings that would harm, that becomes read-only and that dies: it is this file's own. */
import { makeTemporaryDataDir, parseMode, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queuedUpdate, writeUpdates } from './store-items.ts';
import { type MysqlEngine, MysqlWidgets } from './widgets.ts';
import { StoreDataError, StoreUnavailableError } from '../src/errors.ts';
import type { QueuedUpdate } from '../src/item.ts';
import type { SqlMapping } from '../src/store/sql-mapping.ts';
import type { MysqlStore } from '../src/store/mysql/mysql-store.ts';

export function describeOwnServer(engine: MysqlEngine): void {
  /** Everything that the session must set is otherwise here. */
  const HOSTILE = [
    // Not strict, and texts end elsewhere than where the driver that escapes them thinks.
    '--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES',
    '--default-time-zone=+05:00',
    '--transaction-isolation=REPEATABLE-READ',
    '--innodb-lock-wait-timeout=50',
    '--wait-timeout=28800',
    // Warnings are not kept.
    '--max-error-count=0',
  ];

  const folder = makeTemporaryDataDir();
  let server: RunningEngine;
  let db: MysqlWidgets;

  beforeAll(async () => {
    const mode = parseMode(process.env.LOCAL_ENGINES);
    server = await startEngine(engine.name, {
      mode,
      dataDir: folder.path,
      args: HOSTILE,
    });
    const { host, port, user = '', password = '' } = server;
    db = await MysqlWidgets.create({ host, port, user, password }, 3, engine);
    for (const text of engine.harm) await db.outside.query(text);
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  const SESSION: SqlMapping = {
    ...engine.widgets,
    lockSql: `SELECT CONNECTION_ID() AS id, @@SESSION.sql_mode AS sqlMode, @@SESSION.time_zone AS timeZone,
    ${engine.isolation} AS isolation, @@SESSION.autocommit AS autocommit,
    @@SESSION.foreign_key_checks AS foreignKeys, @@SESSION.unique_checks AS uniqueKeys,
    @@SESSION.innodb_lock_wait_timeout AS lockWait, @@SESSION.wait_timeout AS waitTimeout,
    ${engine.longestMs} AS longestSelectMs,
    @@SESSION.character_set_client AS charset FROM DUAL WHERE 0 NOT IN (?)`,
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
          sqlMode: expect.stringMatching(/STRICT_ALL_TABLES/) as string,
          timeZone: '+00:00',
          isolation: 'READ-COMMITTED',
          autocommit: 1,
          foreignKeys: 1,
          uniqueKeys: 1,
          lockWait: 7,
          waitTimeout: 33,
          longestSelectMs: 12_345,
          charset: 'utf8mb4',
        });
      }
      await store.close();
    });

    test('refuses a value that does not fit, where this server would change it', async () => {
      const outside = await db.connect();
      await outside.query(`UPDATE widget SET name = REPEAT('x', 30) WHERE widget_id = 1`);
      await outside.end();
      expect((await db.widgets())[0]!.name).toHaveLength(20);
      const store = db.makeStore();
      await store.open();
      for (const changes of [{ name: 'x'.repeat(21) }, { size: 2 ** 31 }, { size: 'seven' }, { size: -1 }]) {
        const write = store.transaction((transaction) =>
          writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '2', changes })]),
        );
        await expect(write).rejects.toThrow(StoreDataError);
      }
      expect((await db.widgets())[1]).toEqual({ widget_id: 2, name: 'widget 2', size: 0, note: null });
      await store.close();
    });

    test('takes texts as the driver escapes them', async () => {
      const store = db.makeStore();
      await store.open();
      const note = `\\'), (0, "a") -- \\`;
      await store.transaction((transaction) =>
        writeUpdates(store, transaction, [
          queuedUpdate({ seq: 1, id: '3', changes: { note }, comment: note }),
        ]),
      );
      expect((await db.widgets())[2]).toMatchObject({ note });
      expect((await db.log()).at(-1)).toMatchObject({ comment: note });
      await store.close();
    });

    test('keeps times in UTC', async () => {
      const store = db.makeStore({ namespace: 'utc' });
      await store.open();
      const item = queuedUpdate({ seq: 1 });
      await store.transaction((transaction) =>
        transaction.park(0, [
          {
            ...item,
            item: item.bytes,
            entityId: '1',
            fields: [],
            superseded: [],
            reason: 'REFUSED',
            error: '',
          },
        ]),
      );
      const [letter] = await store.deadLetters({ afterLetterId: 0, limit: 1 });
      expect(Math.abs(Date.parse(letter!.parkedAt) - Date.now())).toBeLessThan(60_000);
      await store.close();
    });
  });

  describe('LOAD DATA LOCAL INFILE', () => {
    /** As many as are worth one. */
    const many = (first: number, special: Partial<Parameters<typeof queuedUpdate>[0]> = {}) =>
      Array.from({ length: 100 }, (_, index) =>
        queuedUpdate({ seq: first + index, ...(index === 50 && special) }),
      );
    const write = async (store: MysqlStore, updates: readonly QueuedUpdate[]) =>
      await store.transaction(async (transaction) => {
        await transaction.savepoint();
        await writeUpdates(store, transaction, updates);
        return transaction.statements.map((statement) => statement.split(' ', 1)[0]);
      });

    test('is not used where it is off, also where it was switched off since; open and check ask again', async () => {
      await db.reset(3);
      const store = db.makeStore();
      await store.open();
      expect(await write(store, many(1))).toContain('LOAD');
      await db.outside.query('SET GLOBAL local_infile = OFF');
      const found = await write(store, many(101));
      expect(found).toEqual(expect.arrayContaining(['LOAD', 'ROLLBACK', 'INSERT']));
      expect(await write(store, many(201))).not.toContain('LOAD');
      const another = db.makeStore();
      await another.open();
      expect(await write(another, many(301))).not.toContain('LOAD');
      await another.close();
      await db.outside.query('SET GLOBAL local_infile = ON');
      await store.check();
      expect(await write(store, many(401))).toContain('LOAD');
      expect((await db.log()).map((row) => row.accepted_us)).toEqual(
        Array.from({ length: 500 }, (_, index) => index + 1),
      );
      await store.close();
    });

    test('9 and 10 stores no text cut short where the server keeps no warnings', async () => {
      await db.reset(3);
      const store = db.makeStore();
      await store.open();
      await expect(write(store, many(1, { comment: 'x'.repeat(201) }))).rejects.toThrow(StoreDataError);
      expect(await db.log()).toEqual([]);
      await store.close();
    });
  });

  describe('a server', () => {
    test('that is read-only, as after a failover, may pass; open warns of it', async () => {
      // Not as root, who may write all the same.
      const connection = { user: 'app', password: 'secret' };
      await db.outside.query("CREATE USER app@'%' IDENTIFIED BY 'secret'");
      await db.outside.query("GRANT ALL ON ??.* TO app@'%'", [db.database]);
      const store = db.makeStore({ connection });
      await store.open();
      await db.outside.query('SET GLOBAL read_only = ON');
      const write = () =>
        store.transaction((transaction) => writeUpdates(store, transaction, [queuedUpdate({ seq: 1 })]));
      await expect(write()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { errno: 1290 } });
      const { warnings } = await db.makeStore().open();
      expect(warnings).toEqual([expect.stringContaining('read-only')]);
      await db.outside.query('SET GLOBAL read_only = OFF');
      await write();
      expect((await db.widgets())[0]!.size).toBe(1);
      await store.close();
    });

    test('that loses data in a crash is warned of', async () => {
      await db.outside.query('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
      const store = db.makeStore();
      const { warnings } = await store.open();
      await db.outside.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
      expect(warnings).toEqual([expect.stringContaining('innodb_flush_log_at_trx_commit is 2')]);
      await store.close();
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
}
