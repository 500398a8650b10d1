/** The console of a deployment: what reaches the API, signed or with a token, and who may not use it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ArrivedRequest, authorizationOf, signatureOf } from '../../testing/verify-signature.ts';
import { Forwarder, type ForwarderLimits } from './forwarder.ts';
import { openTarget, type Target, type TargetOptions } from './target.ts';

const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'session/+=',
};
const folder = mkdtempSync(join(tmpdir(), 'afterwrite-remote-'));
const tokenFile = join(folder, 'token');

let api: Server;
let apiUrl: string;
const arrived: ArrivedRequest[] = [];
let answer: (response: ServerResponse, request: IncomingMessage) => void;
const forwarders: Forwarder[] = [];
const faults: string[] = [];

beforeAll(async () => {
  api = createServer((request, response) => void take(request, response));
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  apiUrl = `http://127.0.0.1:${String((api.address() as AddressInfo).port)}`;
});
afterEach(async () => {
  for (const forwarder of forwarders.splice(0)) await forwarder.close();
  arrived.length = 0;
  faults.length = 0;
});
afterAll(async () => {
  api.closeAllConnections();
  await new Promise((resolve) => api.close(resolve));
  rmSync(folder, { recursive: true });
});

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const headers = request.headers as Record<string, string>;
  arrived.push({
    method: request.method ?? '',
    target: request.url ?? '',
    headers,
    body: Buffer.concat(chunks),
  });
  answer(response, request);
}

const ok = (response: ServerResponse) => {
  response.writeHead(200, {
    'content-type': 'application/json',
    etag: '"e-1"',
    'set-cookie': 'a=b',
    'access-control-allow-origin': '*',
  });
  response.end('{"fine":true}');
};

async function open(more: Partial<TargetOptions> = {}, limits: Partial<ForwarderLimits> = {}) {
  answer = ok;
  const target = openTarget({
    url: apiUrl,
    environment: { AWS_REGION: 'eu-central-1' },
    credentials: CREDENTIALS,
    ...more,
  });
  return await listen(target, limits);
}

async function listen(target: Target, limits: Partial<ForwarderLimits> = {}): Promise<Forwarder> {
  const forwarder = await Forwarder.listen({ target, port: 0, onFault: (line) => faults.push(line), limits });
  forwarders.push(forwarder);
  return forwarder;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Without fetch, which would not let us lie about Host and Sec-Fetch-Site. */
async function call(
  { url }: Forwarder,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  const request = httpRequest(url, { method, path, headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

test('the check itself is right: the published vector get-vanilla', () => {
  const headers = {
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
      'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  };
  const request = { method: 'GET', target: '/', headers, body: Buffer.alloc(0) };
  expect(signatureOf(request, CREDENTIALS.secretAccessKey)).toBe(authorizationOf(headers).signature);
});

describe('what reaches the API', () => {
  test.each([
    ['GET', '/flights/115', ''],
    ['GET', '/flights?flightno=SA2133&limit=5', ''],
    ['GET', '/flights/1/log?before=2027-06-01T10%3A30%3A00%2B02:00&limit=2', ''],
    ['GET', "/writes/a%20b%2Fc'(x)*?b=2&a=1&a=0&e=&plus=1+2", ''],
    ['PATCH', '/flights/115', '{"departure":"2027-06-01T10:30:00Z","comment":"ü"}'],
    ['POST', '/queue/flush', '{}'],
  ])('%s %s is signed as AWS checks it', async (method, path, body) => {
    const headers = body === '' ? {} : { 'content-type': 'application/json' };
    const reply = await call(await open(), path, { method, body, headers });
    expect(reply).toMatchObject({ status: 200, text: '{"fine":true}' });
    const [request] = arrived;
    const { accessKeyId, scope, signedHeaders, signature } = authorizationOf(request!.headers);
    expect({ accessKeyId, scope: scope.slice(1) }).toEqual({
      accessKeyId: CREDENTIALS.accessKeyId,
      scope: ['eu-central-1', 'execute-api', 'aws4_request'],
    });
    expect(signedHeaders).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token']));
    expect(signature).toBe(signatureOf(request!, CREDENTIALS.secretAccessKey));
    const age =
      Date.now() -
      Date.parse(request!.headers['x-amz-date']!.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    expect(Math.abs(age)).toBeLessThan(5000);
    expect(Buffer.from(request!.body).toString()).toBe(body);
  });

  test('the token, as the file has it now; the stage before the path; no header but those that matter', async () => {
    writeFileSync(tokenFile, 'first\n');
    const forwarder = await open({ url: `${apiUrl}/v1/`, tokenFile, credentials: undefined });
    const headers = {
      cookie: 'a=b',
      authorization: 'Bearer mine',
      'x-forwarded-for': '1.2.3.4',
      'if-none-match': '"e"',
    };
    const reply = await call(forwarder, '/queue', { headers });
    writeFileSync(tokenFile, 'second');
    await call(forwarder, '/queue');
    expect(arrived.map(({ target, headers: { authorization } }) => [target, authorization])).toEqual([
      ['/v1/queue', 'Bearer first'],
      ['/v1/queue', 'Bearer second'],
    ]);
    expect(arrived[0]!.headers).toMatchObject({ 'if-none-match': '"e"' });
    for (const name of ['cookie', 'x-forwarded-for', 'sec-fetch-site'])
      expect(arrived[0]!.headers).not.toHaveProperty(name);
    expect(reply.headers).toMatchObject({ etag: '"e-1"', 'cross-origin-resource-policy': 'same-origin' });
    for (const name of ['set-cookie', 'access-control-allow-origin'])
      expect(reply.headers).not.toHaveProperty(name);
  });

  test('nothing leaves the stage, and no redirect is followed', async () => {
    const forwarder = await open({ url: `${apiUrl}/v1` });
    for (const path of ['/../queue', '/%2e%2e/queue', '//../../queue']) {
      expect((await call(forwarder, path)).status).toBe(502);
    }
    expect(arrived).toEqual([]);
    answer = (response) => response.writeHead(302, { location: 'https://elsewhere.example/' }).end();
    const { status, headers } = await call(forwarder, '/queue');
    expect({ status, location: headers.location, asked: arrived.length }).toEqual({
      status: 302,
      location: undefined,
      asked: 1,
    });
  });

  test('an answer comes through piece by piece', async () => {
    const forwarder = await open();
    let more: () => void = () => undefined;
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      more = () => response.end('data: 2\n\n');
    };
    const response = await fetch(`${forwarder.url}/stream`);
    const pieces: string[] = [];
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      pieces.push(piece);
      more();
    }
    expect(pieces).toEqual(['data: 1\n\n', 'data: 2\n\n']);
  });
});

describe('who may not use the credentials', () => {
  const own = async () => {
    const forwarder = await open();
    return { forwarder, port: new URL(forwarder.url).port };
  };

  test('a name that is not this machine’s: DNS rebinding', async () => {
    const { forwarder, port } = await own();
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      `localhost.evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:1`,
    ]) {
      expect((await call(forwarder, '/queue', { headers: { host } })).status).toBe(403);
    }
    expect(arrived).toEqual([]);
    for (const host of [`localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
      expect((await call(forwarder, '/queue', { headers: { host } })).status).toBe(200);
    }
  });

  test('a page of another site or of another port, whatever it asks; by an old browser’s Origin, too', async () => {
    const { forwarder, port } = await own();
    for (const method of ['GET', 'POST', 'PATCH']) {
      for (const site of ['cross-site', 'same-site', 'new-word']) {
        const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' };
        expect((await call(forwarder, '/queue/flush', { method, headers })).status).toBe(403);
      }
      for (const origin of [
        'https://evil.example',
        'null',
        `http://127.0.0.1:1`,
        `https://127.0.0.1:${port}`,
      ]) {
        expect((await call(forwarder, '/queue/flush', { method, headers: { origin } })).status).toBe(403);
      }
    }
    const form = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await call(forwarder, '/queue/flush', { method: 'POST', headers: form })).status).toBe(403);
    expect(arrived).toEqual([]);
    // A link to the page, the page itself, and a program.
    expect((await call(forwarder, '/', { headers: form })).status).toBe(200);
    const page = { 'sec-fetch-site': 'same-origin', origin: `http://localhost:${port}` };
    expect((await call(forwarder, '/queue/flush', { method: 'POST', headers: page })).status).toBe(200);
    expect((await call(forwarder, '/queue/flush', { method: 'POST' })).status).toBe(200);
  });

  test('other verbs, and addresses that are no path', async () => {
    const { forwarder } = await own();
    for (const method of ['OPTIONS', 'DELETE', 'PUT', 'TRACE']) {
      expect((await call(forwarder, '/queue', { method })).status).toBe(405);
    }
    expect((await call(forwarder, 'http://evil.example/queue')).status).toBe(400);
    expect(arrived).toEqual([]);
  });
});

describe('limits', () => {
  test('a body that is too long is refused', async () => {
    const forwarder = await open({}, { requestBytes: 10 });
    expect((await call(forwarder, '/queue/flush', { method: 'POST', body: 'x'.repeat(11) })).status).toBe(
      413,
    );
    expect(arrived).toEqual([]);
  });

  test('an API that does not answer is given up; one that is away, and credentials that fail, are told', async () => {
    const forwarder = await open({}, { silentMs: 100 });
    answer = () => undefined;
    expect(await call(forwarder, '/queue')).toMatchObject({ status: 504 });
    const away = await listen(openTarget({ url: 'http://127.0.0.1:1', environment: {} }));
    expect((await call(away, '/queue')).status).toBe(502);
    const none = () =>
      Promise.reject(Object.assign(new Error('none found'), { name: 'CredentialsProviderError' }));
    const unsigned = await open({ credentials: none });
    expect(await call(unsigned, '/queue')).toMatchObject({
      status: 502,
      text: expect.stringContaining('aws sso login') as string,
    });
    expect(faults).toEqual([
      expect.stringContaining('http://127.0.0.1:1 cannot be reached') as string,
      expect.stringContaining('No AWS credentials') as string,
    ]);
  });

  test('an answer that is too long, or stands still, is cut off', async () => {
    const forwarder = await open({}, { answerBytes: 1000, silentMs: 300 });
    answer = (response) => response.end('x'.repeat(100_000));
    await expect(call(forwarder, '/queue')).rejects.toThrow();
    answer = (response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    await expect(call(forwarder, '/stream')).rejects.toThrow();
  });

  test('credentials that do not come are given up', async () => {
    const forwarder = await open({ credentials: () => new Promise(() => undefined) }, { silentMs: 100 });
    expect(await call(forwarder, '/queue')).toMatchObject({ status: 504 });
    expect(arrived).toEqual([]);
  });

  test('a browser that takes nothing is cut off', { timeout: 5000 }, async () => {
    const forwarder = await open({}, { silentMs: 300, answerBytes: 64 * 1024 ** 2 });
    answer = (response) => response.end(Buffer.alloc(32 * 1024 ** 2));
    const { hostname, port } = new URL(forwarder.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(`GET /queue HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await once(socket, 'readable');
    // Nothing is read: that nobody is there any more is told to who writes.
    const asking = setInterval(() => socket.write('\r\n'), 50);
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    clearInterval(asking);
    expect(['EPIPE', 'ECONNRESET']).toContain(error.code);
  });

  test('a browser that leaves ends its request', async () => {
    const forwarder = await open();
    const left = new Promise((resolve) => {
      answer = (response) => response.writeHead(200).write('x') && response.once('close', resolve);
    });
    const leave = new AbortController();
    await fetch(`${forwarder.url}/stream`, { signal: leave.signal });
    leave.abort();
    await left;
  });

  test('nothing that is said holds a secret', async () => {
    writeFileSync(tokenFile, 'not a token');
    const forwarder = await open({ tokenFile, credentials: undefined });
    const { status, text } = await call(forwarder, '/queue');
    expect(status).toBe(502);
    const said = [
      text,
      ...faults,
      openTarget({ url: apiUrl, environment: { AFTERWRITE_TOKEN: 'sesame' } }).access,
    ].join();
    expect(said).not.toMatch(/not a token|sesame/);
  });
});

test.each([
  [
    'https://abc123.execute-api.eu-central-1.amazonaws.com',
    {},
    'signed with AWS credentials for eu-central-1',
  ],
  [
    'https://abc123.execute-api.eu-west-1.amazonaws.com/v1',
    { AWS_REGION: 'us-east-1' },
    'signed with AWS credentials for eu-west-1',
  ],
  ['https://api.example.com', { AWS_REGION: 'us-east-1' }, 'signed with AWS credentials for us-east-1'],
  ['https://api.example.com', { AFTERWRITE_TOKEN: 'x' }, 'with the token in AFTERWRITE_TOKEN'],
  ['http://[::1]:3000', {}, 'without credentials'],
])('%s with %s is asked %s', (url, environment, access) => {
  expect(openTarget({ url, environment }).access).toBe(access);
});

test.each([
  ['http://api.example.com', 'without TLS'],
  ['http://127.0.0.1.example.com', 'without TLS'],
  ['ftp://127.0.0.1', 'it must be an address'],
  ['https://ann:secret@example.com', 'it must be an address'],
  ['https://example.com/?x=1', 'must not have a query'],
  ['https://example.com', 'names no AWS region'],
])('%s is refused', (url, words) => {
  expect(() => openTarget({ url, environment: {} })).toThrow(words);
});
