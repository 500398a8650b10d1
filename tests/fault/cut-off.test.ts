/** One process is cut off from a server in the middle of something: what that costs it, and the others. */
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
const STATEMENT_MS = 1500;
const IDLE_MS = 2000;
const LOCK_WAIT_MS = 1000;
const LIMITS = {
  CACHE_COMMAND_TIMEOUT_MS: '500',
  CACHE_WAIT_MS: '500',
  DB_CONNECT_TIMEOUT_MS: '500',
  DB_STATEMENT_TIMEOUT_MS: String(STATEMENT_MS),
  DB_IDLE_TIMEOUT_SECONDS: String(IDLE_MS / 1000),
  DB_LOCK_WAIT_SECONDS: String(LOCK_WAIT_MS / 1000),
  QUEUE_PARTITIONS: '1',
  QUEUE_LEASE_MS: '100',
};

/** A connection, its set-up, one statement. */
const LOAD_MS = 500 + 2 * STATEMENT_MS;
/** A new connection and a reply from Valkey, for the flush's end and for the goodbye. */
const CLOSE_MS = 2 * (2000 + 500);

let world: World;
let valkey: TcpProxy;
let mysql: TcpProxy;
/** They look at each request before it passes. */
let onValkeyRequest: (bytes: Buffer) => void;
let onMysqlRequest: (bytes: Buffer) => void;
beforeEach(async () => {
  world = await makeWorld({ flights: 20, environment: LIMITS });
  onValkeyRequest = onMysqlRequest = () => undefined;
  valkey = await startTcpProxy(inject('valkey'), { watch: () => (bytes) => onValkeyRequest(bytes) });
  mysql = await startTcpProxy(inject('mysql'), { watch: () => (bytes) => onMysqlRequest(bytes) });
});
afterEach(async () => {
  await world.dispose();
  await Promise.all([valkey.close(), mysql.close()]);
});
const open = (changes: Record<string, string> = {}) =>
  world.open({ CACHE_PORT: String(valkey.port), DB_PORT: String(mysql.port), ...changes });

describe('8 many callers', () => {
  it('who miss the same flight while MySQL says nothing fail together, not one after the other', async () => {
    const cache = await open();
    await mysql.set({ replies: 'SWALLOW' });
    const startMs = performance.now();
    const reads = await Promise.allSettled(Array.from({ length: 20 }, () => cache.getFlight(1)));
    for (const read of reads) expect(read).toMatchObject({ reason: { code: 'STORE_UNAVAILABLE' } });
    expect(performance.now() - startMs).toBeLessThan(LOAD_MS);
  });
});

describe('3 an update whose durability is waited for on a connection that has died', () => {
  it('is told so in time, and the next one is confirmed on another connection', async () => {
    // A sync of the file is waited for, of which there is one a second.
    const cache = await open({ CACHE_WAIT_MS: '4000' });
    await cache.updateFlightDeparture(1, { ...TIMES, durability: 'aof' });
    // The update is answered; what asks for its durability is not, nor is anything after it on that connection.
    onValkeyRequest = (bytes) => {
      if (bytes.includes('WAITAOF')) void valkey.set({ replies: 'SWALLOW' });
    };
    const update = () => cache.updateFlightDeparture(1, { ...TIMES, durability: 'aof' });
    await expect(update()).rejects.toMatchObject({ code: 'DURABILITY_NOT_REACHED' });
    expect(valkey.passed.touched).toBeGreaterThan(0);
    onValkeyRequest = () => undefined;
    await valkey.lift();
    await expect.poll(() => update().catch(String), { timeout: 20_000 }).toMatchObject({ durability: 'aof' });
  });
});

describe('8 and 9 a flusher that is cut off in the middle of its transaction', () => {
  it('holds its partition up until the server gives up on it, and no longer', async () => {
    const [cutOff, other] = [await open(), await world.open()];
    await other.updateFlightDeparture(1, { ...TIMES, comment: 'one' });
    await other.updateFlightDeparture(2, { ...TIMES, comment: 'two' });
    // By then it has locked the watermark and the rows.
    onMysqlRequest = (bytes) => {
      if (bytes.includes('INSERT INTO `flight_log`'))
        void mysql.set({ requests: 'SWALLOW', replies: 'SWALLOW' });
    };
    const flushed = await cutOff.flushQueue({ deadline: new Date(Date.now() + 100) });
    expect(flushed).toMatchObject({ processed: 0, remaining: 2, stopped: [{ retryable: true }] });
    expect(mysql.passed.touched).toBeGreaterThan(0);
    const startMs = performance.now();
    await expect
      .poll(async () => (await other.flushQueue()).remaining, { timeout: 20_000, interval: 10 })
      .toBe(0);
    expect(performance.now() - startMs).toBeLessThan(IDLE_MS + LOCK_WAIT_MS);
    const log = await world.rows('SELECT comment FROM flight_log ORDER BY comment');
    expect(log).toEqual([{ comment: 'one' }, { comment: 'two' }]);
  });
});

describe('8 a cache that is closed while both servers say nothing', () => {
  it('is closed within their time-outs, with calls under way', async () => {
    const cache = await open();
    await cache.updateFlightDeparture(1, TIMES);
    await Promise.all([valkey, mysql].map((proxy) => proxy.set({ requests: 'SWALLOW', replies: 'SWALLOW' })));
    const calls = [cache.updateFlightDeparture(1, TIMES), cache.getFlight(2), cache.flushQueue()];
    const settled = Promise.allSettled(calls);
    const startMs = performance.now();
    await cache.close();
    expect(performance.now() - startMs).toBeLessThan(LOAD_MS + CLOSE_MS);
    for (const call of await settled)
      expect(call).toMatchObject({ status: 'rejected', reason: { retryable: true } });
  });
});
