/** Real failures of a real MySQL and of the way to it, and what the store says they are (invariant 10). */
import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { oneWaits } from './store-harness.ts';
import { type MysqlEngine, type MysqlPlace, MysqlWidgets } from './widgets.ts';
import { queuedUpdate, writeUpdates } from './store-items.ts';
import { StoreDataError, StoreError, StoreUnavailableError } from '../src/errors.ts';
import type { SqlMapping } from '../src/store/sql-mapping.ts';
import { connectMysql } from '../src/store/mysql/mysql-connection.ts';
import { MysqlPool } from '../src/store/mysql/mysql-pool.ts';
import type { MysqlStore } from '../src/store/mysql/mysql-store.ts';
import { sql } from '../src/store/mysql/sql.generated.ts';

export function describeFailures(engine: MysqlEngine, place: () => MysqlPlace): void {
  let db: MysqlWidgets;
  let stores: MysqlStore[] = [];

  beforeAll(async () => {
    db = await MysqlWidgets.create(place(), 0, engine);
    const inside = await db.connect();
    await inside.query('CREATE TABLE parent (id INT PRIMARY KEY)');
    await inside.query(
      `CREATE TABLE child (id INT PRIMARY KEY, parent_id INT NOT NULL, FOREIGN KEY (parent_id) REFERENCES parent (id))`,
    );
    await inside.query('INSERT INTO parent VALUES (1)');
    await inside.query('INSERT INTO child VALUES (1, 1)');
    await inside.end();
  });
  beforeEach(async () => {
    await db.reset(3);
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
    await expect.poll(() => db.connections()).toBe(0);
  });
  afterAll(async () => {
    await db.drop();
  });

  async function open(options: Parameters<MysqlWidgets['makeStore']>[0] = {}): Promise<MysqlStore> {
    const store = db.makeStore(options);
    stores.push(store);
    await store.open();
    return store;
  }

  /** A mapping whose `write` runs one statement, and whose locked row is the connection's own id. */
  function running(statement: string): SqlMapping {
    return {
      ...engine.widgets,
      lockSql: 'SELECT CONNECTION_ID() AS id FROM DUAL WHERE 0 NOT IN (?)',
      rowId: () => 'connection',
      write: (writer) => writer.run(statement, []),
    };
  }

  /** Runs it in a transaction that has changed something, and checks that the change is gone. */
  async function failureOf(statement: string, options: Parameters<MysqlWidgets['makeStore']>[0] = {}) {
    const store = await open({ ...options, mapping: running(statement), poolSize: 1 });
    const before = await store.readWatermarks();
    const error: unknown = await store
      .transaction(async (transaction) => {
        const { position, deadLetters } = await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, { position, deadLetters: deadLetters + 1 });
        await transaction.write([]);
      })
      .catch((caught: unknown) => caught);
    await store.transaction((transaction) => transaction.lockWatermark(1));
    expect(await store.readWatermarks()).toEqual(before);
    return error as Error & { cause: { errno?: number } };
  }

  const update = (set: string) => `UPDATE widget SET ${set} WHERE widget_id = 1`;

  describe('data that the database refuses is StoreDataError', () => {
    test.each([
      [1406, 'too long', update(`name = REPEAT('x', 21)`)],
      [1264, 'out of range', update('size = 2147483648')],
      [1366, 'no number', update(`size = 'seven'`)],
      [1265, 'truncated', update(`size = '12abc'`)],
      [1292, 'no date', update(`note = CAST('2027-02-30' AS DATE)`)],
      [1048, 'null', update('name = NULL')],
      [engine.errno.check, 'a check', update('size = -1')],
      [1452, 'no parent', 'INSERT INTO child VALUES (2, 9)'],
      [1451, 'has a child', 'DELETE FROM parent WHERE id = 1'],
      [1062, 'a duplicate', 'INSERT INTO child VALUES (1, 1)'],
      [1365, 'division by zero', update('size = 1 / 0')],
      [1690, 'arithmetic out of range', update('size = 9223372036854775807 + 1')],
    ])('%i, %s', async (errno, _what, statement) => {
      const error = await failureOf(statement);
      expect(error.cause.errno).toBe(errno);
      expect(error).toBeInstanceOf(StoreDataError);
      expect(error).toMatchObject({ retryable: false });
      expect(error.message).toContain(String(errno));
    });
  });

  describe('what somebody must mend is StoreError', () => {
    test.each([
      [1146, 'a missing table', 'UPDATE missing SET a = 1'],
      [1054, 'an unknown column', update('colour = 1')],
      [1064, 'no SQL', 'UPDATE'],
      [1364, 'a column without a value', 'INSERT INTO child (id) VALUES (7)'],
      [1644, 'a signal of a trigger', `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'`],
    ])('%i, %s', async (errno, _what, statement) => {
      const error = await failureOf(statement);
      expect(error.cause.errno).toBe(errno);
      expect(error.constructor).toBe(StoreError);
      expect(error).toMatchObject({ retryable: false });
    });

    test('a right that was taken away, and a password that is wrong', async () => {
      const user = `u${db.database.slice(-8)}`;
      await db.outside.query(`CREATE USER ?@'%' IDENTIFIED BY 'right'`, [user]);
      await db.outside.query(`GRANT ALL ON ??.* TO ?@'%'`, [db.database, user]);
      await db.outside.query(`REVOKE INSERT ON ??.* FROM ?@'%'`, [db.database, user]);
      await open();
      const connection = { user, password: 'right' };
      const error = await failureOf('INSERT INTO child VALUES (5, 1)', { connection });
      expect(error.cause.errno).toBe(1142);
      expect(error.constructor).toBe(StoreError);
      const locked = db.makeStore({ connection: { user, password: 'wrong' } });
      stores.push(locked);
      await expect(locked.open()).rejects.toMatchObject({ code: 'CONFIGURATION', cause: { errno: 1045 } });
      await db.outside.query(`DROP USER ?@'%'`, [user]);
    });
  });

  describe('what may pass is StoreUnavailableError', () => {
    test(`${engine.errno.tooSlow}, a statement that took too long`, async () => {
      const tables = ['a', 'b', 'c'].map((name) => `information_schema.COLUMNS AS ${name}`).join(', ');
      const error = await failureOf(engine.hurried(`COUNT(*) FROM ${tables}`));
      expect(error.cause.errno).toBe(engine.errno.tooSlow);
      expect(error).toBeInstanceOf(StoreUnavailableError);
    });

    test('1205, a lock that others hold too long', async () => {
      const release = await db.holdWidget(1);
      const error = await failureOf(update('size = 1'), { lockWaitSeconds: 1 });
      await release();
      expect(error.cause.errno).toBe(1205);
      expect(error).toBeInstanceOf(StoreUnavailableError);
    });

    test('1213, a deadlock: one of the two gives way, whole', async () => {
      const store = await open();
      const bothHold = Promise.withResolvers<undefined>();
      let holding = 0;
      const crosswise = (mine: string, other: string) =>
        store.transaction(async (transaction) => {
          await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: mine })]);
          if (++holding === 2) bothHold.resolve(undefined);
          await bothHold.promise;
          await writeUpdates(store, transaction, [queuedUpdate({ seq: 2, id: other })]);
        });
      const outcomes = await Promise.allSettled([crosswise('1', '2'), crosswise('2', '1')]);
      const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
      expect(failures).toMatchObject([{ code: 'STORE_UNAVAILABLE', cause: { errno: 1213 } }]);
      expect((await db.log()).map((row) => row.accepted_us)).toEqual([1, 2]);
    });

    test('1317, an interrupted statement', async () => {
      const release = await db.holdWidget(1);
      const failing = failureOf(update('size = 1'));
      await oneWaits(db);
      const [waiting] = await db.waitingConnections();
      await db.outside.query('KILL QUERY ?', [waiting]);
      const error = await failing;
      await release();
      expect(error.cause.errno).toBe(1317);
      expect(error).toBeInstanceOf(StoreUnavailableError);
    });

    test('a connection that is killed in the middle, and one that is killed while it idles', async () => {
      const store = await open({ poolSize: 1, mapping: running('DO 1') });
      const kill = async (id: unknown) => {
        await db.outside.query('KILL ?', [id]);
        await expect.poll(() => db.connectionIds()).not.toContain(id);
      };
      const killed = store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 1 }, deadLetters: 0 });
        await kill((await transaction.lockRows(['1'])).get('connection')!.id);
        await transaction.lockWatermark(1);
      });
      await expect(killed).rejects.toThrow(StoreUnavailableError);
      expect(await store.readEpoch(0)).toBe('');
      for (const id of await db.connectionIds()) await kill(id);
      // It may be told too late, but then says that it may pass, and never hangs.
      const epoch = await store.readEpoch(0).catch((error: unknown) => {
        expect(error).toBeInstanceOf(StoreUnavailableError);
        return store.readEpoch(0);
      });
      expect(epoch).toBe('');
    });

    test('a reply that does not come in time', async () => {
      const release = await db.holdWidget(1);
      const error = await failureOf(update('size = 1'), { connection: { statementTimeoutMs: 300 } });
      await release();
      expect(error).toBeInstanceOf(StoreUnavailableError);
      // Where the server ends it itself, it may be first.
      expect(error.message).toMatch(engine.name === 'mysql' ? /TIMEOUT/ : /TIMEOUT|took too long/);
    });

    test('a search that nobody waits for any more ends in the server, too', async () => {
      // Not BENCHMARK, which gives its 0 also when the server cuts it short, and the server may be first.
      const tables = ['a', 'b', 'c', 'd'].map((name) => `information_schema.COLUMNS AS ${name}`).join(', ');
      const find: SqlMapping['find'] = async (select) =>
        (await select(`SELECT COUNT(*) AS n FROM ${tables}`, [])) as [];
      const store = await open({
        mapping: { ...engine.widgets, find },
        connection: { statementTimeoutMs: 300 },
      });
      await expect(store.find({})).rejects.toThrow(StoreUnavailableError);
      const running = async () => {
        const [rows] = await db.outside.query(
          "SELECT id FROM information_schema.processlist WHERE db = ? AND info LIKE 'SELECT COUNT%'",
          [db.database],
        );
        return rows;
      };
      await expect.poll(running, { timeout: 5000 }).toEqual([]);
    });

    test('1226, more connections than this user may have', async () => {
      const user = `m${db.database.slice(-8)}`;
      await db.outside.query(`CREATE USER ?@'%' IDENTIFIED BY '' WITH MAX_USER_CONNECTIONS 1`, [user]);
      await db.outside.query(`GRANT ALL ON ??.* TO ?@'%'`, [db.database, user]);
      const store = await open({ connection: { user, password: '' } });
      await store.transaction(async () => {
        await expect(store.readEpoch(0)).rejects.toMatchObject({
          code: 'STORE_UNAVAILABLE',
          cause: { errno: 1226 },
        });
      });
      await db.outside.query(`DROP USER ?@'%'`, [user]);
    });

    test('no free connection within the limit; who is given one too late gives it back', async () => {
      const store = await open({ poolSize: 1, connection: { connectTimeoutMs: 200 } });
      await store.transaction(async () => {
        await expect(store.readEpoch(0)).rejects.toThrow(
          new RegExp(`No connection to ${engine.dialect.title} at .* within 200 ms`),
        );
      });
      for (let round = 0; round < 3; round++) expect(await store.readEpoch(0)).toBe('');
    });
  });

  test('a connection past the engine that is killed while it idles says so with its next statement', async () => {
    const sql = await connectMysql(engine.dialect, db.settings());
    const [row] = await sql.rows<{ id: number }>('SELECT CONNECTION_ID() AS id');
    await db.outside.query('KILL ?', [row?.id]);
    await expect.poll(() => db.connectionIds()).toEqual([]);
    await expect(sql.rows('SELECT 1')).rejects.toThrow(StoreUnavailableError);
    sql.destroy();
  });

  describe('the way to a server', () => {
    const listen = (server: Server) =>
      new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          resolve((server.address() as { port: number }).port);
        });
      });

    test('that takes connections and never says a word ends within the limit', async () => {
      const sockets = new Set<{ destroy(): void }>();
      const server = createServer((socket) => sockets.add(socket));
      const port = await listen(server);
      const pool = new MysqlPool(
        db.settings({ host: '127.0.0.1', port, connectTimeoutMs: 200 }),
        engine.dialect,
      );
      await expect(pool.use(async () => 1)).rejects.toThrow(StoreUnavailableError);
      await pool.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });

    test('where nothing listens is StoreUnavailableError', async () => {
      const server = createServer();
      const port = await listen(server);
      await new Promise((resolve) => server.close(resolve));
      const pool = new MysqlPool(db.settings({ host: '127.0.0.1', port }), engine.dialect);
      await expect(pool.use(async () => 1)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        cause: { code: 'ECONNREFUSED' },
      });
      await pool.close();
    });

    test('a connection that idled for half of wait_timeout is not used again', async () => {
      const store = await open({
        poolSize: 1,
        mapping: running('DO 1'),
        connection: { idleTimeoutSeconds: 30 },
      });
      const id = async () =>
        await store.transaction(
          async (transaction) => (await transaction.lockRows(['1'])).get('connection')!.id,
        );
      const first = await id();
      expect(await id()).toBe(first);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15_000 });
      try {
        expect(await id()).not.toBe(first);
      } finally {
        vi.useRealTimers();
      }
    });
  });

  describe('a start that was cut off', () => {
    test.each([1, 2, 3])('after %i statements is completed by the next one', async (made) => {
      const cut = await MysqlWidgets.create(place(), 1, engine);
      const connection = await cut.connect();
      for (const statement of sql.afterwrite.slice(0, made)) await connection.query(statement);
      await connection.end();
      const store = cut.makeStore();
      await store.open();
      await store.transaction(async (transaction) => {
        await transaction.lockWatermark(0);
        await transaction.readRetired(0, ['e1']);
      });
      expect(await store.deadLetters({ afterLetterId: 0, limit: 1 })).toEqual([]);
      await store.close();
      await cut.drop();
    });
  });
}
