/**
 * What happens to MySQL or MariaDB while updates come in, provoked on a server of the test file's own: what passes is tried again, what
 * somebody must mend stops the flush and says why, nothing is parked that is not the data's fault, updates are accepted
 * all the while, and once it is mended the queue drains in order.
 */
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { cleanVerdict } from '../support/history.ts';
import { Load } from '../support/load.ts';
import { randomFrom } from '../support/random.ts';
import { makeWorld, type World } from '../support/world.ts';

const FLIGHTS = 400;
const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
const LIMITS = {
  CACHE_CONNECT_TIMEOUT_MS: '500',
  CACHE_COMMAND_TIMEOUT_MS: '1000',
  DB_CONNECT_TIMEOUT_MS: '1000',
  DB_STATEMENT_TIMEOUT_MS: '2000',
  DB_LOCK_WAIT_SECONDS: '1',
  CACHE_WAIT_MS: '2000',
  QUEUE_PARTITIONS: '2',
  QUEUE_LEASE_MS: '300',
  QUEUE_RETRY_ATTEMPTS: '2',
};
/** All tables share one file that cannot grow further: a full disk that needs no rights to be made. */
const SMALL = ['--innodb-file-per-table=OFF', '--innodb-data-file-path=ibdata1:12M:autoextend:max:48M'];
const FULL = 1114;

interface Condition {
  readonly name: string;
  /** Of `queueStatus`, while it lasts. */
  readonly stopped: { readonly code: 'STORE_UNAVAILABLE' | 'STORE_ERROR'; readonly message: RegExp };
  /** Not on MariaDB. */
  readonly isMysqlOnly?: true;
  /** Brings it about; gives what mends it. */
  provoke(world: World): Promise<() => Promise<unknown>>;
}

export function describeFaults(database: 'mysql' | 'mariadb'): void {
  const folder = makeTemporaryDataDir();
  let server: RunningEngine;
  const start = (port?: number) =>
    startEngine(database, { dataDir: folder.path, args: SMALL, ...(port === undefined ? {} : { port }) });

  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  const place = () => {
    const { host, port, user = '', password = '' } = server;
    return { host, port, user, password };
  };

  async function open(environment: Record<string, string> = {}): Promise<World> {
    const options = {
      flights: FLIGHTS,
      mysql: place(),
      pair: { database, cache: 'valkey' } as const,
      environment: { ...LIMITS, ...environment },
    };
    const world = await makeWorld(options);
    onTestFinished(() => world.dispose());
    return world;
  }

  async function loadOf(world: World, changes: Record<string, string> = {}, mayStop = true): Promise<Load> {
    const [cache, flusher] = [await world.open(changes), await world.open(changes)];
    const load = new Load({ world, cache, flusher, flights: FLIGHTS, mayStop });
    await load.served();
    return load;
  }

  /** Of the engine. */
  async function killConnections(world: World, ids?: readonly number[]): Promise<void> {
    for (const id of ids ?? (await connections(world))) {
      // It may have ended by itself.
      await world.db.query('KILL ?', [id]).catch(() => undefined);
    }
  }

  async function connections(world: World): Promise<number[]> {
    const rows = await world.rows<{ id: number }>(
      // Those of the test itself are the administrator's.
      "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND USER <> SUBSTRING_INDEX(USER(), '@', 1)",
    );
    return rows.map(({ id }) => id);
  }

  const CONDITIONS: readonly Condition[] = [
    {
      name: 'read-only, as after a failover',
      stopped: { code: 'STORE_UNAVAILABLE', message: /read-only/ },
      async provoke({ db }) {
        await db.query('SET GLOBAL read_only = ON');
        return () => db.query('SET GLOBAL read_only = OFF');
      },
    },
    {
      name: 'out of connections',
      stopped: { code: 'STORE_UNAVAILABLE', message: /too many connections/ },
      async provoke(world) {
        // 10 is the least that MariaDB takes.
        const others = await Promise.all(Array.from({ length: 11 }, () => createConnection(place())));
        await world.db.query('SET GLOBAL max_connections = 10');
        await killConnections(world);
        return async () => {
          await world.db.query('SET GLOBAL max_connections = DEFAULT');
          for (const other of others) other.destroy();
        };
      },
    },
    {
      name: 'a row that somebody keeps locked',
      stopped: { code: 'STORE_UNAVAILABLE', message: /lock wait/ },
      async provoke(world) {
        const other = await createConnection({ ...place(), database: world.settings.DB_NAME });
        await other.beginTransaction();
        await other.query('SELECT * FROM flight FOR UPDATE');
        return () => other.end();
      },
    },
    {
      name: 'a table that somebody keeps locked, as to alter it',
      stopped: { code: 'STORE_UNAVAILABLE', message: /TIMEOUT|lock wait/ },
      async provoke(world) {
        const other = await createConnection({ ...place(), database: world.settings.DB_NAME });
        await other.query('LOCK TABLES flight_log WRITE');
        return () => other.end();
      },
    },
    {
      // MariaDB ends itself when that file is full, as a server does that dies.
      isMysqlOnly: true,
      name: 'a full disk',
      stopped: { code: 'STORE_ERROR', message: /is full/ },
      async provoke({ db }) {
        await db.query('CREATE TABLE filler (bytes LONGBLOB)');
        // With ever smaller pieces, until not one page is left.
        for (const bytes of [1_000_000, 100_000, 10_000, 7000]) {
          for (let errno = 0; errno !== FULL;) {
            await db.query('INSERT INTO filler VALUES (REPEAT("x", ?))', [bytes]).catch((error: unknown) => {
              ({ errno } = error as { errno: number });
            });
          }
        }
        return () => db.query('DROP TABLE filler');
      },
    },
    {
      name: 'statements above max_allowed_packet',
      stopped: { code: 'STORE_ERROR', message: /max_allowed_packet/ },
      async provoke(world) {
        // Until a batch is large: a server that stores quickly gets small ones.
        const other = await createConnection({ ...place(), database: world.settings.DB_NAME });
        await other.query('LOCK TABLES flight_log WRITE');
        const waiting = () => world.valkey.llen(`${world.tag(0)}:queue`);
        await expect.poll(waiting, { timeout: 20_000 }).toBeGreaterThan(500);
        await world.db.query('SET GLOBAL max_allowed_packet = 1024');
        await killConnections(world);
        await other.end();
        return async () => {
          await world.db.query('SET GLOBAL max_allowed_packet = DEFAULT');
          await killConnections(world);
        };
      },
    },
    {
      name: 'a right that was revoked',
      stopped: { code: 'STORE_ERROR', message: /INSERT command denied/ },
      async provoke({ db, settings }) {
        const table = `\`${settings.DB_NAME}\`.flight_log`;
        await db.query(`REVOKE INSERT ON ${table} FROM engine`);
        return () => db.query(`GRANT INSERT ON ${table} TO engine`);
      },
    },
    {
      name: 'a table that is gone',
      stopped: { code: 'STORE_ERROR', message: /doesn't exist/ },
      async provoke({ db }) {
        await db.query('RENAME TABLE flight_log TO elsewhere');
        return () => db.query('RENAME TABLE elsewhere TO flight_log');
      },
    },
  ];

  /** A user of the engine's own, with its rights a table. */
  async function grantEngine({ db, settings }: World): Promise<void> {
    await db.query("CREATE USER IF NOT EXISTS engine IDENTIFIED BY 'engine'");
    const [tables] = await db.query('SHOW TABLES');
    for (const table of (tables as object[]).flatMap((row): string[] => Object.values(row) as string[])) {
      await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON \`${settings.DB_NAME}\`.${table} TO engine`);
    }
  }

  describe('2 to 4 and 10 under load', () => {
    it.each(CONDITIONS.filter(({ isMysqlOnly }) => database === 'mysql' || !isMysqlOnly))(
      '$name',
      async ({ provoke, stopped }) => {
        const world = await open();
        // Makes its tables.
        const cache = await world.open();
        await grantEngine(world);
        // Updates of these are accepted whatever becomes of the database; the others find nothing in the cache.
        await Promise.all(Array.from({ length: FLIGHTS / 2 }, (_, index) => cache.getFlight(index + 1)));
        const load = await loadOf(world, { DB_USER: 'engine', DB_PASSWORD: 'engine' });
        const mend = await provoke(world);
        await expect
          .poll(
            async () => {
              const { partitions } = await cache.queueStatus();
              return partitions.map((partition) => partition.stopped).find((reason) => reason !== null);
            },
            { timeout: 20_000 },
          )
          .toMatchObject({ code: stopped.code, message: expect.stringMatching(stopped.message) as string });
        const waiting = await cache.queueLength();
        await expect.poll(() => cache.queueLength(), { timeout: 10_000 }).toBeGreaterThan(waiting + 20);
        await mend();
        await load.served();
        const history = await load.finish();
        console.log(load.report);
        expect(await history.verdict(world)).toEqual(cleanVerdict(load.count));
        expect(await cache.queueStatus()).toMatchObject({
          deadLetters: 0,
          partitions: [{ stopped: null }, { stopped: null }],
        });
      },
    );

    it('its connections are killed, again and again, at whatever they do', async () => {
      const world = await open();
      const load = await loadOf(world, {}, false);
      const random = randomFrom(load.seed);
      for (let killed = 0; killed < 60;) {
        const ids = await connections(world);
        if (ids.length === 0) continue;
        await killConnections(world, [random.pick(ids)]);
        killed++;
      }
      const history = await load.finish();
      console.log(load.report);
      expect(await history.verdict(world)).toEqual(cleanVerdict(load.count));
    });

    it('the server is shut down and started again', async () => {
      const world = await open();
      const load = await loadOf(world, {}, false);
      const { port } = server;
      await server.stop();
      await load.ended();
      server = await start(port);
      await world.reconnect();
      await load.served();
      const history = await load.finish();
      console.log(load.report);
      expect(await history.verdict(world)).toEqual(cleanVerdict(load.count));
    });
  });

  describe('10 a deadlock', () => {
    it('is tried again by whom the server chose to give way', async () => {
      const world = await open({ QUEUE_PARTITIONS: '1' });
      const cache = await world.open();
      for (let id = 1; id <= 20; id++)
        await cache.updateFlightDeparture(id, { ...TIMES, comment: String(id) });
      const other = await createConnection({ ...place(), database: world.settings.DB_NAME });
      onTestFinished(() => other.destroy());
      // So that it keeps only what it changes, also where the optimizer reads the whole table for that.
      await other.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await other.beginTransaction();
      // Who has changed more does not give way.
      await other.query("UPDATE flight SET flightno = 'other' WHERE flight_id > 20");
      await other.query('SELECT * FROM flight WHERE flight_id = 20 FOR UPDATE');
      const flush = cache.flushQueue();
      const waiting = () =>
        world.rows("SELECT trx_id FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'");
      await expect.poll(waiting, { interval: 120 }).toHaveLength(1);
      await other.query('SELECT * FROM flight WHERE flight_id = 1 FOR UPDATE');
      await other.rollback();
      const flushed = await flush;
      expect(flushed).toMatchObject({ processed: 20, failed: 0, remaining: 0, stopped: [] });
      expect(flushed.retried).toBeGreaterThan(0);
      const log = await world.rows<{ comment: string }>('SELECT comment FROM flight_log ORDER BY flight_id');
      expect(log.map(({ comment }) => comment)).toEqual(
        Array.from({ length: 20 }, (_, at) => String(at + 1)),
      );
    });
  });
}
