/** Reads and updates as callers see them: misses together, versions, idempotency, and servers that are away. */
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import { makeTemporaryDataDir, startEngine } from '@afterwrite/local-engines';
import {
  BufferUnavailableError,
  cacheSettings,
  type CachePorts,
  openPorts,
  OutcomeUnknownError,
  VersionConflictError,
} from '@afterwrite/write-behind';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { replacing } from '../support/decorate.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
const LATER = { ...TIMES, departure: '2030-01-01T11:00:00Z' };

let world: World;
let ports: CachePorts;
const caches: FlightCache[] = [];

beforeEach(async () => {
  world = await makeWorld({ flights: 50 });
  ports = await openPorts(flightEntity, world.settings, { logger: silentLogger });
});
afterEach(async () => {
  await Promise.all(caches.splice(0).map((cache) => cache.close()));
  await Promise.all([ports.buffer.close(), ports.store.close()]);
  await world.dispose();
});

function cacheOver(changed: Partial<CachePorts> = {}): FlightCache {
  const cache = new FlightCache(flightDefinition, { ...ports, ...changed }, cacheSettings(world.settings));
  caches.push(cache);
  return cache;
}

describe('6 of many that miss together, one loads', () => {
  it.each([{ caches: 1 }, { caches: 2 }])('with $caches caches', async ({ caches: count }) => {
    let loads = 0;
    const load: CachePorts['store']['load'] = async (id) => {
      loads++;
      return await ports.store.load(id);
    };
    const many = Array.from({ length: count }, () => cacheOver({ store: replacing(ports.store, { load }) }));
    const reads = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => many[index % count]!.getFlight(7)),
    );
    expect(loads).toBe(1);
    expect(new Set(reads.map(({ version }) => version)).size).toBe(1);
    expect(reads.filter(({ source }) => source === 'CACHE_MISS')).toHaveLength(1);
  });

  it('and of many that update an uncached flight, all are accepted on one load', async () => {
    let loads = 0;
    const load: CachePorts['store']['load'] = async (id) => {
      loads++;
      return await ports.store.load(id);
    };
    const cache = cacheOver({ store: replacing(ports.store, { load }) });
    const updates = Array.from({ length: 64 }, (_, index) =>
      cache.updateFlightDeparture(7, { ...TIMES, comment: `u${String(index)}` }),
    );
    const seqs = new Set((await Promise.all(updates)).map(({ seq }) => seq));
    expect(seqs.size).toBe(64);
    expect(loads).toBe(1);
    expect(await cache.flushQueue()).toMatchObject({ processed: 64, remaining: 0 });
  });

  it('a reader always sees its own update, also while another one loads', async () => {
    const cache = cacheOver();
    for (let round = 0; round < 20; round++) {
      const id = 1 + round;
      const departure = `2030-01-01T10:00:${String(round).padStart(2, '0')}Z`;
      const [, read] = await Promise.all([
        cache.getFlight(id),
        cache.updateFlightDeparture(id, { ...TIMES, departure }).then(() => cache.getFlight(id)),
      ]);
      expect(read.value.departure).toBe(departure);
    }
  });
});

describe('versions', () => {
  it('ifVersion holds once, also for a flight that is not cached', async () => {
    const cache = cacheOver();
    const { version } = await cache.getFlight(3);
    const { version: next } = await cache.updateFlightDeparture(3, { ...TIMES, ifVersion: version });
    const stale = cache.updateFlightDeparture(3, { ...LATER, ifVersion: version });
    await expect(stale).rejects.toMatchObject({ code: 'VERSION_CONFLICT', currentVersion: next });
    await cache.flushQueue();
    await cache.updateFlightDeparture(3, { ...LATER, ifVersion: next });

    const uncached = cache.updateFlightDeparture(4, { ...TIMES, ifVersion: 'never-was' });
    const error: unknown = await uncached.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(VersionConflictError);
    const { currentVersion } = error as VersionConflictError;
    expect(await cache.updateFlightDeparture(4, { ...TIMES, ifVersion: currentVersion })).toMatchObject({
      queueLength: 1,
    });
  });

  it('ifVersion works again after a failover, on a value that was cached before it', async () => {
    const cache = cacheOver();
    const { version } = await cache.getFlight(3);
    const partition = ports.buffer.partitionOf('3');
    await world.valkey.hset(`${world.tag(partition)}:seq`, 'r', 'another server');
    const error: unknown = await cache
      .updateFlightDeparture(3, { ...TIMES, ifVersion: version })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(VersionConflictError);
    const { currentVersion } = error as VersionConflictError;
    await cache.updateFlightDeparture(3, { ...TIMES, ifVersion: currentVersion });
    await expect(cache.updateFlightDeparture(3, { ...TIMES, ifVersion: '' })).rejects.toMatchObject({
      field: 'ifVersion',
    });
  });

  it('never come again for other content, also after expiry and an emptied cache', async () => {
    const cache = cacheOver();
    const seen = new Set<string>();
    for (let round = 0; round < 5; round++) {
      seen.add((await cache.getFlight(5)).version);
      seen.add((await cache.updateFlightDeparture(5, TIMES)).version);
      await cache.flushQueue();
      await world.valkey.del(...(await keysOf(world)));
    }
    expect(seen.size).toBe(10);
  });
});

async function keysOf({ valkey, settings }: World): Promise<string[]> {
  return 'nodes' in valkey ? [] : await valkey.keys(`{${settings.CACHE_NAMESPACE}.*`);
}

describe('6 a buffer that lost what it had between a peek and its commit', () => {
  it('keeps no row that was cached before that commit', async () => {
    const cache = cacheOver();
    const { version } = await cache.updateFlightDeparture(5, TIMES);
    const transaction: CachePorts['store']['transaction'] = async (work) => {
      await world.valkey.del(...(await keysOf(world)));
      expect((await cache.getFlight(5)).source).toBe('CACHE_MISS');
      return await ports.store.transaction(work);
    };
    const flusher = cacheOver({ store: replacing(ports.store, { transaction }) });
    expect(await flusher.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    const read = await cache.getFlight(5);
    expect(read.value.departure).toBe(TIMES.departure);
    expect(read.version).not.toBe(version);
  });
});

describe('2 a flusher that sleeps while the buffer loses its batch', () => {
  it('stores nothing of it after the newer updates of the next epoch', async () => {
    const cache = cacheOver();
    await cache.updateFlightDeparture(5, TIMES);
    let isAwake = false;
    const peek: CachePorts['buffer']['peek'] = async (...args) => {
      const batch = await ports.buffer.peek(...args);
      if (isAwake || batch.items.length === 0) return batch;
      isAwake = true;
      await world.valkey.del(...(await keysOf(world)));
      await cache.updateFlightDeparture(5, LATER);
      expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
      return batch;
    };
    await cacheOver({ buffer: replacing(ports.buffer, { peek }) }).flushQueue();
    const stored = await world.rows<{ departure: string }>(
      'SELECT departure_new AS departure FROM flight_log',
    );
    expect(stored).toEqual([{ departure: '2030-01-01 11:00:00' }]);
  });
});

describe('3 a queue that belongs to another database', () => {
  it('is refused at start, with what to do', async () => {
    const other = await makeWorld({
      flights: 1,
      environment: { CACHE_NAMESPACE: world.settings.CACHE_NAMESPACE },
    });
    await (await world.open()).close();
    await expect(other.open()).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('CACHE_NAMESPACE') as string,
    });
    await other.db.query(`DROP DATABASE \`${other.settings.DB_NAME}\``);
    await other.db.end();
    other.valkey.disconnect();
  });
});

describe('1 a lost reply', () => {
  /** Carries the first update out and loses its reply. */
  function losingReplies(count: number): CachePorts['buffer'] {
    let left = count;
    return replacing(ports.buffer, {
      update: async (request) => {
        const reply = await ports.buffer.update(request);
        if (left-- > 0) throw new OutcomeUnknownError('update', new Error('connection closed'));
        return reply;
      },
    });
  }

  it('is outcome unknown without an idempotency key, and the update is there', async () => {
    await cacheOver().getFlight(6);
    const cache = cacheOver({ buffer: losingReplies(1) });
    await expect(cache.updateFlightDeparture(6, TIMES)).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1 });
  });

  it('is settled by the idempotency key, in the same call or in a later one', async () => {
    await cacheOver().getFlight(6);
    const update = { ...TIMES, idempotencyKey: 'key 1' };
    const first = await cacheOver({ buffer: losingReplies(2) }).updateFlightDeparture(6, update);
    expect(first.replayed).toBe(true);
    const again = await cacheOver().updateFlightDeparture(6, update);
    expect(again).toMatchObject({ seq: first.seq, version: first.version, replayed: true });
    const reused = cacheOver().updateFlightDeparture(6, { ...LATER, idempotencyKey: 'key 1' });
    await expect(reused).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await cacheOver().flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
  });

  it('stays unknown when the attempts after it are refused', async () => {
    let calls = 0;
    const buffer = replacing(ports.buffer, {
      update: () => {
        const error =
          calls++ === 0 ? new OutcomeUnknownError('update', undefined) : new BufferUnavailableError('down');
        return Promise.reject(error);
      },
    });
    const update = cacheOver({ buffer }).updateFlightDeparture(6, { ...TIMES, idempotencyKey: 'key 2' });
    await expect(update).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(calls).toBeGreaterThan(1);
  });
});

describe('with Valkey down', () => {
  it('reads come from the database, updates are refused, and all goes on when it is back', async () => {
    const folder = makeTemporaryDataDir();
    const first = await startEngine('valkey', { dataDir: folder.path });
    const own = await makeWorld({
      flights: 10,
      valkey: first,
      environment: { CACHE_CONNECT_TIMEOUT_MS: '200' },
    });
    const cache = await own.open();
    await cache.getFlight(1);
    await first.kill();
    expect(await cache.getFlight(1)).toMatchObject({ source: 'CACHE_BYPASS', pending: null });
    const refused = cache.updateFlightDeparture(1, TIMES);
    await expect(refused).rejects.toMatchObject({ code: 'BUFFER_UNAVAILABLE', retryable: true });
    const second = await startEngine('valkey', { dataDir: folder.path, port: first.port });
    onTestFinished(async () => {
      await own.dispose();
      await second.stop();
      await folder.remove();
    });
    await expect.poll(async () => (await cache.getFlight(1)).source, { timeout: 10_000 }).toBe('CACHE_HIT');
    await cache.updateFlightDeparture(1, TIMES);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1 });
  });
});
