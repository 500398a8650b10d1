/**
 * Whatever the network does between the engine and one of its servers: every call ends within its limit, a lost reply
 * is never called refused, and once it is over all is stored, once and in order.
 */
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { cleanVerdict } from '../support/history.ts';
import { Load } from '../support/load.ts';
import { type Fault, startTcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld } from '../support/world.ts';

const FLIGHTS = 400;
/** Longest wait for a reply. */
const REPLY_MS = { Valkey: 250, MySQL: 1100 };
/** Short, so that what hangs ends soon. */
const LIMITS = {
  CACHE_CONNECT_TIMEOUT_MS: '250',
  CACHE_COMMAND_TIMEOUT_MS: String(REPLY_MS.Valkey),
  CACHE_WAIT_MS: '1000',
  CACHE_FILL_LEASE_MS: '500',
  DB_CONNECT_TIMEOUT_MS: '600',
  DB_STATEMENT_TIMEOUT_MS: String(REPLY_MS.MySQL),
  // A server keeps the locks of who vanished until then.
  DB_IDLE_TIMEOUT_SECONDS: '2',
  DB_LOCK_WAIT_SECONDS: '1',
  QUEUE_PARTITIONS: '4',
  QUEUE_LEASE_MS: '300',
  QUEUE_RETRY_ATTEMPTS: '2',
};

const FAULTS: readonly [name: string, fault: (replyMs: number) => Fault][] = [
  ['swallows replies', () => ({ replies: 'SWALLOW' })],
  ['swallows requests', () => ({ requests: 'SWALLOW' })],
  ['resets in the middle of replies', () => ({ replies: 'RESET' })],
  [
    'takes connections and says nothing',
    () => ({ requests: 'SWALLOW', replies: 'SWALLOW', newcomers: 'IGNORE' }),
  ],
  ['refuses connections', () => ({ replies: 'CUT', newcomers: 'REFUSE' })],
  ['is slow', () => ({ latencyMs: 85 })],
  ['delivers after the caller has given up', (replyMs) => ({ latencyMs: replyMs * 1.1 })],
  ['trickles', () => ({ bytesPerSecond: 4000 })],
];

const SERVERS = ['Valkey', 'MySQL'] as const;

/** A world of its own behind two proxies, one of which then has the fault. */
async function endure(server: (typeof SERVERS)[number], fault: Fault): Promise<void> {
  const world = await makeWorld({ flights: FLIGHTS, environment: LIMITS });
  const proxies = {
    Valkey: await startTcpProxy(inject('valkey')),
    MySQL: await startTcpProxy(inject('mysql')),
  };
  onTestFinished(async () => {
    await world.dispose();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  });
  const ways = { CACHE_PORT: String(proxies.Valkey.port), DB_PORT: String(proxies.MySQL.port) };
  const [cache, flusher] = [await world.open(ways), await world.open(ways)];
  const load = new Load({ world, cache, flusher, flights: FLIGHTS });
  await load.served();
  await proxies[server].set(fault);
  await load.ended();
  expect(proxies[server].passed.touched).toBeGreaterThan(0);
  await proxies[server].lift();
  await load.served();
  const history = await load.finish();
  console.log(`the way to ${server}: ${load.report}`);
  expect(await history.verdict(world), server).toEqual(cleanVerdict(load.count));
}

describe('1 to 4, 8 and 10 the way to Valkey, and the way to MySQL', () => {
  it.each(FAULTS)('%s', async (_name, fault) => {
    await Promise.all(SERVERS.map((server) => endure(server, fault(REPLY_MS[server]))));
  });
});
