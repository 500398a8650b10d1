/** What a real server cannot be made to show at will: lost replies, Retry-After, gateways' own pages, slow answers. */
import { expect, it, vi } from 'vitest';
import {
  AfterwriteClient,
  ApiProblem,
  ApiUnreachableError,
  type ClientOptions,
  type FetchInit,
  WriteNotStoredError,
} from './index.ts';

const UPDATE = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const ACCEPTED = { success: true, receipt: '7-e-1-x', version: 'e-1' };

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

type Step = Reply | Error | ((init: FetchInit) => Promise<Reply>);

interface Call {
  readonly url: string;
  readonly init: FetchInit;
}

/** Answers with these in turn, the last one for ever; sleeping moves the clock on. */
function setUp(steps: readonly Step[], options: Partial<ClientOptions> = {}) {
  const calls: Call[] = [];
  const slept: number[] = [];
  let now = Date.parse('2030-01-01T00:00:00Z');
  let uuids = 0;
  const client = new AfterwriteClient({
    baseUrl: 'https://api.test/v1/',
    fetch: async (url, init) => {
      const step = steps[Math.min(calls.length, steps.length - 1)];
      calls.push({ url, init });
      if (step === undefined || step instanceof Error) throw step ?? new Error('no step');
      const { status, headers, body } = typeof step === 'function' ? await step(init) : step;
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const hasBody = status !== 304;
      const type = status < 300 ? 'application/json' : 'application/problem+json';
      return new Response(hasBody ? text : null, { status, headers: { 'content-type': type, ...headers } });
    },
    runtime: {
      now: () => now,
      random: () => 0.5,
      uuid: () => `uuid-${++uuids}`,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        slept.push(ms);
        now += ms;
      },
    },
    ...options,
  });
  return { client, calls, slept };
}

function problem(status: number, type: string, headers: Record<string, string> = {}): Reply {
  const document = { type: `urn:afterwrite:problem:${type}`, title: 'T', status, detail: 'd' };
  return { status, headers, body: document };
}

const OK: Reply = { status: 202, body: ACCEPTED };
const LOST = new TypeError('fetch failed');

it('sends an update again with the same key when its reply was lost, and another update with another', async () => {
  const { client, calls } = setUp([LOST, { status: 202, body: '{"succ' }, OK]);
  expect(await client.updateFlight(7, UPDATE)).toEqual(ACCEPTED);
  await client.updateFlight(7, UPDATE);
  const keys = calls.map(({ init }) => init.headers['idempotency-key']);
  expect(keys).toEqual(['uuid-1', 'uuid-1', 'uuid-1', 'uuid-2']);
  expect(new Set(calls.map(({ init }) => init.body))).toEqual(new Set([JSON.stringify(UPDATE)]));
  expect(calls[0]).toMatchObject({ url: 'https://api.test/v1/flights/7', init: { method: 'PATCH' } });
});

it('takes the key, the version, the wait, the trace and the token that it is given', async () => {
  const tokens = ['old', 'new'];
  const { client, calls } = setUp([problem(503, 'unavailable'), OK], { token: () => tokens.shift() ?? '' });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await client.updateFlight(7, UPDATE, {
    idempotencyKey: 'mine',
    ifMatch: 'e-1',
    waitSeconds: 3,
    traceparent,
  });
  expect(calls.map(({ init }) => init.headers)).toMatchObject([
    { 'idempotency-key': 'mine', 'if-match': '"e-1"', prefer: 'wait=3', authorization: 'Bearer old' },
    { 'idempotency-key': 'mine', traceparent, authorization: 'Bearer new' },
  ]);
});

it('waits longer and longer, with full jitter, and gives up after so many attempts', async () => {
  const { client, calls, slept } = setUp([LOST], { retry: { attempts: 5, firstMs: 100, mostMs: 300 } });
  await expect(client.queue()).rejects.toMatchObject({ code: 'UNREACHABLE', retryable: true, cause: LOST });
  expect(slept).toEqual([50, 100, 150, 150]);
  expect(calls).toHaveLength(5);
});

it.each([
  ['5', 5000],
  ['Tue, 01 Jan 2030 00:00:07 GMT', 7000],
  ['Mon, 31 Dec 2029 23:59:00 GMT', 0],
  ['soon', 0],
  ['-1', 0],
  ['2031', 2_031_000],
])('never comes back before Retry-After: %s', async (header, ms) => {
  const refused = problem(429, 'limit-reached', { 'retry-after': header });
  const { client, slept } = setUp([refused, OK], { retry: { firstMs: 100, totalMs: 3_000_000 } });
  await client.updateFlight(7, UPDATE);
  expect(slept).toEqual([ms + 50]);
});

it('does not wait for what lies beyond its time', async () => {
  const { client, calls, slept } = setUp([problem(503, 'unavailable', { 'retry-after': '31' })]);
  await expect(client.queue()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 31_000 });
  expect([calls.length, slept]).toEqual([1, []]);
});

it.each([
  [400, false],
  [404, false],
  [412, false],
  [422, false],
  [500, false],
  [429, true],
  [502, true],
  [503, true],
  [504, true],
])('after %s a read is repeated: %s', async (status, isRepeated) => {
  const { client, calls } = setUp([problem(status, 'x-y'), { status: 200, body: {} }]);
  const reading = client.queue();
  if (isRepeated) await reading;
  else await expect(reading).rejects.toMatchObject({ status, code: 'X_Y', retryable: false });
  expect(calls).toHaveLength(isRepeated ? 2 : 1);
});

it.each<['processQueue' | 'flushQueue' | 'redrive']>([['processQueue'], ['flushQueue'], ['redrive']])(
  '%s is repeated only where nothing can have begun',
  async (name) => {
    for (const step of [LOST, problem(503, 'outcome-unknown'), problem(504, 'gateway-timeout')]) {
      const { client, calls } = setUp([step]);
      await expect(client[name]()).rejects.toMatchObject({ retryable: true });
      expect(calls).toHaveLength(1);
    }
    const { client, calls } = setUp([problem(429, 'limit-reached'), { status: 200, body: {} }]);
    await client[name]();
    expect(calls).toHaveLength(2);
  },
);

it('tells what the problem document tells, and by which key to settle a doubt', async () => {
  const document = { field: 'If-Match', currentVersion: 'e-2', limit: 'L' };
  const conflict = problem(412, 'version-conflict');
  const { client } = setUp([{ ...conflict, body: { ...(conflict.body as object), ...document } }]);
  const error = await client.updateFlight(7, UPDATE).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiProblem);
  expect(error).toMatchObject({
    ...document,
    code: 'VERSION_CONFLICT',
    idempotencyKey: 'uuid-1',
    detail: 'd',
  });
});

it.each([
  [
    { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>' },
    { code: 'HTTP_502', status: 502 },
  ],
  [
    { status: 403, body: '"x"' },
    { code: 'HTTP_403', type: 'about:blank' },
  ],
  [{ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, { code: 'UNREADABLE_ANSWER' }],
])('%j, from something in between, is an error of its own', async (reply, expected) => {
  await expect(setUp([reply]).client.queue()).rejects.toMatchObject(expected);
});

it('gives up an attempt that takes too long, but not before a wait that was asked for', async () => {
  vi.useFakeTimers();
  const never: Step = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  const { client } = setUp([never], { timeoutMs: 1000, retry: { attempts: 1 } });
  const failed = expect(client.updateFlight(7, UPDATE, { waitSeconds: 2 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    idempotencyKey: 'uuid-1',
    message: expect.stringContaining('3000 ms') as string,
  });
  await vi.advanceTimersByTimeAsync(3000);
  await failed;
  vi.useRealTimers();
});

it("ends with the caller's signal, during a request and between two", async () => {
  const reason = new Error('enough');
  const during = new AbortController();
  const { client } = setUp([
    ({ signal }) => {
      during.abort(reason);
      return Promise.reject(signal.reason as Error);
    },
  ]);
  await expect(client.queue({ signal: during.signal })).rejects.toBe(reason);
  const between = new AbortController();
  const second = setUp([
    () => {
      queueMicrotask(() => between.abort(reason));
      return Promise.reject(LOST);
    },
  ]);
  await expect(second.client.updateFlight(7, UPDATE, { signal: between.signal })).rejects.toBe(reason);
  expect(second.calls).toHaveLength(1);
});

it.each([
  ['dead', { code: 'WRITE_DEAD', retryable: false }],
  ['lost', { code: 'WRITE_LOST', retryable: false }],
  ['pending', { code: 'WRITE_PENDING', retryable: true }],
])('waitUntilStored says that an update is %s', async (state, expected) => {
  const { client, slept } = setUp([{ status: 200, body: { state, flightId: 7, seq: 1 } }]);
  const error = await client
    .waitUntilStored('7-e-1-x', { timeoutMs: 2000 })
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WriteNotStoredError);
  expect(error).toMatchObject({ ...expected, write: { state } });
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBe(state === 'pending' ? 2000 : 0);
});

it('health is an answer also when it is not well, but not when something in between says so', async () => {
  const sick = { ok: false, checks: [] };
  const json = { 'content-type': 'application/json' };
  expect(await setUp([{ status: 503, headers: json, body: sick }]).client.health()).toEqual(sick);
  await expect(setUp([problem(503, 'throttled')]).client.health()).rejects.toBeInstanceOf(ApiProblem);
  const other = setUp([{ status: 503, headers: json, body: { message: 'Service Unavailable' } }]);
  await expect(other.client.health()).rejects.toBeInstanceOf(ApiUnreachableError);
});

it('asks for a flight again only if it has changed', async () => {
  const { client, calls } = setUp([{ status: 304, headers: { etag: '"e-1"' } }]);
  const read = await client.getFlight(7, { ifNoneMatch: '"e-1"' });
  expect(read).toEqual({ kind: 'NOT_MODIFIED', etag: '"e-1"' });
  expect(calls[0]?.init.headers['if-none-match']).toBe('"e-1"');
});
