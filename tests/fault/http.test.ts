/** The way from the client to the API fails: each update is carried out once all the same, by its idempotency key. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AfterwriteClient, ApiUnreachableError } from '@afterwrite/client';
import { closeClients } from '@afterwrite/functions/compose';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { call } from '../support/invoke.ts';
import { type Fault, startTcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const FLIGHTS = 6;
const REPLY_MS = 400;
const RETRY = { attempts: 2, firstMs: 20, mostMs: 20 };
/** What is neither an attempt nor a wait. */
const SLACK_MS = 5000;

let world: World;
/** Calls the functions as the gateway does. */
const server = createServer((request, response) => {
  void (async () => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://api');
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const body = await text(request);
    const reply = await call(request.method ?? '', pathname, {
      query: Object.fromEntries(searchParams),
      headers,
      ...(body === '' ? {} : { body }),
    });
    response.writeHead(reply.status, reply.headers as Record<string, string>).end(JSON.stringify(reply.body));
  })();
});

beforeAll(async () => {
  world = await makeWorld({ flights: FLIGHTS, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '4' } });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

it.each<[string, Fault]>([
  ['swallows replies', { replies: 'SWALLOW' }],
  ['resets in the middle of replies', { replies: 'RESET' }],
  ['refuses connections', { replies: 'CUT', newcomers: 'REFUSE' }],
  ['delivers after the client has given up', { latencyMs: REPLY_MS }],
])('1 and 4 the way %s', async (name, fault) => {
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  onTestFinished(() => proxy.close());
  const baseUrl = `http://127.0.0.1:${String(proxy.port)}`;
  const client = new AfterwriteClient({ baseUrl, timeoutMs: REPLY_MS, retry: RETRY });
  const patient = new AfterwriteClient({ baseUrl, timeoutMs: 10 * REPLY_MS });
  await patient.getFlight(1);
  await proxy.set(fault);
  const flightIds = Array.from({ length: FLIGHTS }, (_, index) => index + 1);
  const times = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
  const commentOf = (flightId: number) => `${name} ${String(flightId)}`;
  const updateOf = (flightId: number) => ({ ...times, comment: commentOf(flightId) });
  const startMs = performance.now();
  const first = await Promise.allSettled(
    flightIds.map((flightId) => client.updateFlight(flightId, updateOf(flightId))),
  );
  expect(performance.now() - startMs).toBeLessThan(RETRY.attempts * (REPLY_MS + RETRY.mostMs) + SLACK_MS);
  await proxy.lift();
  for (const [index, outcome] of first.entries()) {
    if (outcome.status === 'fulfilled') continue;
    const error: unknown = outcome.reason;
    if (!(error instanceof ApiUnreachableError)) throw error;
    const { idempotencyKey = '' } = error;
    await patient.updateFlight(index + 1, updateOf(index + 1), { idempotencyKey });
  }
  expect(first.some(({ status }) => status === 'rejected')).toBe(true);
  expect(await patient.flushQueue()).toMatchObject({ remaining: 0 });
  const log = await world.rows<{ comment: string }>(
    'SELECT comment FROM flight_log WHERE comment LIKE ? ORDER BY flight_id',
    [`${name} %`],
  );
  expect(log.map(({ comment }) => comment)).toEqual(flightIds.map(commentOf));
});
