/** Real failures of a real PostgreSQL and of the way to it, and what the store says they are (invariant 10). */
import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import {
  type PostgresStoreOptions,
  postgresWidgets,
  PostgresWidgets,
} from '../../../testing/postgres-widgets.ts';
import { oneWaits } from '../../../testing/store-harness.ts';
import { queuedUpdate, writeUpdates } from '../../../testing/store-items.ts';
import { StoreDataError, StoreError, StoreUnavailableError } from '../../errors.ts';
import type { SqlMapping } from '../sql-mapping.ts';
import { PostgresPool } from './postgres-pool.ts';
import type { PostgresStore } from './postgres-store.ts';
import { sql } from './sql.generated.ts';

let db: PostgresWidgets;
let stores: PostgresStore[] = [];

beforeAll(async () => {
  db = await PostgresWidgets.create(inject('postgresql'));
  await db.outside.query(`
    CREATE TABLE parent (id integer PRIMARY KEY);
    CREATE TABLE child (
      id integer PRIMARY KEY, parent_id integer NOT NULL REFERENCES parent,
      EXCLUDE USING btree (id WITH =)
    );
    INSERT INTO parent VALUES (1);
    INSERT INTO child VALUES (1, 1);
    CREATE TABLE indexed (note text);
    CREATE INDEX ON indexed (note);
    CREATE VIEW small AS SELECT * FROM widget WHERE size < 10 WITH CHECK OPTION;
    CREATE FUNCTION refuse() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`);
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

async function open(options: PostgresStoreOptions = {}): Promise<PostgresStore> {
  const store = db.makeStore(options);
  stores.push(store);
  await store.open();
  return store;
}

/** A mapping whose `write` runs one statement, and whose locked row is the connection's own id. */
function running(statement: string): SqlMapping {
  return {
    ...postgresWidgets,
    lockSql: 'SELECT pg_backend_pid() AS id WHERE cardinality($1::bigint[]) > 0',
    rowId: () => 'connection',
    write: (writer) => writer.run(statement, []),
  };
}

/** Runs it in a transaction that has changed something, and checks that the change is gone. */
async function failureOf(statement: string, options: PostgresStoreOptions = {}) {
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
  return error as Error & { cause: { code?: string } };
}

const update = (set: string) => `UPDATE widget SET ${set} WHERE widget_id = 1`;

describe('data that PostgreSQL refuses is StoreDataError', () => {
  test.each([
    ['22001', 'too long', update(`name = repeat('x', 21)`)],
    ['22003', 'out of range', update('size = 2147483648')],
    ['22P02', 'no number', update(`size = 'seven'`)],
    ['22008', 'no date', update(`note = '2027-02-30'::date`)],
    ['22012', 'division by zero', update('size = 1 / (size - size)')],
    ['22021', 'a zero in a text', update(`note = convert_from('\\x00', 'UTF8')`)],
    ['23502', 'null', update('name = NULL')],
    ['23514', 'a check', update('size = -1')],
    ['23503', 'no parent', 'INSERT INTO child VALUES (2, 9)'],
    ['23503', 'has a child', 'DELETE FROM parent WHERE id = 1'],
    ['23505', 'a duplicate', 'INSERT INTO child VALUES (1, 1)'],
    ['44000', 'what a view does not show', 'UPDATE small SET size = 10 WHERE widget_id = 1'],
    [
      '54000',
      'too long for an index',
      `INSERT INTO indexed SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) AS i`,
    ],
  ])('%s, %s', async (code, _what, statement) => {
    const error = await failureOf(statement);
    expect(error.cause.code).toBe(code);
    expect(error).toBeInstanceOf(StoreDataError);
    expect(error).toMatchObject({ retryable: false });
    expect(error.message).toContain(code);
  });
});

describe('what somebody must mend is StoreError', () => {
  test.each([
    ['42P01', 'a missing table', 'UPDATE missing SET a = 1'],
    ['42703', 'an unknown column', update('colour = 1')],
    ['42601', 'no SQL', 'UPDATE'],
    ['0A000', 'what it does not do', 'CREATE TABLE other.public.t (a integer)'],
    ['P0001', 'an exception of a function', 'SELECT refuse()'],
    ['21000', 'a statement that finds more than one', update('size = (SELECT widget_id FROM widget)')],
    ['25001', 'what no transaction may do', 'VACUUM widget'],
  ])('%s, %s', async (code, _what, statement) => {
    const error = await failureOf(statement);
    expect(error.cause.code).toBe(code);
    expect(error.constructor).toBe(StoreError);
    expect(error).toMatchObject({ retryable: false });
  });

  test('a right that was taken away', async () => {
    const user = `u${db.database.slice(-8)}`;
    await db.outside.query(`CREATE ROLE ${user} LOGIN; GRANT SELECT ON widget, widget_log TO ${user}`);
    await open();
    const [schema, ...grants] = [`GRANT USAGE ON SCHEMA public TO ${user}`, ...sql.grants];
    for (const text of [schema, ...grants]) await db.outside.query(text.replaceAll('afterwrite_app', user));
    const error = await failureOf('INSERT INTO child VALUES (5, 1)', { connection: { user } });
    expect(error.cause.code).toBe('42501');
    expect(error.constructor).toBe(StoreError);
    await db.outside.query('REVOKE SELECT ON afterwrite_losses FROM ' + user);
    const locked = db.makeStore({ connection: { user } });
    stores.push(locked);
    await expect(locked.open()).rejects.toMatchObject({
      code: 'CONFIGURATION',
      cause: { cause: { code: '42501' } },
    });
    await db.outside.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  });

  test('a database and a user that are not there', async () => {
    const open = async (connection: PostgresStoreOptions['connection']) => {
      const store = db.makeStore({ connection: connection! });
      stores.push(store);
      await store.open();
    };
    await expect(open({ database: 'nowhere' })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(/has no database nowhere.*DB_NAME/) as string,
    });
    await expect(open({ user: 'nobody' })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      cause: { code: '28000' },
    });
  });

  test('a database of another encoding', async () => {
    const ascii = await PostgresWidgets.create(
      inject('postgresql'),
      0,
      "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'",
    );
    const store = ascii.makeStore();
    await expect(store.open()).rejects.toThrow(/encoding is SQL_ASCII/);
    await store.close();
    await ascii.drop();
  });
});

describe('what may pass is StoreUnavailableError', () => {
  test('57014, a statement that took too long', async () => {
    const connection = { statementTimeoutMs: 300 };
    const error = await failureOf('SELECT pg_sleep(20)', { connection });
    expect(error).toBeInstanceOf(StoreUnavailableError);
    // Whoever is first: we, who wait no longer, or the server, which ends it.
    expect(error.message).toMatch(/57014|too long|no reply within 300 ms/);
    const running = async () =>
      await db.rows("SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'");
    await expect.poll(running, { timeout: 5000 }).toEqual([]);
  });

  test('a reply that does not come in time, where the server sees no need to end it', async () => {
    const mapping: SqlMapping = {
      ...postgresWidgets,
      async write(writer) {
        await writer.run('SET LOCAL statement_timeout = 0', []);
        await writer.run('SELECT pg_sleep(0.6)', []);
      },
    };
    const store = await open({ connection: { statementTimeoutMs: 300 }, mapping });
    const late = store.transaction((transaction) => transaction.write([]));
    await expect(late).rejects.toThrow(/no reply within 300 ms/);
    await expect(late).rejects.toThrow(StoreUnavailableError);
  });

  test('statements that are sent together have the whole time each', async () => {
    const mapping: SqlMapping = {
      ...postgresWidgets,
      async write(writer) {
        for (let count = 0; count < 3; count++) await writer.run('SELECT pg_sleep(0.2)', []);
      },
    };
    const store = await open({ connection: { statementTimeoutMs: 400 }, mapping });
    await store.transaction((transaction) => transaction.write([]));
  });

  test('55P03, a lock that others hold too long', async () => {
    const release = await db.holdWidget(1);
    const error = await failureOf(update('size = 1'), { lockWaitSeconds: 1 });
    await release();
    expect(error.cause.code).toBe('55P03');
    expect(error).toBeInstanceOf(StoreUnavailableError);
  });

  test('40P01, a deadlock: one of the two gives way, whole', async () => {
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
    expect(failures).toMatchObject([{ code: 'STORE_UNAVAILABLE', cause: { code: '40P01' } }]);
    expect((await db.log()).map((row) => row.accepted_us)).toEqual([1, 2]);
  });

  test('57014, a statement that somebody cancelled', async () => {
    const release = await db.holdWidget(1);
    const failing = failureOf(update('size = 1'));
    await oneWaits(db);
    const [waiting] = await db.waitingSessions();
    await db.rows('SELECT pg_cancel_backend($1)', [waiting]);
    const error = await failing;
    await release();
    expect(error.cause.code).toBe('57014');
    expect(error).toBeInstanceOf(StoreUnavailableError);
  });

  test('a connection that is ended in the middle, and one that is ended while it idles', async () => {
    const store = await open({ poolSize: 1, mapping: running('SELECT 1') });
    const end = async (id: unknown) => {
      await db.rows('SELECT pg_terminate_backend($1)', [id]);
      await expect.poll(() => db.sessions()).not.toContain(id);
    };
    const ended = store.transaction(async (transaction) => {
      await transaction.lockWatermark(0);
      await transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 1 }, deadLetters: 0 });
      await end((await transaction.lockRows(['1'])).get('connection')!.id);
      await transaction.lockWatermark(1);
    });
    await expect(ended).rejects.toThrow(StoreUnavailableError);
    expect(await store.readEpoch(0)).toBe('');
    for (const id of await db.sessions()) await end(id);
    // It may be told too late, but then says that it may pass, and never hangs.
    const epoch = await store.readEpoch(0).catch((error: unknown) => {
      expect(error).toBeInstanceOf(StoreUnavailableError);
      return store.readEpoch(0);
    });
    expect(epoch).toBe('');
  });

  test('4 a process that stands still in a transaction loses its locks, and can commit nothing', async () => {
    const frozen = await open({ connection: { idleTimeoutSeconds: 1 } });
    const other = await open();
    const hasLock = Promise.withResolvers<undefined>();
    const wakesUp = Promise.withResolvers<undefined>();
    const late = frozen.transaction(async (transaction) => {
      await transaction.lockWatermark(0);
      await transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 1 }, deadLetters: 0 });
      await transaction.lockRows(['1']);
      hasLock.resolve(undefined);
      await wakesUp.promise;
    });
    await hasLock.promise;
    // Within the five seconds for which it waits for a lock.
    const epoch = await other
      .transaction((transaction) => transaction.lockWatermark(0))
      .finally(() => {
        wakesUp.resolve(undefined);
        late.catch(() => undefined);
      });
    expect(epoch.position).toEqual({ epoch: '', seq: 0 });
    await expect(late).rejects.toThrow(StoreUnavailableError);
    expect(await other.readEpoch(0)).toBe('');
  });

  test('53300, more connections than this user may have', async () => {
    const user = `m${db.database.slice(-8)}`;
    await open();
    await db.outside.query(
      `CREATE ROLE ${user} LOGIN CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${user}`,
    );
    const store = await open({ connection: { user } });
    await store.transaction(async () => {
      await expect(store.readEpoch(0)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        cause: { code: '53300' },
      });
    });
    await db.outside.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  });

  test('no free connection within the limit; who is given one too late gives it back', async () => {
    const store = await open({ poolSize: 1, connection: { connectTimeoutMs: 500 } });
    await store.transaction(async () => {
      await expect(store.readEpoch(0)).rejects.toThrow(/No connection to PostgreSQL at .* within 500 ms/);
    });
    for (let round = 0; round < 3; round++) expect(await store.readEpoch(0)).toBe('');
  });
});

describe('the way to a server', () => {
  const listen = (server: Server) =>
    new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        resolve((server.address() as { port: number }).port);
      });
    });

  test.each([false, true])(
    'that takes connections and never says a word ends within the limit (TLS: %s)',
    async (tls) => {
      const sockets = new Set<{ destroy(): void }>();
      const server = createServer((socket) => sockets.add(socket));
      const port = await listen(server);
      const pool = new PostgresPool(db.settings({ host: '127.0.0.1', port, connectTimeoutMs: 200, tls }));
      await expect(pool.use(async () => 1)).rejects.toThrow(StoreUnavailableError);
      await pool.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  );

  test('where nothing listens is StoreUnavailableError', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const pool = new PostgresPool(db.settings({ host: '127.0.0.1', port }));
    await expect(pool.use(async () => 1)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: { code: 'ECONNREFUSED' },
    });
    await pool.close();
  });

  test('a connection that idled for half of its limit is not used again', async () => {
    const store = await open({
      poolSize: 1,
      mapping: running('SELECT 1'),
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
