/** One request followed from PATCH to the transaction that stored it: by its trace, in the logs and in the queue item. */
import { closeClients } from '@afterwrite/functions/compose';
import { handler as flush } from '@afterwrite/functions/flush';
import { asXrayTrace, sampledTrace } from '@afterwrite/functions/lib/trace';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, lambdaContext } from '../support/invoke.ts';
import { type Line, type Output, watchOutput } from '../support/output.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const UNSAMPLED = TRACE.replace(/01$/, '00');
const ROOT = '1-5759e988-bd862e3fe1be46a994272793';
const PARENT = '53995c3f42cd8ad8';
const XRAY = `Root=${ROOT};Parent=${PARENT};Sampled=1`;

describe('an update of a traced request', () => {
  let world: World;
  let output: Output;

  beforeEach(async () => {
    world = await makeWorld({ flights: 150, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '1' } });
    const environment = { ...world.environment, FLUSH_LINGER_SECONDS: '0' };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    output = watchOutput();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await closeClients();
    vi.unstubAllEnvs();
    await world.dispose();
  });

  const patch = async (id: number, headers: Record<string, string>) => {
    const { status, body } = await call('PATCH', `/flights/${String(id)}`, { body: TIMES, headers });
    expect(status).toBe(202);
    return String(body.version);
  };
  const items = async () =>
    (await world.valkey.lrange(`${world.tag(0)}:queue`, 0, -1)).map((item) => JSON.parse(item) as unknown[]);
  const linesOf = (message: string): Line[] => output.lines.filter((line) => line.message === message);
  const flushNow = () => flush({ source: 'aws.scheduler' }, lambdaContext(20_000));

  it('has one name in both functions’ logs and in the queue, with all that happened to it', async () => {
    const position = await patch(1, { traceparent: TRACE });
    await patch(2, {});
    expect((await items()).map(([format, , , , id, , , , trace]) => [format, id, trace])).toEqual([
      [2, '1', TRACE],
      [1, '2', undefined],
    ]);
    await flushNow();
    const update = { trace: TRACE, flightId: 1, position };
    expect(linesOf('update accepted')).toMatchObject([{ ...update, replayed: false }]);
    expect(linesOf('update stored')).toMatchObject([
      { ...update, partition: 0, batchSize: 2, redriven: false },
    ]);
    const [stored] = linesOf('update stored') as (Line & Record<'acceptedAt' | 'committedAt', string>)[];
    const tookMs = Date.parse(stored!.committedAt) - Date.parse(stored!.acceptedAt);
    expect(Math.abs(tookMs - Number(stored!.lagMs))).toBeLessThan(2);
  });

  it('of X-Ray, by the runtime’s variable before the gateway’s header; one that is not sampled costs nothing', async () => {
    await patch(1, { 'x-amzn-trace-id': XRAY });
    await patch(2, { 'x-amzn-trace-id': `Root=${ROOT}` });
    vi.stubEnv('_X_AMZN_TRACE_ID', XRAY.replace('1-5759', '1-6759'));
    await patch(3, { 'x-amzn-trace-id': XRAY });
    await patch(4, { traceparent: UNSAMPLED });
    expect((await items()).map((item) => item[8])).toEqual([
      `${ROOT}-${PARENT}`,
      undefined,
      `${ROOT.replace('1-5759', '1-6759')}-${PARENT}`,
      undefined,
    ]);
    expect(linesOf('update accepted')).toHaveLength(2);
  });

  it('keeps its first trace when it is sent again', async () => {
    const headers = { traceparent: TRACE, 'idempotency-key': 'again' };
    const position = await patch(1, headers);
    const second = TRACE.replace('4bf92f', '5bf92f');
    expect(await patch(1, { ...headers, traceparent: second })).toBe(position);
    await flushNow();
    expect(linesOf('update accepted')).toMatchObject([
      { trace: TRACE, position, replayed: false },
      { trace: second, position, replayed: true },
    ]);
    expect(linesOf('update stored')).toMatchObject([{ trace: TRACE, position }]);
  });

  it('is followed among the dead letters too, and when it is redriven', async () => {
    const position = await patch(1, { traceparent: TRACE });
    await world.rows('UPDATE flight SET flight_id = 1000001 WHERE flight_id = 1');
    await flushNow();
    const update = { trace: TRACE, flightId: 1, position };
    expect(linesOf('update parked')).toMatchObject([{ ...update, parkedFor: 'MISSING_ROW' }]);
    const { body } = await call('GET', '/queue/dead-letters');
    expect(body).toMatchObject({ deadLetters: [{ update: { trace: TRACE } }] });
    await world.rows('UPDATE flight SET flight_id = 1 WHERE flight_id = 1000001');
    await call('POST', '/queue/dead-letters/redrive', { body: {} });
    expect(linesOf('update stored')).toMatchObject([{ ...update, redriven: true }]);
  });

  it('of many a bounded number is written down, and that there are more', async () => {
    for (let id = 1; id <= 105; id++) await patch(id, { traceparent: TRACE });
    await flushNow();
    expect(linesOf('update stored')).toHaveLength(100);
    expect(linesOf('more updates of traced requests are not followed here')).toHaveLength(1);
    output.clear();
    await patch(1, { traceparent: TRACE });
    await flushNow();
    expect(linesOf('update stored')).toHaveLength(1);
  });
});

describe('the trace of a request', () => {
  it.each([
    ['as W3C has it', TRACE, TRACE],
    ['with other flags beside sampled', TRACE.replace(/01$/, '03'), TRACE],
    ['of a later version', TRACE.replace(/^00/, 'cc'), TRACE],
    ['of a later version with more behind', `${TRACE.replace(/^00/, 'cc')}-what-ever`, TRACE],
    ['that is not sampled', UNSAMPLED, undefined],
    ['with more behind in version 00', `${TRACE}-more`, 'X-Ray'],
    ['of a version that is none', TRACE.replace(/^00/, 'ff'), 'X-Ray'],
    ['in capitals', TRACE.toUpperCase(), 'X-Ray'],
    ['too short', TRACE.slice(0, -1), 'X-Ray'],
    ['of zeros', TRACE.replace(/[0-9a-f]{32}/, '0'.repeat(32)), 'X-Ray'],
    ['without a parent', TRACE.replace('00f067aa0ba902b7', '0'.repeat(16)), 'X-Ray'],
    ['twice', `${TRACE}, ${TRACE}`, 'X-Ray'],
    ['not at all', undefined, 'X-Ray'],
  ])('%s', (_what, traceparent, trace) => {
    const expected = trace === 'X-Ray' ? `${ROOT}-${PARENT}` : trace;
    expect(sampledTrace(traceparent, XRAY)).toBe(expected);
  });

  it.each([
    ['one without a parent', `Root=${ROOT};Sampled=1`, ROOT],
    ['one in another order, with more', `Sampled=1;Lineage=1:2;Root=${ROOT};Self=x`, ROOT],
    ['one that is not sampled', `Root=${ROOT};Sampled=0`, undefined],
    ['one that leaves it to others', `Root=${ROOT};Sampled=?`, undefined],
    ['one that is damaged', 'Root=1-x;Sampled=1', undefined],
    ['none', '', undefined],
  ])('of X-Ray: %s', (_what, header, trace) => {
    expect(sampledTrace(undefined, undefined, header)).toBe(trace);
  });

  it('is X-Ray’s in its own form', () => {
    const root = '1-4bf92f35-77b34da6a3ce929d0e0e4736';
    expect(asXrayTrace(TRACE)).toEqual({ root, parent: '00f067aa0ba902b7' });
    expect(asXrayTrace(`${ROOT}-${PARENT}`)).toEqual({ root: ROOT, parent: PARENT });
    expect(asXrayTrace(ROOT)).toEqual({ root: ROOT, parent: undefined });
    expect(asXrayTrace('of somebody else')).toBeUndefined();
  });
});
