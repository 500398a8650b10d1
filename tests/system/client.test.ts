/** The typed client against the real handlers and servers: each call once there and back, and replies that get lost. */
import { AfterwriteClient, type Fetch } from '@afterwrite/client';
import { closeClients } from '@afterwrite/functions/compose';
import { routes } from '@afterwrite/functions/routes';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { call } from '../support/invoke.ts';
import { makeWorld, type World } from '../support/world.ts';

const UPDATE = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'ann' };
/** The calls that are not for programs that use the client. */
const NOT_IN_CLIENT = ['GET /openapi.json', 'GET /', 'GET /console/{file}'];

let world: World;
const called = new Set<string>();
/** How many of the next replies to lose, after the handler has done its work. */
let toLose = 0;

/** fetch, but straight into the handlers, whose answers are checked against the document. */
const fetchFromHandlers: Fetch = async (url, { method, headers, body }) => {
  const { pathname, searchParams } = new URL(url);
  const route = routes.find(
    (each) =>
      each.method === method && new RegExp(`^${each.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  called.add(`${method} ${route?.path ?? ''}`);
  const reply = await call(method, pathname, { query: Object.fromEntries(searchParams), headers, body });
  if (toLose > 0) {
    toLose -= 1;
    throw new TypeError('fetch failed');
  }
  const lines = Object.entries(reply.headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Response(reply.status === 304 ? null : JSON.stringify(reply.body), {
    status: reply.status,
    headers: lines,
  });
};

const client = new AfterwriteClient({
  baseUrl: 'http://handlers',
  fetch: fetchFromHandlers,
  retry: { firstMs: 1 },
});

beforeAll(async () => {
  world = await makeWorld({ flights: 20, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '4' } });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

it('reads, updates, and waits until it is stored', async () => {
  const first = await client.getFlight(1);
  expect(first).toMatchObject({ kind: 'FOUND', source: 'CACHE_MISS', etag: `"${first.version}"` });
  expect(await client.getFlight(1, { ifNoneMatch: first.version })).toEqual({
    kind: 'NOT_MODIFIED',
    etag: first.etag,
  });
  const { receipt, version } = await client.updateFlight(1, UPDATE, { ifMatch: first.etag });
  expect(await client.getFlight(1, { ifNoneMatch: first.version })).toMatchObject({ kind: 'FOUND', version });
  await expect(client.updateFlight(1, UPDATE, { ifMatch: first.version })).rejects.toMatchObject({
    code: 'VERSION_CONFLICT',
    currentVersion: version,
  });
  expect(await client.write(receipt)).toMatchObject({ state: 'pending', flightId: 1 });
  expect(await client.queue()).toMatchObject({ queueLength: 1 });
  const stored = client.waitUntilStored(receipt);
  expect(await client.processQueue({ batchSize: 10 })).toMatchObject({ processed: 1 });
  expect(await stored).toMatchObject({ state: 'stored' });
  expect(await client.consistency(1)).toMatchObject({ consistent: true });
  expect(await client.health()).toMatchObject({ ok: true });
  await expect(client.getFlight(21)).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
  await expect(client.write('../queue')).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'receipt' });
});

it('an update whose replies are lost, also one that holds a version, is carried out once', async () => {
  const { version } = await client.getFlight(2);
  toLose = 2;
  const accepted = await client.updateFlight(2, UPDATE, { ifMatch: version });
  toLose = 1;
  expect(await client.updateFlight(3, UPDATE, { idempotencyKey: 'mine', waitSeconds: 1 })).toMatchObject({
    state: 'pending',
  });
  expect(await client.flushQueue()).toMatchObject({ processed: 2, remaining: 0 });
  expect(await client.getFlight(2)).toMatchObject({ version: accepted.version, pending: false });
  const log = await world.rows('SELECT flight_id FROM flight_log WHERE flight_id IN (2, 3) ORDER BY 1');
  expect(log).toEqual([{ flight_id: 2 }, { flight_id: 3 }]);
});

it('turns the pages of the audit trail', async () => {
  for (const second of [1, 1, 2, 3]) {
    await world.db.query(
      `INSERT INTO flight_log SELECT ?, 'x', flight_id, flightno, flightno, \`from\`, \`to\`, \`from\`, \`to\`, departure,
       arrival, departure, arrival, airplane_id, airplane_id, airline_id, airline_id, NULL FROM flight WHERE flight_id = 9`,
      [`2026-01-01 00:00:0${second}`],
    );
  }
  const pages: number[] = [];
  for await (const page of client.logPages(9, { limit: 1 })) pages.push(page.length);
  expect(pages.filter((length) => length > 0)).toEqual([1, 1, 2]);
  const { entries } = await client.log(9, { before: '2026-01-01T00:00:02Z' });
  expect(entries).toHaveLength(2);
});

it('finds flights by their number', async () => {
  const { flight } = await client.getFlight(4);
  const { flights } = await client.findFlights({ flightno: flight.flightno.toLowerCase(), limit: 50 });
  expect(flights).toContainEqual(expect.objectContaining({ flight_id: 4, departure: flight.departure }));
  await expect(client.findFlights({ flightno: '%' })).rejects.toMatchObject({ field: 'flightno' });
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(client.findFlights({ flightno: 'SA1', signal: gone })).rejects.toThrow('gone');
});

it('shows dead letters and stores them once their cause is mended', async () => {
  await world.db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')");
  const late = { departure: '2091-01-01T10:00:00Z', arrival: '2091-01-01T12:00:00Z' };
  const { receipt, seq } = await client.updateFlight(5, late);
  await client.flushQueue();
  await expect(client.waitUntilStored(receipt)).rejects.toMatchObject({ code: 'WRITE_DEAD' });
  expect(await client.deadLetters({ limit: 5 })).toMatchObject({ deadLetters: [{ seq, id: '5' }] });
  expect(await client.deadLetters({ flightId: 5 })).toMatchObject({ deadLetters: [{ seq, id: '5' }] });
  expect(await client.deadLetters({ flightId: 6 })).toEqual({ deadLetters: [] });
  await world.db.query('ALTER TABLE flight DROP CHECK times');
  expect(await client.redrive({ seqs: [seq] })).toMatchObject({ outcomes: [{ kind: 'REDRIVEN' }] });
});

it('has a method for every call', () => {
  const all = routes.map(({ method, path }) => `${method} ${path}`);
  expect([...called, ...NOT_IN_CLIENT].sort()).toEqual([...all].sort());
});
