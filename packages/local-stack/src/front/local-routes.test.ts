/** Routes that the front answers itself, and what pages of other sites may not do, on real connections. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { allowAll, type Authorize } from './authorizer.ts';
import { HttpFront } from './front.ts';
import { jsonAnswer, type LocalRoute } from './local-routes.ts';
import { problemAnswer } from './problems.ts';

const fronts: HttpFront[] = [];
let called = 0;

afterEach(async () => {
  called = 0;
  await Promise.all(fronts.splice(0).map((front) => front.close(0)));
});

const localRoutes: readonly LocalRoute[] = [
  { method: 'GET', path: '/own', scope: 'queue:admin', handle: () => jsonAnswer(200, { here: true }) },
  {
    method: 'POST',
    path: '/own',
    scope: 'queue:admin',
    handle: ({ body }) => {
      called += 1;
      return jsonAnswer(200, { body });
    },
  },
  {
    method: 'GET',
    path: '/events',
    scope: 'queue:admin',
    handle: ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      return 'STREAMS';
    },
  },
  { method: 'GET', path: '/fails', scope: null, handle: () => Promise.reject(new Error('of the inside')) },
];

let release: () => void = () => undefined;

/** Functions that answer what they were asked, one of them when it may. */
const lambda = {
  invoke: async (name: string) => {
    called += 1;
    if (name === 'waits') await new Promise<void>((resolve) => (release = resolve));
    const payload = Buffer.from(JSON.stringify({ statusCode: 200, body: name }));
    const rest = { requestId: '', logTail: Buffer.alloc(0), initMs: undefined };
    return { functionError: undefined, payload, ...rest };
  },
};

async function startFront(host = '127.0.0.1', authorize: Authorize = allowAll): Promise<HttpFront> {
  const front = await HttpFront.listen({
    lambda: lambda,
    routes: [
      { method: 'GET', path: '/things', function: 'things', scope: null },
      { method: 'POST', path: '/things', function: 'things', scope: null },
      { method: 'GET', path: '/waits', function: 'waits', scope: null },
      { method: 'POST', path: '/{any}', function: 'any', scope: null },
    ],
    localRoutes,
    authorize,
    host,
    port: 0,
    onLog: () => undefined,
  });
  fronts.push(front);
  return front;
}

const json = { 'content-type': 'application/json' };

/** The status line's number for a request by these lines: fetch would not let us name another host. */
async function statusOf(url: string, start: string, ...headers: string[]): Promise<number> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname.replaceAll(/[[\]]/g, ''));
  socket.write([start, ...headers, 'Connection: close', '', ''].join('\r\n'));
  socket.resume();
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(first.toString('latin1'))?.[1]);
}

test('they are found before the functions, with the same answers around them', async () => {
  const { url } = await startFront();
  const own = await fetch(`${url}/own`);
  expect({ status: own.status, body: await own.json() }).toEqual({ status: 200, body: { here: true } });
  expect(own.headers.get('cache-control')).toBe('no-store');
  expect(own.headers.get('apigw-requestid')).toMatch(/^[\w-]{36}$/);
  expect(
    await (await fetch(`${url}/own`, { method: 'POST', headers: json, body: '{"a":1}' })).json(),
  ).toEqual({
    body: { a: 1 },
  });
  expect(await (await fetch(`${url}/things`)).text()).toBe('things');
  expect((await fetch(`${url}/own`, { method: 'HEAD' })).status).toBe(200);
  const wrong = await fetch(`${url}/own`, { method: 'PATCH' });
  expect({ status: wrong.status, allow: wrong.headers.get('allow') }).toEqual({
    status: 405,
    allow: 'GET, HEAD, OPTIONS, POST',
  });
  const failed = await fetch(`${url}/fails`);
  expect(failed.status).toBe(500);
  expect(await failed.text()).not.toContain('inside');
});

const badBodies: readonly [
  string,
  Record<string, string>,
  string | Uint8Array<ArrayBuffer>,
  number,
  string,
][] = [
  ['no type', {}, '{}', 415, 'unsupported-media-type'],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=1', 415, 'unsupported-media-type'],
  ['text', { 'content-type': 'text/plain' }, '{}', 415, 'unsupported-media-type'],
  ['another JSON', { 'content-type': 'application/jsonp' }, '{}', 415, 'unsupported-media-type'],
  ['no JSON', json, '{', 400, 'malformed-request'],
  ['no UTF-8', json, new Uint8Array([0x22, 0xff, 0x22]), 400, 'malformed-request'],
  ['too much', json, `"${'x'.repeat(20_000)}"`, 413, 'too-large'],
];

test.each(badBodies)('a POST with %s is refused', async (_what, headers, body, status, type) => {
  const { url } = await startFront();
  const answer = await fetch(`${url}/own`, {
    method: 'POST',
    headers,
    body,
  });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(await answer.json()).toMatchObject({ type: `urn:afterwrite:problem:${type}`, status });
  expect(called).toBe(0);
});

test('a JSON type with a charset, and no body at all, are taken', async () => {
  const { url } = await startFront();
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  expect(await (await fetch(`${url}/own`, { method: 'POST', headers })).json()).toEqual({});
});

test('the same authorizer decides, with the scope of the route', async () => {
  const asked: (string | null)[] = [];
  const { url } = await startFront('127.0.0.1', (authorization, scope) => {
    asked.push(scope);
    return Promise.resolve(
      authorization === 'Bearer good'
        ? { kind: 'ALLOWED', authorizer: undefined }
        : { kind: 'REFUSED', answer: problemAnswer('unauthenticated', 'No.') },
    );
  });
  for (const path of ['/own', '/events']) {
    const refused = await fetch(`${url}${path}`);
    expect(refused.status).toBe(401);
    await refused.body?.cancel();
  }
  expect((await fetch(`${url}/own`, { headers: { authorization: 'Bearer good' } })).status).toBe(200);
  expect(asked).toEqual(['queue:admin', 'queue:admin', 'queue:admin']);
});

test('a stop ends open streams at once, and waits for none of them', async () => {
  const front = await startFront();
  const stream = await fetch(`${front.url}/events`);
  const reader = stream.body!.getReader();
  const first = await reader.read();
  expect(Buffer.from(first.value as Uint8Array).toString()).toBe('data: 1\n\n');
  const ended = reader.read().catch(() => 'cut');
  const running = fetch(`${front.url}/waits`);
  await vi.waitFor(() => expect(called).toBe(1));
  // With this much patience a test would not end.
  const closing = front.close(3_600_000);
  // While a request is still under way.
  expect(await ended).toBe('cut');
  release();
  expect((await running).status).toBe(200);
  expect(await closing).toBe(0);
});

test('a page of another site may look, and not do anything', async () => {
  const { url } = await startFront();
  for (const path of ['/own', '/things']) {
    for (const [site, status] of [
      ['cross-site', 403],
      ['same-site', 403],
      ['same-origin', 200],
      ['none', 200],
    ] as const) {
      called = 0;
      const headers = { ...json, 'sec-fetch-site': site };
      const post = await fetch(`${url}${path}`, { method: 'POST', headers, body: '{}' });
      expect({ path, site, status: post.status }).toEqual({ path, site, status });
      expect(called).toBe(status === 200 ? 1 : 0);
      expect((await fetch(`${url}${path}`, { headers })).status).toBe(200);
    }
  }
});

test('only the names of this machine are answered to, with whatever port', async () => {
  const { url } = await startFront();
  const post = ['Content-Type: application/json', 'Content-Length: 0'];
  for (const path of ['/own', '/things']) {
    for (const host of [
      'localhost',
      'LOCALHOST:3000',
      'localhost.:80',
      '127.0.0.1',
      '127.0.0.1:9',
      '127.8.8.8',
      '[::1]',
      '[::1]:3000',
      'afterwrite.localhost:3000',
    ]) {
      expect(await statusOf(url, `GET ${path} HTTP/1.1`, `Host: ${host}`), host).toBe(200);
    }
    for (const host of [
      'evil.example',
      'evil.example:3000',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'notlocalhost',
      '192.168.0.7:3000',
      '[::2]:3000',
      '',
    ]) {
      called = 0;
      expect(await statusOf(url, `GET ${path} HTTP/1.1`, `Host: ${host}`), host).toBe(403);
      expect(await statusOf(url, `POST ${path} HTTP/1.1`, `Host: ${host}`, ...post), host).toBe(403);
      expect(called).toBe(0);
    }
  }
  // No browser speaks it, and it need not name a host.
  expect(await statusOf(url, 'GET /own HTTP/1.0')).toBe(200);
});

test('bound to every address, as in a container, any name is good; pages of other sites still start nothing here', async () => {
  const front = await startFront('0.0.0.0');
  expect(await statusOf(front.url, 'GET /own HTTP/1.1', 'Host: afterwrite.example:3000')).toBe(200);
  const headers = { ...json, 'sec-fetch-site': 'cross-site' };
  const post = async (path: string) =>
    (await fetch(`${front.url}${path}`, { method: 'POST', headers, body: '{}' })).status;
  expect(await post('/own')).toBe(403);
  // A proxy before it may let them.
  expect(await post('/things')).toBe(200);
});

test('two routes for one call are a mistake that shows at once', async () => {
  const [route] = localRoutes;
  await expect(
    HttpFront.listen({
      lambda: lambda,
      routes: [{ method: 'GET', path: '/own', function: 'x', scope: null }],
      localRoutes: [route!],
      authorize: allowAll,
      host: '127.0.0.1',
      port: 0,
      onLog: vi.fn(),
    }),
  ).rejects.toThrow('already declared');
});
