/**
 * What happens to Valkey while updates come in, provoked on a server of each test's own: nothing acknowledged is lost
 * but what a failover to a replica loses, and that is exactly what the replica did not have and nobody had stored.
 */
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { BufferFullError } from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { cleanVerdict, History } from '../support/history.ts';
import { Load, type LoadOptions } from '../support/load.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const FLIGHTS = 400;
const LIMITS = {
  CACHE_CONNECT_TIMEOUT_MS: '500',
  CACHE_COMMAND_TIMEOUT_MS: '1000',
  CACHE_WAIT_MS: '1000',
  DB_CONNECT_TIMEOUT_MS: '1000',
  DB_STATEMENT_TIMEOUT_MS: '2000',
  DB_LOCK_WAIT_SECONDS: '1',
  QUEUE_PARTITIONS: '2',
  QUEUE_LEASE_MS: '300',
  QUEUE_RETRY_ATTEMPTS: '2',
};

async function start(args: readonly string[] = []) {
  const folder = makeTemporaryDataDir();
  let engine = await startEngine('valkey', { dataDir: folder.path, args });
  onTestFinished(async () => {
    await engine.stop();
    await folder.remove();
  });
  return {
    place: engine,
    kill: () => engine.kill(),
    async start(more: readonly string[]): Promise<void> {
      engine = await startEngine('valkey', {
        dataDir: folder.path,
        args: [...args, ...more],
        port: engine.port,
      });
    },
  };
}

/** Says what a server says, at once. */
function connectTo({ host, port }: RunningEngine): Redis {
  const client = new Redis({ host, port, enableReadyCheck: false, retryStrategy: () => 20 });
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

async function open(valkey: RunningEngine, flights = FLIGHTS): Promise<World> {
  const world = await makeWorld({ flights, valkey, environment: LIMITS });
  onTestFinished(() => world.dispose());
  return world;
}

async function loadOf(world: World, options: Partial<LoadOptions> = {}, changes = {}): Promise<Load> {
  const [cache, flusher] = [await world.open(changes), await world.open(changes)];
  const load = new Load({ world, cache, flusher, flights: FLIGHTS, ...options });
  await load.served();
  return load;
}

async function expectAllStored(load: Load, world: World): Promise<void> {
  await load.served();
  const history = await load.finish();
  console.log(load.report);
  expect(await history.verdict(world)).toEqual(cleanVerdict(load.count));
}

describe('1 to 4 under load', () => {
  it('its scripts are flushed: nobody notices', async () => {
    const { place } = await start();
    const world = await open(place);
    const load = await loadOf(world);
    for (let round = 0; round < 5; round++) {
      await connectTo(place).script('FLUSH');
      await load.served();
    }
    expect(load.errors).toEqual(new Map());
    await expectAllStored(load, world);
  });

  it('its clients are thrown out, again and again', async () => {
    const { place } = await start();
    const world = await open(place);
    const load = await loadOf(world);
    const other = connectTo(place);
    for (let round = 0; round < 5; round++) {
      await other.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await load.ended();
    }
    await expectAllStored(load, world);
  });

  it('somebody runs a script that does not end (BUSY)', async () => {
    const { place } = await start(['--busy-reply-threshold', '100']);
    const world = await open(place);
    const load = await loadOf(world);
    const [other, killer] = [connectTo(place), connectTo(place)];
    const script = other.eval('while true do end', 0).catch(String);
    await expect
      .poll(() => [...load.messages].filter((each) => each.includes('BUSY')).length)
      .toBeGreaterThan(0);
    await load.ended();
    await killer.script('KILL');
    expect(await script).toMatch(/killed/i);
    await expectAllStored(load, world);
  });

  it('it is killed, and then takes long to load what it has (LOADING)', async () => {
    const server = await start(['--loading-process-events-interval-bytes', '1024']);
    const world = await open(server.place);
    const load = await loadOf(world);
    await server.kill();
    const starting = server.start(['--key-load-delay', '300']);
    const other = connectTo(server.place);
    await expect.poll(() => other.ping().catch(String), { timeout: 10_000, interval: 10 }).toMatch(/LOADING/);
    await load.ended();
    await starting;
    await expectAllStored(load, world);
  });

  it('it is demoted, and promoted again (READONLY)', async () => {
    const { place } = await start();
    const world = await open(place);
    const load = await loadOf(world);
    const other = connectTo(place);
    for (let round = 0; round < 3; round++) {
      await other.call('REPLICAOF', '127.0.0.1', '1');
      await load.ended();
      await other.call('REPLICAOF', 'NO', 'ONE');
      await load.served();
    }
    expect([...load.messages].some((message) => message.includes('READONLY'))).toBe(true);
    await expectAllStored(load, world);
  });
});

describe('3 a failover to a replica that lacks the last updates', () => {
  /** Primary, replica, what is between them, and what is between them and the engine. */
  async function startPair(): Promise<{
    primary: RunningEngine;
    replica: RunningEngine;
    link: TcpProxy;
    front: TcpProxy;
  }> {
    const primary = await start(['--repl-diskless-sync-delay', '0']);
    const link = await startTcpProxy(primary.place);
    const front = await startTcpProxy(primary.place);
    onTestFinished(async () => {
      await Promise.all([link.close(), front.close()]);
    });
    const replica = await start(['--replicaof', link.host, String(link.port)]);
    const info = connectTo(replica.place);
    await expect.poll(() => info.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up');
    return { primary: primary.place, replica: replica.place, link, front };
  }

  it('loses exactly those; what a replica had confirmed is kept, what comes later is stored in order', async () => {
    const { primary, replica, link, front } = await startPair();
    const world = await open(primary);
    const load = await loadOf(
      world,
      { keyed: false, mayLose: true, durabilities: ['memory', 'memory', 'replica'] },
      // Who waits for a replica that never comes does nothing else meanwhile.
      { CACHE_PORT: String(front.port), CACHE_WAIT_MS: '350' },
    );
    await link.set({ requests: 'SWALLOW', replies: 'SWALLOW' });
    // As if the primary's clock were an hour ahead: what the replica accepts has lower seqs than what is stored.
    const ahead = String((Date.now() + 3_600_000) * 1000);
    for (let partition = 0; partition < world.settings.QUEUE_PARTITIONS; partition++) {
      await world.valkey.hset(`${world.tag(partition)}:seq`, 's', ahead);
    }
    // The database goes on for a while, and then has less than the primary too.
    await load.ended();
    const other = await createConnection({ ...inject('mysql'), database: world.settings.DB_NAME });
    onTestFinished(() => other.destroy());
    await other.beginTransaction();
    await other.query('SELECT * FROM flight FOR UPDATE');
    const count = load.acknowledged.length;
    await expect.poll(() => load.acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(count + 100);
    await front.set({ replies: 'CUT', newcomers: 'REFUSE' });
    // The flush that was under way has ended then, in vain: what it had read is only where it was.
    await load.ended();
    await other.end();
    const before = [...load.acknowledged];
    const promoted = connectTo(replica);
    const held: string[] = [];
    for (let partition = 0; partition < world.settings.QUEUE_PARTITIONS; partition++) {
      held.push(...(await promoted.lrange(`${world.tag(partition)}:queue`, 0, -1)));
    }
    const log = await world.rows<{ comment: string }>('SELECT comment FROM flight_log');
    const stored = new Set(log.map(({ comment }) => comment));
    const isHeld = (uid: string) => held.some((item) => item.includes(`"${uid}"`));
    const lost = before.filter(({ uid }) => !stored.has(uid) && !isHeld(uid));
    expect(lost.filter(({ result }) => result.durability === 'replica')).toEqual([]);
    expect(before.some(({ result }) => result.durability === 'replica')).toBe(true);

    await promoted.call('REPLICAOF', 'NO', 'ONE');
    front.target = replica;
    await front.lift();
    await load.served();
    const history = await load.finish(new Set(lost.map(({ uid }) => uid)));
    console.log(`${load.report}; ${String(lost.length)} lost with the primary`);
    expect(lost.length).toBeGreaterThan(0);
    // The old primary is still there, and has what was lost.
    const settings = { ...world.settings, CACHE_PORT: front.port };
    expect(await history.verdict({ settings })).toEqual(cleanVerdict(load.count));
  });
});

describe('5 and 9 at its memory limit while MySQL is away', () => {
  it('refuses updates, answers hits, and drains when MySQL is back', async () => {
    const { place } = await start(['--maxmemory', '3mb', '--maxmemory-policy', 'volatile-lru']);
    const mysql = await startTcpProxy(inject('mysql'));
    const world = await open(place, 1000);
    onTestFinished(() => mysql.close());
    const cache = await world.open({ DB_PORT: String(mysql.port) });
    for (let id = 1; id <= 500; id++) await cache.getFlight(id);
    await mysql.set({ replies: 'CUT', newcomers: 'REFUSE' });

    const history = new History();
    let accepted = 0;
    for (; ; accepted++) {
      const flightId = 1 + (accepted % 500);
      const departure = new Date(Date.UTC(2030, 0, 1) + accepted * 1000);
      const arrival = new Date(departure.getTime() + 3_600_000);
      const uid = `u${String(accepted)}`.padEnd(200, '.');
      const update = { departure, arrival, user: 'x'.repeat(100), comment: uid };
      const answer = await cache
        .updateFlightDeparture(flightId, update)
        .catch((error: unknown) => error as Error);
      if (answer instanceof Error) {
        expect(answer).toBeInstanceOf(BufferFullError);
        break;
      }
      history.acknowledge(
        uid,
        flightId,
        departure.toISOString().slice(0, 19).replace('T', ' '),
        answer,
        update.user,
      );
    }
    expect(accepted).toBeGreaterThan(500);
    expect(await cache.getFlight(1)).toMatchObject({ source: 'CACHE_HIT', pending: true });
    await expect(cache.getFlight(900)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const halted = await cache.flushQueue({ deadline: new Date(Date.now() + 300) });
    expect(halted).toMatchObject({ processed: 0, remaining: accepted });
    expect(halted.stopped.map(({ code }) => code)).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);

    await mysql.lift();
    expect(await cache.flushQueue()).toMatchObject({
      processed: accepted,
      failed: 0,
      remaining: 0,
      stopped: [],
    });
    expect(await history.verdict(world)).toEqual(cleanVerdict(accepted));
  });
});
