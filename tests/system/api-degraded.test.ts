/** The API while a server is away or a limit is reached: reads go on where they can, updates are refused and say why. */
import { closeClients } from '@afterwrite/functions/compose';
import {
  makeTemporaryDataDir,
  type RunningEngine,
  startEngine,
  type TemporaryDataDir,
} from '@afterwrite/local-engines';
import type { Redis } from 'iovalkey';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call } from '../support/invoke.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const UNAVAILABLE = {
  status: 503,
  body: { type: 'urn:afterwrite:problem:unavailable' },
  headers: { 'retry-after': '1' },
};

let folder: TemporaryDataDir;
let valkey: RunningEngine;
let world: World;

beforeEach(async () => {
  folder = makeTemporaryDataDir();
  valkey = await startEngine('valkey', { dataDir: folder.path });
  const environment = {
    AUTH_MODE: 'none',
    QUEUE_PARTITIONS: '1',
    CACHE_CONNECT_TIMEOUT_MS: '300',
    DB_CONNECT_TIMEOUT_MS: '500',
  };
  world = await makeWorld({ flights: 20, valkey, environment });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
  await valkey.stop();
  await folder.remove();
});

async function patch(flightId: number) {
  return await call('PATCH', `/flights/${String(flightId)}`, { body: TIMES });
}

describe('with Valkey down', () => {
  it.each([{ cold: false }, { cold: true }])(
    'reads come from the database, updates get 503; cold start: $cold',
    async ({ cold }) => {
      if (!cold) expect((await patch(1)).status).toBe(202);
      await valkey.kill();
      expect(await call('GET', '/flights/2')).toMatchObject({
        status: 200,
        body: { source: 'CACHE_BYPASS', pending: null },
      });
      const query = { flightno: 'XX1' };
      expect(await call('GET', '/flights', { query })).toMatchObject({ status: 200, body: { flights: [] } });
      expect(await patch(2)).toMatchObject(UNAVAILABLE);
      const health = await call<{ checks: { name: string; ok: boolean }[] }>('GET', '/health');
      expect(health.status).toBe(503);
      expect(health.body.checks).toContainEqual(expect.objectContaining({ name: 'buffer', ok: false }));
      expect(health.body.checks).toContainEqual(expect.objectContaining({ name: 'store', ok: true }));

      valkey = await startEngine('valkey', { dataDir: folder.path, port: valkey.port });
      await expect.poll(async () => (await patch(3)).status, { timeout: 10_000 }).toBe(202);
      expect((await call('POST', '/queue/flush')).body).toMatchObject({
        processed: cold ? 1 : 2,
        remaining: 0,
      });
    },
  );
});

describe('with MySQL down at a cold start', () => {
  it('answers what is cached, and takes no update that was not checked', async () => {
    await call('GET', '/flights/1');
    await closeClients();
    // Nobody listens there.
    vi.stubEnv('DB_PORT', '1');
    expect(await call('GET', '/flights/1')).toMatchObject({ status: 200, body: { source: 'CACHE_HIT' } });
    expect(await call('GET', '/flights/2')).toMatchObject(UNAVAILABLE);
    expect(await call('GET', '/flights', { query: { flightno: 'XX1' } })).toMatchObject(UNAVAILABLE);
    expect(await patch(1)).toMatchObject(UNAVAILABLE);
    expect((await call('GET', '/health')).status).toBe(503);
  });
});

describe('with MySQL down while all runs', () => {
  it('health sends nobody to what goes on by itself, and does not guess what MySQL alone knows', async () => {
    const { DB_HOST: host = '', DB_PORT: port } = world.environment;
    const proxy = await startTcpProxy({ host, port: Number(port) });
    vi.stubEnv('DB_HOST', proxy.host);
    vi.stubEnv('DB_PORT', String(proxy.port));
    expect((await patch(1)).status).toBe(202);
    await proxy.close();
    const flushed = await call<{ stopped: object[] }>('POST', '/queue/flush');
    expect(flushed.body.stopped).toMatchObject([{ code: 'STORE_UNAVAILABLE', retryable: true }]);
    const { status, body } = await call<{ checks: { name: string; ok: boolean }[] }>('GET', '/health');
    expect(status).toBe(503);
    expect(body.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['store', 'breaker']);
    expect(body.checks.map(({ name }) => name)).not.toContain('deadLetters');
    const detail = expect.stringContaining('cannot be told') as string;
    expect(body.checks).toContainEqual({ name: 'lastFlush', ok: true, detail });
  });
});

describe('an eviction policy that may take the queue', () => {
  it('is told by health, also when it is set while all runs', async () => {
    expect((await call('GET', '/health')).status).toBe(200);
    await (world.valkey as Redis).config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { status, body } = await call<{ checks: object[] }>('GET', '/health');
    expect(status).toBe(503);
    const detail = expect.stringContaining('allkeys-lru') as string;
    expect(body.checks).toContainEqual({ name: 'settings', ok: false, detail });
  });
});

describe('a queue of more than a thousand', () => {
  afterEach(() => void vi.useRealTimers());

  it('is well between two flushes, and not when a flush left it', async () => {
    expect((await patch(1)).status).toBe(202);
    const queue = `${world.tag(0)}:queue`;
    const [item = Buffer.alloc(0)] = await world.valkey.lrangeBuffer(queue, 0, 0);
    await world.valkey.rpush(queue, ...Array.from({ length: 1000 }, () => item));
    const health = async () => await call<{ checks: object[] }>('GET', '/health');
    expect((await health()).status).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16_000 });
    const { status, body } = await health();
    expect(status).toBe(503);
    expect(body.checks).toContainEqual({ name: 'queueLength', ok: false, detail: '1001 updates wait.' });
  });
});

describe('8 a full queue', () => {
  it('says when there is room again, from how fast it was drained', async () => {
    vi.stubEnv('QUEUE_MAX_LENGTH', '2000');
    for (const id of [1, 2]) expect((await patch(id)).status).toBe(202);
    await call('POST', '/queue/flush');
    // 20 a second: 200 of 2,000 take ten.
    await world.valkey.set(`${world.tag(0)}:pace`, '20');
    vi.stubEnv('QUEUE_MAX_LENGTH', '2000');
    await world.valkey.rpush(`${world.tag(0)}:queue`, ...Array.from({ length: 2000 }, () => 'foreign'));
    expect(await patch(3)).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    await world.valkey.set(`${world.tag(0)}:pace`, '0.001');
    expect(await patch(3)).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    await world.valkey.del(`${world.tag(0)}:queue`);
  });

  it('with QUEUE_WHEN_FULL=help the caller stores a batch first', async () => {
    vi.stubEnv('QUEUE_MAX_LENGTH', '2');
    vi.stubEnv('QUEUE_WHEN_FULL', 'help');
    for (let id = 1; id <= 9; id++) expect((await patch(id)).status).toBe(202);
    const [row] = await world.rows<{ count: number }>('SELECT COUNT(*) AS count FROM flight_log');
    expect(row!.count).toBeGreaterThanOrEqual(7);
  });

  it('with help, 429 in time where nothing can be stored', async () => {
    vi.stubEnv('QUEUE_MAX_LENGTH', '2');
    vi.stubEnv('QUEUE_WHEN_FULL', 'help');
    for (const id of [1, 2]) expect((await patch(id)).status).toBe(202);
    await world.db.query('RENAME TABLE flight_log TO flight_log_away');
    expect(await patch(3)).toMatchObject({ status: 429, body: { limit: 'QUEUE_MAX_LENGTH' } });
    await world.db.query('RENAME TABLE flight_log_away TO flight_log');
    expect((await patch(3)).status).toBe(202);
  });

  it('is 429 with the limit and when to try again, and nothing is queued', async () => {
    vi.stubEnv('QUEUE_MAX_LENGTH', '2');
    for (const id of [1, 2]) expect((await patch(id)).status).toBe(202);
    expect(await patch(3)).toMatchObject({
      status: 429,
      body: { type: 'urn:afterwrite:problem:limit-reached', limit: 'QUEUE_MAX_LENGTH' },
      headers: { 'retry-after': '5' },
    });
    expect((await call('GET', '/queue')).body).toMatchObject({ queueLength: 2 });
  });
});
