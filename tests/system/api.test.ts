/** The API: each call's answers, errors as problem documents, who may call. Handlers in this process, real servers. */
import { closeClients } from '@afterwrite/functions/compose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { call } from '../support/invoke.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };

let world: World;

beforeAll(async () => {
  world = await makeWorld({ flights: 100, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '4' } });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
});
afterEach(() => {
  vi.stubEnv('AUTH_MODE', 'none');
});
afterAll(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

interface Accepted {
  receipt: string;
  version: string;
  seq: number;
}

async function accept(
  flightId: number,
  body: object = TIMES,
  headers: Record<string, string> = {},
): Promise<Accepted> {
  const { status, body: accepted } = await call<Accepted>('PATCH', `/flights/${String(flightId)}`, {
    body,
    headers,
  });
  expect(status).toBe(202);
  return accepted;
}

describe('GET /flights/{flightId}', () => {
  it('misses, hits, and answers 304 to its own tag', async () => {
    const first = await call('GET', '/flights/1');
    expect(first).toMatchObject({
      status: 200,
      body: { source: 'CACHE_MISS', pending: false, flight: { flight_id: 1 } },
    });
    const second = await call('GET', '/flights/1');
    expect(second.body).toMatchObject({ source: 'CACHE_HIT', query: null });
    const etag = String(second.headers.etag);
    expect(etag).toBe(`"${String(second.body.version)}"`);
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const same = await call('GET', '/flights/1', { headers: { 'if-none-match': header } });
      expect(same).toMatchObject({ status: 304, body: undefined });
    }
    await accept(1);
    expect((await call('GET', '/flights/1', { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  it.each(['0', 'x', '2147483648', '1%20OR%201=1', '%00'])('refuses the id %s', async (id) => {
    const { status, body } = await call('GET', `/flights/${id}`);
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { type: 'urn:afterwrite:problem:invalid-field', field: 'flightId' },
    });
  });

  it('knows no flight 101', async () => {
    expect(await call('GET', '/flights/101')).toMatchObject({
      status: 404,
      body: { type: 'urn:afterwrite:problem:not-found' },
    });
  });
});

describe('PATCH /flights/{flightId}', () => {
  it('is seen by the next GET, told by its receipt, and stored by a flush', async () => {
    const { receipt, version, seq } = await accept(2, { ...TIMES, user: 'ann', comment: 'late' });
    expect((await call('GET', '/flights/2')).body).toMatchObject({ version, pending: true, flight: TIMES });
    expect((await call('GET', `/writes/${receipt}`)).body).toEqual({ state: 'pending', flightId: 2, seq });
    expect((await call('POST', '/queue/flush', { body: {} })).body).toMatchObject({
      failed: 0,
      remaining: 0,
    });
    expect((await call('GET', `/writes/${receipt}`)).body).toMatchObject({ state: 'stored' });
    const log = await call<{ entries: object[] }>('GET', '/flights/2/log');
    expect(log.body.entries[0]).toMatchObject({
      user: 'ann',
      comment: 'late',
      departure_new: TIMES.departure,
    });
    expect((await call('GET', '/flights/2/consistency')).body).toMatchObject({
      consistent: true,
      reason: 'EQUAL',
    });
  });

  it('takes a time with an offset as that instant', async () => {
    await accept(3, { departure: '2030-01-01T12:00:00+02:00', arrival: '2030-01-01T12:30' });
    expect((await call('GET', '/flights/3')).body).toMatchObject({
      flight: { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:30:00Z' },
    });
  });

  it('holds a version, once', async () => {
    const { headers } = await call('GET', '/flights/4');
    const match = { 'if-match': String(headers.etag) };
    const { version } = await accept(4, TIMES, match);
    const stale = await call('PATCH', '/flights/4', { body: TIMES, headers: match });
    expect(stale).toMatchObject({ status: 412, body: { currentVersion: version } });
    expect(
      (await call('PATCH', '/flights/4', { body: TIMES, headers: { 'if-match': 'W/"x"' } })).status,
    ).toBe(400);
  });

  it('carries an idempotency key out once, and refuses it for another body', async () => {
    const headers = { 'idempotency-key': 'a key' };
    const first = await accept(5, TIMES, headers);
    expect(await accept(5, TIMES, headers)).toMatchObject({ receipt: first.receipt, version: first.version });
    const other = { ...TIMES, comment: 'other' };
    expect((await call('PATCH', '/flights/5', { body: other, headers })).status).toBe(422);
  });

  it('is answered when it is as safe as was asked for, and says so', async () => {
    const patch = async (prefer: string) =>
      await call('PATCH', '/flights/6', { body: TIMES, headers: { prefer } });
    expect(await patch('durability=aof')).toMatchObject({
      status: 202,
      headers: { 'preference-applied': 'durability=aof' },
      body: { durability: 'aof' },
    });
    const [memory, stored, unknown] = [
      await patch('durability=memory'),
      patch('durability=stored'),
      await patch('durability=gold'),
    ];
    expect([memory.body.durability, unknown.body.durability]).toEqual(['memory', 'memory']);
    expect(memory.headers).not.toHaveProperty('preference-applied');
    await call('POST', '/queue/flush', { body: {} });
    expect(await stored).toMatchObject({
      status: 200,
      headers: { 'preference-applied': 'wait=10, durability=stored' },
      body: { durability: 'stored', state: 'stored' },
    });
  });

  it('is accepted all the same where no replica takes it', async () => {
    const reply = await call('PATCH', '/flights/7', {
      body: TIMES,
      headers: { prefer: 'durability=replica' },
    });
    expect(reply).toMatchObject({ status: 202, body: { success: true, durability: 'memory' } });
    expect(reply.headers).not.toHaveProperty('preference-applied');
  });

  it('answers 200 once stored with Prefer: wait, and 202 when the time is up', async () => {
    const waiting = call('PATCH', '/flights/6', { body: TIMES, headers: { prefer: 'wait=5' } });
    await expect
      .poll(
        async () => (await call<{ processed: number }>('POST', '/queue/flush', { body: {} })).body.processed,
      )
      .toBeGreaterThan(0);
    expect(await waiting).toMatchObject({ status: 200, body: { state: 'stored' } });
    const late = await call('PATCH', '/flights/6', {
      body: TIMES,
      headers: { prefer: 'respond-async, wait=1' },
    });
    expect(late).toMatchObject({
      status: 202,
      body: { state: 'pending' },
      headers: { 'preference-applied': 'wait=1' },
    });
  });

  it.each([
    [400, 'departure', { body: { ...TIMES, departure: '2030-02-30T00:00:00Z' } }],
    [400, 'arrival', { body: { departure: TIMES.departure, arrival: TIMES.departure } }],
    [400, 'departure', { body: { arrival: TIMES.arrival } }],
    [400, 'gate', { body: { ...TIMES, gate: 'A1' } }],
    [
      400,
      '__proto__',
      { body: '{"__proto__":{},"departure":"2030-01-01T10:00:00Z","arrival":"2030-01-01T12:00:00Z"}' },
    ],
    [400, 'comment', { body: { ...TIMES, comment: 'x'.repeat(201) } }],
    [400, 'comment', { body: { ...TIMES, comment: 7 } }],
    [400, 'Idempotency-Key', { body: TIMES, headers: { 'idempotency-key': 'ä' } }],
    [400, undefined, { body: '{"departure":' }],
    [400, undefined, { body: '[]' }],
    [413, undefined, { body: { ...TIMES, comment: 'x'.repeat(17_000) } }],
    [415, 'Content-Type', { body: TIMES, headers: { 'content-type': 'text/plain' } }],
    [404, undefined, { body: TIMES, path: '/flights/101' }],
  ])(
    '%s, field %s',
    async (
      status,
      field,
      { path = '/flights/7', ...request }: Parameters<typeof call>[2] & { path?: string },
    ) => {
      const reply = await call('PATCH', path, request);
      expect(reply.status).toBe(status);
      expect(reply.body.field).toBe(field);
      expect(reply.headers['content-type']).toBe('application/problem+json');
    },
  );

  it('a receipt that never was is not found', async () => {
    const { receipt } = await accept(8);
    const earlier = receipt.replace(
      /(\d)-([\w-]{22})$/,
      (_all, digit: string, sign: string) => `${String((Number(digit) + 1) % 10)}-${sign}`,
    );
    expect(earlier).not.toBe(receipt);
    for (const wrong of ['x', `${receipt}x`, receipt.replace(/^8/, '9'), earlier]) {
      expect((await call('GET', `/writes/${wrong}`)).status).toBe(404);
    }
  });
});

describe('the queue', () => {
  it('shows what waits, processes a batch, and keeps what the database refuses', async () => {
    await call('POST', '/queue/flush', { body: {} });
    await world.db.query("ALTER TABLE flight ADD CONSTRAINT times CHECK (departure < '2090-01-01')");
    for (const id of [10, 11, 12]) await accept(id);
    const { receipt, seq } = await accept(13, {
      departure: '2091-01-01T10:00:00Z',
      arrival: '2091-01-01T12:00:00Z',
    });
    expect((await call('GET', '/queue')).body).toMatchObject({ queueLength: 4, deadLetters: 0 });
    expect((await call('POST', '/queue/process', { body: { batchSize: 2 } })).body).toMatchObject({
      processed: 2,
      remaining: 2,
    });
    expect((await call('POST', '/queue/flush')).body).toMatchObject({
      processed: 1,
      failed: 1,
      remaining: 0,
    });
    const write = await call('GET', `/writes/${receipt}`);
    expect(write.body).toMatchObject({ state: 'dead', reason: 'REFUSED' });
    expect(JSON.stringify(write.body)).not.toContain('constraint');
    const { body } = await call<{ deadLetters: object[] }>('GET', '/queue/dead-letters', {
      query: { limit: '10' },
    });
    const error = expect.stringContaining("Check constraint 'times' is violated") as string;
    expect(body.deadLetters).toMatchObject([{ id: '13', seq, reason: 'REFUSED', error, redrivable: true }]);
    const refused = await call('POST', '/queue/dead-letters/redrive', { body: { seqs: [seq] } });
    expect(refused.body).toMatchObject({ outcomes: [{ kind: 'REFUSED', error }] });
    await world.db.query('ALTER TABLE flight DROP CHECK times');
    const redriven = await call('POST', '/queue/dead-letters/redrive', { body: {} });
    expect(redriven.body).toMatchObject({ outcomes: [{ kind: 'REDRIVEN' }] });
    expect((await call('GET', '/flights/13')).body).toMatchObject({
      flight: { departure: '2091-01-01T10:00:00Z' },
    });
  });

  it('pages the audit trail by time without leaving an entry out', async () => {
    for (let index = 0; index < 5; index++) {
      await world.db.query(
        `INSERT INTO flight_log SELECT ?, 'x', flight_id, flightno, flightno, \`from\`, \`to\`, \`from\`, \`to\`, departure, arrival,
         departure, arrival, airplane_id, airplane_id, airline_id, airline_id, ? FROM flight WHERE flight_id = 20`,
        [`2026-01-01 00:00:0${String(Math.floor(index / 2))}`, String(index)],
      );
    }
    const seen: string[] = [];
    for (let before: string | null = '2027-01-01T00:00:00Z'; before !== null;) {
      const page: { body: { entries: { comment: string }[]; next: string | null } } = await call(
        'GET',
        '/flights/20/log',
        {
          query: { limit: '1', before },
        },
      );
      seen.push(...page.body.entries.map(({ comment }) => comment));
      before = page.body.next;
    }
    expect(seen.toSorted()).toEqual(['0', '1', '2', '3', '4']);
  });

  it.each([{ batchSize: 0 }, { batchSize: 1.5 }, { batchSize: '10' }, { size: 1 }])(
    'refuses %s',
    async (body) => {
      expect((await call('POST', '/queue/process', { body })).status).toBe(400);
    },
  );
});

describe('who calls', () => {
  const jwt = (scopes: string[]) => ({ jwt: { claims: { sub: 'ann', scope: scopes.join(' ') }, scopes } });

  it('is the token’s subject, and a body’s word does not count', async () => {
    vi.stubEnv('AUTH_MODE', 'jwt');
    const authorizer = jwt(['flights:write', 'flights:read', 'queue:admin']);
    const { status } = await call('PATCH', '/flights/30', { body: { ...TIMES, user: 'eve' }, authorizer });
    expect(status).toBe(202);
    await call('POST', '/queue/flush', { authorizer });
    const { body } = await call<{ entries: object[] }>('GET', '/flights/30/log', { authorizer });
    expect(body.entries[0]).toMatchObject({ user: 'ann' });
  });

  it.each([
    ['jwt', undefined, 401],
    ['jwt', jwt(['flights:read']), 403],
    ['jwt', { jwt: { claims: { scope: 'flights:write' } } }, 401],
    ['iam', undefined, 401],
    ['iam', jwt(['flights:write']), 401],
    ['iam', { iam: { userArn: 'arn:aws:iam::123456789012:user/ann' } }, 202],
  ])('AUTH_MODE=%s %j gives %s', async (mode, authorizer, status) => {
    vi.stubEnv('AUTH_MODE', mode);
    expect((await call('PATCH', '/flights/31', { body: TIMES, authorizer })).status).toBe(status);
  });

  it('none answers this machine only, unless it is told otherwise', async () => {
    expect((await call('GET', '/flights/1', { sourceIp: '203.0.113.7' })).status).toBe(403);
    vi.stubEnv('ALLOW_UNAUTHENTICATED', '1');
    expect((await call('GET', '/flights/1', { sourceIp: '203.0.113.7' })).status).toBe(200);
    vi.stubEnv('ALLOW_UNAUTHENTICATED', '');
  });
});

describe('health and the document', () => {
  it('tell how things are', async () => {
    await call('POST', '/queue/flush');
    expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { ok: true } });
    expect((await call('GET', '/openapi.json')).body).toMatchObject({ openapi: '3.1.0' });
  });
});
