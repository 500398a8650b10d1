/** A server came back with less than it had: what may be missing is named, once, and what comes later is safe. */
import { handler as flush } from '@afterwrite/functions/flush';
import { closeClients } from '@afterwrite/functions/compose';
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import { makeTemporaryDataDir, startEngine } from '@afterwrite/local-engines';
import { cacheSettings, type Logger, openPorts } from '@afterwrite/write-behind';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { replacing } from '../support/decorate.ts';
import { call, lambdaContext } from '../support/invoke.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };

let world: World | undefined;
let logged: { message: string; details: unknown }[];

beforeEach(() => {
  logged = [];
});
afterEach(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world?.dispose();
});

async function start(options: Parameters<typeof makeWorld>[0] = {}): Promise<World> {
  world = await makeWorld({
    flights: 20,
    ...options,
    environment: { QUEUE_PARTITIONS: '1', AUTH_MODE: 'none' },
  });
  return world;
}

async function open(own: World): Promise<FlightCache> {
  const error: Logger['error'] = (message, details) => logged.push({ message, details });
  return await own.open({}, { logger: { ...silentLogger, error } });
}

const update = (cache: FlightCache, id = 1) => cache.updateFlightDeparture(id, TIMES);

/** By several at once, as several flushers do. */
async function noticeAll(cache: FlightCache) {
  const reports = await Promise.all([1, 2, 3].map(() => cache.noticeLosses()));
  return reports.flat();
}

describe('3 Valkey came back with less', () => {
  it('says nothing at the first use, nor while nothing happens', async () => {
    const cache = await open(await start());
    expect(await noticeAll(cache)).toEqual([]);
    await update(cache);
    expect(await noticeAll(cache)).toEqual([]);
    await cache.flushQueue();
    expect(await noticeAll(cache)).toEqual([]);
    expect(await cache.losses()).toEqual([]);
  });

  it('first used and drained before anybody looked: nothing', async () => {
    const cache = await open(await start());
    await update(cache);
    await cache.flushQueue();
    expect(await noticeAll(cache)).toEqual([]);
  });

  it.each([{ updates: 0 }, { updates: 1 }, { updates: 2 }])(
    'emptied: what was accepted since the last flush, once; updates accepted afterwards: $updates',
    async ({ updates }) => {
      const own = await start();
      const cache = await open(own);
      const stored = await update(cache);
      await cache.flushQueue();
      const lost = await update(cache, 2);
      await own.valkey.unlink(...(await keysOf(own)));
      for (let id = 3; id < 3 + updates; id++) await update(cache, id);
      if (updates === 2) await cache.flushQueue();
      const reports = await noticeAll(cache);
      expect(reports).toMatchObject([{ partition: 0, kind: 'BUFFER', lastKnown: { seq: stored.seq } }]);
      const { after, until } = reports[0]!;
      const lostAt = lost.seq / 1000;
      expect(Date.parse(after ?? '')).toBeLessThanOrEqual(lostAt);
      expect(Date.parse(until)).toBeGreaterThanOrEqual(Math.floor(lostAt));
      expect(logged.filter(({ message }) => message.startsWith("The queue's server came back"))).toHaveLength(
        1,
      );
      expect(await noticeAll(cache)).toEqual([]);
      expect(await cache.losses()).toMatchObject(reports);

      await update(cache, 9);
      expect(await cache.flushQueue()).toMatchObject({ remaining: 0, failed: 0 });
      expect(await noticeAll(cache)).toEqual([]);
    },
  );

  it('restarted without a file, by a real kill, whatever else is done before', async () => {
    const folder = makeTemporaryDataDir();
    const args = ['--appendonly', 'no', '--save', ''];
    let valkey = await startEngine('valkey', { dataDir: folder.path, args });
    onTestFinished(async () => {
      await valkey.stop();
      await folder.remove();
    });
    const cache = await open(await start({ valkey }));
    const stored = await update(cache);
    await cache.flushQueue();
    await update(cache, 2);
    await valkey.kill();
    valkey = await startEngine('valkey', { dataDir: folder.path, args, port: valkey.port });
    await vi.waitFor(() => cache.pingBuffer(), { timeout: 10_000 });
    await cache.get(3);
    expect(await noticeAll(cache)).toMatchObject([{ kind: 'BUFFER', lastKnown: { seq: stored.seq } }]);
    expect(await noticeAll(cache)).toEqual([]);
  });

  it('restarted with its file: named, because nobody can know, after the last that it kept', async () => {
    const folder = makeTemporaryDataDir();
    let valkey = await startEngine('valkey', { dataDir: folder.path });
    onTestFinished(async () => {
      await valkey.stop();
      await folder.remove();
    });
    const cache = await open(await start({ valkey }));
    await update(cache);
    await cache.flushQueue();
    await cache.noticeLosses();
    const kept = await update(cache, 2);
    await valkey.kill();
    valkey = await startEngine('valkey', { dataDir: folder.path, port: valkey.port });
    await vi.waitFor(() => cache.pingBuffer(), { timeout: 10_000 });
    expect(await noticeAll(cache)).toMatchObject([{ kind: 'BUFFER', lastKnown: { seq: kept.seq } }]);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    expect(await noticeAll(cache)).toEqual([]);
  });

  it('is told by the flush function, its metric and health', async () => {
    const own = await start();
    for (const [name, value] of Object.entries(own.environment)) vi.stubEnv(name, value);
    vi.stubEnv('FLUSH_LINGER_SECONDS', '0');
    vi.stubEnv('FLUSH_FUNCTION_NAME', '');
    const cache = await open(own);
    await update(cache);
    expect(await flush({}, lambdaContext(8000))).toMatchObject({ losses: 0 });
    expect((await call('GET', '/health')).status).toBe(200);
    await own.valkey.unlink(...(await keysOf(own)));
    expect(await flush({}, lambdaContext(8000))).toMatchObject({ losses: 1 });
    expect(await flush({}, lambdaContext(8000))).toMatchObject({ losses: 0 });
    const { status, body } = await call<{ checks: object[] }>('GET', '/health');
    // A restart is no reason to call the service unfit; a database that lost commits is.
    expect(status).toBe(200);
    const detail = expect.stringMatching(
      /^The queue's server came back, perhaps with less: updates of partition 0/,
    ) as string;
    expect(body.checks).toContainEqual({ name: 'losses', ok: true, detail });
    await own.db.query("UPDATE afterwrite_losses SET kind = 'STORE'");
    expect((await call('GET', '/health')).status).toBe(503);
  });
});

describe('3 MySQL came back with less', () => {
  it('than it had committed: what was stored since, once; and what waits is stored', async () => {
    const own = await start();
    const cache = await open(own);
    const stored = await update(cache);
    await cache.flushQueue();
    const [backup] = await own.rows<{ epoch: string; seq: number }>(
      'SELECT epoch, seq FROM afterwrite_watermarks',
    );
    const gone = await update(cache, 2);
    await cache.flushQueue();
    await update(cache, 3);
    // A backup is restored.
    await own.db.query('UPDATE afterwrite_watermarks SET epoch = ?, seq = ?', [backup!.epoch, backup!.seq]);
    await own.db.query('DELETE FROM flight_log WHERE flight_id = 2');

    const reports = await noticeAll(cache);
    expect(reports).toEqual([
      {
        partition: 0,
        kind: 'STORE',
        after: new Date(stored.seq / 1000).toISOString(),
        until: new Date(gone.seq / 1000).toISOString(),
        lastKnown: { epoch: backup!.epoch, seq: stored.seq },
      },
    ]);
    expect(logged.filter(({ message }) => message.startsWith('The database has less'))).toHaveLength(1);
    expect(await noticeAll(cache)).toEqual([]);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    expect(await noticeAll(cache)).toEqual([]);
  });

  it('and stands in an epoch before', async () => {
    const own = await start();
    const cache = await open(own);
    await update(cache);
    await cache.flushQueue();
    expect(await noticeAll(cache)).toEqual([]);
    await own.db.query("UPDATE afterwrite_watermarks SET epoch = 'older', seq = 7");
    expect(await noticeAll(cache)).toMatchObject([{ kind: 'STORE', lastKnown: { epoch: 'older', seq: 7 } }]);
    expect(await noticeAll(cache)).toEqual([]);
  });

  it('is not said of a database that went on to the next epoch', async () => {
    const own = await start();
    const cache = await open(own);
    await update(cache);
    await cache.flushQueue();
    await own.valkey.hset(`${own.tag(0)}:seq`, 'r', '0'.repeat(40));
    await update(cache);
    await cache.flushQueue();
    const reports = await noticeAll(cache);
    expect(reports.map(({ kind }) => kind)).toEqual(['BUFFER']);
  });

  it('nor of one that went on while both were asked', async () => {
    const own = await start();
    const ports = await openPorts(flightEntity, own.settings, { logger: silentLogger });
    const { buffer } = ports;
    const lives: typeof buffer.lives = async () => {
      const before = await buffer.lives();
      await own.valkey.hset(`${own.tag(0)}:seq`, 'r', '0'.repeat(40));
      await update(cache);
      await cache.flushQueue();
      return before;
    };
    const changed = { ...ports, buffer: replacing(buffer, { lives }) };
    const cache = new FlightCache(flightDefinition, changed, cacheSettings(own.settings));
    onTestFinished(async () => {
      await cache.close();
    });
    await update(cache);
    await cache.flushQueue();
    expect((await cache.noticeLosses()).map(({ kind }) => kind)).not.toContain('STORE');
  });
});

async function keysOf(own: World): Promise<string[]> {
  const tag = own.tag(0);
  const keys = await (own.valkey as unknown as { keys(pattern: string): Promise<string[]> }).keys(`${tag}:*`);
  // Which database it belongs to is another matter.
  return keys.filter((key) => key !== `${tag}:store`);
}
