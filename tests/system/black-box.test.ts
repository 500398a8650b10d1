/**
 * The API from outside: every call over HTTP, its answer checked by the document. On an `npm start` of its own for each of
 * three pairs of engines (AFTERWRITE_PAIRS=all: of all nine), or with AFTERWRITE_URL on one that runs, such as the containers' (see compose.yaml). There it changes the times of
 * flights 1 to 3, which must exist.
 */
import { randomUUID } from 'node:crypto';
import { routes } from '@afterwrite/functions/routes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkReply, type Reply } from '../support/invoke.ts';
import { FIRST_PAIR, nameOf, type Pair, PAIRS } from '../support/pair.ts';
import { startStack } from '../support/start-stack.ts';
import { makeWorld } from '../support/world.ts';

const URL_OF_API = process.env.AFTERWRITE_URL;
const RUN = randomUUID();
const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };

/** Between them every database and every cache. */
const THREE: readonly Pair[] = [
  FIRST_PAIR,
  { database: 'mariadb', cache: 'redis' },
  { database: 'postgresql', cache: 'memcached' },
];
const pairs = process.env.AFTERWRITE_PAIRS === 'all' ? PAIRS : THREE;
const places: readonly { readonly name: string; readonly pair?: Pair }[] =
  URL_OF_API === undefined ? pairs.map((pair) => ({ name: nameOf(pair), pair })) : [{ name: URL_OF_API }];

let baseUrl = URL_OF_API?.replace(/\/$/, '') ?? '';
const undos: (() => Promise<unknown>)[] = [];
const called = new Set<string>();

/** On a database of its own. */
async function startOwn(pair: Pair): Promise<string> {
  const world = await makeWorld({ flights: 100, pair });
  undos.push(() => world.dispose());
  const stack = await startStack(world.environment);
  undos.push(() => stack.stop());
  return stack.url;
}

interface Request {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

async function call<Body = Record<string, unknown>>(
  method: string,
  path: string,
  { body, headers = {} }: Request = {},
): Promise<Reply<Body>> {
  const [pathname = ''] = path.split('?');
  const route = routes.find(
    (each) =>
      each.method === method && new RegExp(`^${each.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  const sent = await fetch(`${baseUrl}${path}`, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await sent.text();
  const reply = {
    status: sent.status,
    headers: Object.fromEntries(sent.headers),
    body: (text === '' ? undefined : JSON.parse(text)) as Body,
  };
  if (route) {
    called.add(`${method} ${route.path}`);
    checkReply(route, reply);
  }
  return reply;
}

/** As a browser loads it; `wire` is what was sent for it, headers aside. */
async function load(path: string) {
  const response = await fetch(new URL(path, `${baseUrl}/`), { headers: { 'accept-encoding': 'br' } });
  called.add(path === '/' ? 'GET /' : 'GET /console/{file}');
  const wire = Number(response.headers.get('content-length'));
  return { status: response.status, headers: response.headers, text: await response.text(), wire };
}

describe.each(places)('$name', ({ pair }) => {
  beforeAll(async () => {
    called.clear();
    if (pair) baseUrl = await startOwn(pair);
  });
  afterAll(async () => {
    for (const undo of undos.splice(0).reverse()) await undo();
  });

  it('an update is seen at once, stored by itself, and in the audit trail', async () => {
    const comment = `black box ${RUN}`;
    // A value that was cached before Valkey was started anew is good to read, but its version is no condition for an update
    // (docs/CONSISTENCY.md): after an update without one the value is of this epoch.
    const unconditional = { body: TIMES, headers: { prefer: 'wait=20' } };
    expect((await call('PATCH', '/flights/1', unconditional)).status).toBe(200);
    const before = await call('GET', '/flights/1');
    expect(before).toMatchObject({ status: 200, body: { flight: { flight_id: 1 } } });
    const accepted = await call<{ receipt: string; version: string }>('PATCH', '/flights/1', {
      body: { ...TIMES, user: 'black box', comment },
      headers: { 'if-match': String(before.headers.etag), 'idempotency-key': RUN },
    });
    expect(accepted.status).toBe(202);
    const { receipt, version } = accepted.body;
    expect(await call('GET', '/flights/1')).toMatchObject({
      status: 200,
      body: { source: 'CACHE_HIT', version, flight: TIMES },
    });
    await expect
      .poll(async () => (await call('GET', `/writes/${receipt}`)).body, { timeout: 30_000, interval: 200 })
      .toMatchObject({ state: 'stored', flightId: 1 });
    const log = await call<{ entries: { comment: string }[] }>('GET', '/flights/1/log?limit=5');
    expect(log.status).toBe(200);
    expect(log.body.entries.filter((entry) => entry.comment === comment)).toMatchObject([
      { user: 'black box', departure_new: TIMES.departure, arrival_new: TIMES.arrival },
    ]);
    expect(await call('GET', '/flights/1/consistency')).toMatchObject({
      status: 200,
      body: { consistent: true },
    });
  });

  it('an update that waits is answered when it is stored', async () => {
    const body = { ...TIMES, comment: `waits ${RUN}` };
    const stored = await call('PATCH', '/flights/2', { body, headers: { prefer: 'wait=20' } });
    expect(stored).toMatchObject({ status: 200, body: { state: 'stored' } });
  });

  it('the queue is shown, processed and flushed', async () => {
    expect(await call('GET', '/queue')).toMatchObject({ status: 200, body: { deadLetters: 0 } });
    expect((await call('POST', '/queue/process', { body: { batchSize: 10 } })).status).toBe(200);
    expect(await call('POST', '/queue/flush', { body: {} })).toMatchObject({
      status: 200,
      body: { failed: 0, remaining: 0 },
    });
    expect(await call('GET', '/queue/dead-letters')).toMatchObject({
      status: 200,
      body: { deadLetters: [] },
    });
    expect(await call('POST', '/queue/dead-letters/redrive', { body: {} })).toMatchObject({
      status: 200,
      body: { outcomes: [] },
    });
  });

  it('what cannot be is refused with a problem document', async () => {
    expect(await call('GET', '/flights/x')).toMatchObject({ status: 400, body: { field: 'flightId' } });
    expect((await call('GET', '/flights/2147483647')).status).toBe(404);
    expect((await call('GET', `/writes/${RUN}`)).status).toBe(404);
    const stale = await call('PATCH', '/flights/1', { body: TIMES, headers: { 'if-match': '"1.1"' } });
    expect([400, 412]).toContain(stale.status);
    const { status, headers } = await call('GET', '/nothing/here');
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 404,
      type: 'application/problem+json',
    });
  });

  it('many callers at once are all answered, though the environments are few and frozen between calls', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_each, index) => call('GET', `/flights/${String((index % 3) + 1)}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  it('serves the console: compressed, cached by its hash, under a strict policy, and no file beside it', async () => {
    const page = await load('/');
    expect(page).toMatchObject({ status: 200 });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const paths = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(paths).toHaveLength(3);
    let wire = page.wire;
    for (const path of paths) {
      const file = await load(path);
      expect(file.status, path).toBe(200);
      expect(file.headers.get('content-encoding')).toBe('br');
      expect(file.headers.get('cache-control')).toContain(path.endsWith('.svg') ? 'no-cache' : 'immutable');
      expect(file.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
      wire += file.wire;
    }
    expect(wire).toBeGreaterThan(5000);
    expect(wire).toBeLessThan(150_000);
    expect((await load('/console/operations.html')).text).toContain('id="deadletters"');
    for (const path of ['/console/..%2Findex.mjs', '/console/index.html.br', '/console/nothing.js'])
      expect(await load(path)).toMatchObject({ status: 404 });
  });

  it('tells how it is, and what it can do', async () => {
    expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { ok: true } });
    expect(await call('GET', '/openapi.json')).toMatchObject({ status: 200, body: { openapi: '3.1.0' } });
    const { flight } = (await call<{ flight: { flightno: string } }>('GET', '/flights/1')).body;
    const found = await call('GET', `/flights?flightno=${encodeURIComponent(flight.flightno.trim())}`);
    expect(found).toMatchObject({ status: 200, body: { flights: expect.arrayContaining([]) as unknown } });
    expect([...called].sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
  });
});
