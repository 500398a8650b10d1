import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startLambda, testFunction, type TestLambda } from '../../testing/local-lambda.ts';
import { allowAll } from './authorizer.ts';
import { HttpFront } from './front.ts';
import { MAX_BODY_BYTES } from './limits.ts';
import type { FrontRoute } from './router.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterwrite-front-'));
const log: string[] = [];
let place: TestLambda;
let front: HttpFront;

function route(method: FrontRoute['method'], path: string, name: string): FrontRoute {
  return { method, path, function: name, scope: null };
}
const routes = [
  route('GET', '/things/{thingId}', 'http'),
  route('PATCH', '/things/{thingId}', 'http'),
  route('GET', '/things/{thingId}/parts/{partId}', 'http'),
  route('GET', '/things/fixed', 'echo'),
  route('GET', '/binary', 'binary'),
  route('GET', '/throws', 'throws'),
  route('GET', '/never', 'never'),
  route('POST', '/wait', 'waitForFile'),
];

beforeAll(async () => {
  const names = ['http', 'echo', 'binary', 'throws', 'never'];
  const functions = [
    ...names.map((name) => testFunction(name)),
    testFunction('waitForFile', { handler: 'index.waitForBody' }),
  ];
  place = startLambda(functions, { maxEnvironments: 1 });
  front = await startFront();
});
afterAll(async () => {
  await front.close(1000);
  await place.lambda.close();
  rmSync(folder, { recursive: true });
});

async function startFront(): Promise<HttpFront> {
  return await HttpFront.listen({
    lambda: place.lambda,
    routes,
    authorize: allowAll,
    host: '127.0.0.1',
    port: 0,
    onLog: (line) => log.push(line),
    integrationTimeoutMs: 1500,
    throttleWaitMs: 50,
  });
}

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(`${front.url}${path}`, init);
}

async function eventOf(path: string, init: RequestInit = {}): Promise<APIGatewayProxyEventV2> {
  const response = await call(path, init);
  expect(response.status).toBe(200);
  return (await response.json()) as APIGatewayProxyEventV2;
}

async function expectProblem(response: Response, status: number, type: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const document = (await response.json()) as Record<string, unknown>;
  expect(document).toEqual({
    type: `urn:afterwrite:problem:${type}`,
    title: expect.stringMatching(/./) as string,
    status,
    detail: expect.stringMatching(/./) as string,
  });
}

/** What comes back for these bytes, up to the end of the connection. */
async function raw(text: string): Promise<string> {
  const { port } = new URL(front.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(text);
  let answer = '';
  socket.setEncoding('utf8');
  for await (const piece of socket) answer += piece as string;
  return answer;
}

test('the event is what an HTTP API makes of a request', async () => {
  const event = await eventOf('/things/a%20b?x=1&x=2&empty=&y=%C3%BC+%2B', {
    method: 'PATCH',
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'X-Custom': 'One',
      'User-Agent': 'test',
      Cookie: 'a=1; b=2',
    },
    body: '{"ü":1}',
  });
  expect(event).toMatchObject({
    version: '2.0',
    routeKey: 'PATCH /things/{thingId}',
    rawPath: '/things/a b',
    rawQueryString: 'x=1&x=2&empty=&y=%C3%BC+%2B',
    cookies: ['a=1', 'b=2'],
    queryStringParameters: { x: '1,2', empty: '', y: 'ü +' },
    pathParameters: { thingId: 'a b' },
    body: '{"ü":1}',
    isBase64Encoded: false,
    headers: { 'x-custom': 'One', 'content-type': 'application/json; charset=utf-8' },
    requestContext: {
      accountId: '123456789012',
      stage: '$default',
      routeKey: 'PATCH /things/{thingId}',
      http: {
        method: 'PATCH',
        path: '/things/a b',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'test',
      },
      time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/) as string,
    },
  });
  expect(event.headers).not.toHaveProperty('cookie');
  expect(event.requestContext).not.toHaveProperty('authorizer');
  expect(Math.abs(event.requestContext.timeEpoch - Date.now())).toBeLessThan(60_000);

  const plain = await eventOf('/things/1/parts/x%2Fy');
  expect(plain.pathParameters).toEqual({ thingId: '1', partId: 'x/y' });
  for (const absent of ['body', 'cookies', 'queryStringParameters']) expect(plain).not.toHaveProperty(absent);
});

test('headers that came twice are joined; what is not text comes as Base64', async () => {
  const answer = await raw(
    'GET /things/1 HTTP/1.1\r\nHost: localhost\r\nX-Two: a\r\nx-two: b\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toContain('"x-two":"a,b"');
  for (const type of ['application/octet-stream', 'application/x-www-form-urlencoded']) {
    const { body, isBase64Encoded } = await eventOf('/things/1', {
      method: 'PATCH',
      headers: { 'content-type': type },
      body: 'a=b',
    });
    expect({ body, isBase64Encoded }).toEqual({ body: 'YT1i', isBase64Encoded: true });
  }
});

test('a structured answer becomes the response, also a binary one; a plain one is the body', async () => {
  const response = await call('/binary');
  expect(response.status).toBe(201);
  expect(response.headers.get('x-number')).toBe('7');
  expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]));

  const plain = await call('/things/fixed');
  expect(plain.headers.get('content-type')).toBe('application/json');
  expect(await plain.json()).toMatchObject({ event: { routeKey: 'GET /things/fixed' } });

  const answers: readonly [unknown, number][] = [
    [{ statusCode: 204, headers: { etag: '"1"' } }, 204],
    [{ statusCode: 200, headers: { 'x-bad': 'a\r\nb: c' } }, 500],
    [{ statusCode: 200, headers: { 'bad name': 'x' } }, 500],
    [{ statusCode: 99 }, 500],
    [{ statusCode: 'x' }, 500],
    [{ statusCode: 200, body: { no: 'text' } }, 500],
  ];
  for (const [answer, status] of answers) {
    const said = await call(`/things/1?answer=${encodeURIComponent(JSON.stringify({ answer }))}`);
    if (status === 500) await expectProblem(said, 500, 'internal');
    else expect(said.status).toBe(status);
  }
});

test('unknown paths, wrong verbs, HEAD and OPTIONS', async () => {
  for (const path of [
    '/',
    '/thing',
    '/things',
    '/Things/1',
    '/things/1/',
    '/things/1/parts',
    '/things//parts/1',
  ])
    await expectProblem(await call(path), 404, 'not-found');
  await expectProblem(await call('/things/'), 404, 'not-found');
  await expectProblem(await call('/things/%zz'), 400, 'malformed-request');
  const wrong = await call('/things/1', { method: 'DELETE', body: 'x'.repeat(100_000) });
  expect(wrong.headers.get('allow')).toBe('GET, HEAD, OPTIONS, PATCH');
  await expectProblem(wrong, 405, 'method-not-allowed');
  const head = await call('/things/1', { method: 'HEAD' });
  expect(head.status).toBe(200);
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
  expect(await head.text()).toBe('');
  const options = await call('/wait', { method: 'OPTIONS' });
  expect({ status: options.status, allow: options.headers.get('allow') }).toEqual({
    status: 204,
    allow: 'OPTIONS, POST',
  });
});

test('what is too large or no HTTP at all is answered with a problem document', async () => {
  await expectProblem(await call(`/things/${'x'.repeat(9000)}`), 414, 'uri-too-long');
  await expectProblem(
    await call('/things/1', { headers: { x: 'x'.repeat(11_000) } }),
    431,
    'headers-too-large',
  );
  const large = new Uint8Array(MAX_BODY_BYTES + 1);
  await expectProblem(await call('/things/1', { method: 'PATCH', body: large }), 413, 'too-large');
  // Lambda takes less than the gateway.
  const medium = new Uint8Array(7 * 1024 * 1024);
  await expectProblem(await call('/things/1', { method: 'PATCH', body: medium }), 413, 'too-large');
  const cases: readonly [string, RegExp][] = [
    [
      `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      /^HTTP\/1\.1 414 [^]*urn:afterwrite:problem:uri-too-long/,
    ],
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, /^HTTP\/1\.1 431 [^]*headers-too-large/],
    ['hello\r\n\r\n', /^HTTP\/1\.1 400 [^]*malformed-request/],
    ['GET /things/1 HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 [^]*Host header/],
    [
      'GET /things/1#x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 400 [^]*malformed-request/,
    ],
    ['OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 404 [^]*not-found/],
    ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 405 [^]*method-not-allowed/],
    [
      'GET /things/1 HTTP/1.1\r\nHost: localhost\r\nExpect: cake\r\n\r\n',
      /^HTTP\/1\.1 417 [^]*expectation-failed/,
    ],
    [
      'GET http://h/things/7?a=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 200 [^]*"thingId":"7"/,
    ],
  ];
  for (const [sent, answer] of cases) expect(await raw(sent)).toMatch(answer);
});

test('a function that fails, or takes too long, tells nothing of the inside; the log does', async () => {
  const failed = await call('/throws');
  const id = failed.headers.get('apigw-requestid') ?? 'none';
  await expectProblem(failed, 500, 'internal');
  expect(log.find((line) => line.includes(id))).toContain('this function always fails');
  const late = await call('/never');
  expect(late.headers.get('retry-after')).toBe('1');
  await expectProblem(late, 504, 'gateway-timeout');
  // Its only environment is still busy.
  await expectProblem(await call('/never'), 503, 'throttled');
});

test('a stop lets running requests finish and takes no others; an idle connection does not hold it up', async () => {
  const own = await startFront();
  const { port } = new URL(own.url);
  const silent = connect(Number(port), '127.0.0.1');
  silent.on('error', () => undefined);
  const [file, begun] = [join(folder, 'go'), join(folder, 'begun')];
  for (const each of [file, begun]) writeFileSync(each, '');
  // A connection that is kept alive after its answer.
  await (await fetch(`${own.url}/things/1`)).text();
  const running = post(`${own.url}/wait`, JSON.stringify({ file, begun }));
  await vi.waitFor(() => expect(readFileSync(begun, 'utf8')).not.toBe(''));
  const closing = own.close(10_000);
  await expect(fetch(`${own.url}/things/1`)).rejects.toThrow();
  writeFileSync(file, 'go');
  expect(await running).toBe(200);
  expect(await closing).toBe(0);
  silent.destroy();
});

test('a stop cuts what does not finish, and says how many', async () => {
  const own = await startFront();
  const file = join(folder, 'never');
  const begun = join(folder, 'never-begun');
  for (const each of [file, begun]) writeFileSync(each, '');
  const running = post(`${own.url}/wait`, JSON.stringify({ file, begun })).catch(() => 'cut');
  await vi.waitFor(() => expect(readFileSync(begun, 'utf8')).not.toBe(''));
  expect(await own.close(20)).toBe(1);
  expect(await running).toBe('cut');
  writeFileSync(file, 'go');
});

async function post(url: string, body: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sending = httpRequest(url, { method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode));
    });
    sending.once('error', reject);
    sending.end(body);
  });
}
