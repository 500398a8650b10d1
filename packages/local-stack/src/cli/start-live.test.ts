/** `npm start` beside the API: the figures are those of GET /queue and of MySQL, and a load goes from start to end. */
import { get } from 'node:http';
import type { LiveSample, LoadState } from '@afterwrite/client';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { makePlace, type Place, type RunningCommand, startCommand } from '../../testing/commands.ts';

const PATIENCE = { timeout: 20_000, interval: 50 };
const UPDATES = 12;

let place: Place;
let running: RunningCommand;
let url: string;
let said: string;
let stream: { readonly samples: LiveSample[]; readonly events: string[]; close(): void };

beforeAll(async () => {
  place = await makePlace(60);
});
afterAll(async () => {
  await place.remove();
});
beforeEach(() => {
  said = '';
});
afterEach(async () => {
  stream.close();
  running.child.kill('SIGKILL');
  await running.ended;
});

async function start(more: Record<string, string>): Promise<void> {
  running = startCommand('start', ['--verbose'], { ...place.environment, PORT: '0', ...more });
  let stdout = '';
  running.child.stdout.on('data', (text: string) => (stdout += text));
  running.child.stderr.on('data', (text: string) => (said += text));
  await running.sees('Afterwrite is ready on');
  await vi.waitFor(() => expect(stdout).toMatch(/ready on \S+\n/));
  url = /ready on (\S+)/.exec(stdout)![1]!;
  stream = listen(`${url}/stream`);
  // The schedule's first flush is over: the next ones are those that the test asks for.
  await vi.waitFor(() => expect(said).toContain('flush REPORT'), PATIENCE);
}

/** As an EventSource reads it. */
function listen(address: string): typeof stream {
  const samples: LiveSample[] = [];
  const events: string[] = [];
  let open = '';
  const request = get(address, (response) => {
    expect(response.headers['content-type']).toBe('text/event-stream');
    expect(response.headers['cache-control']).toBe('no-store');
    response.setEncoding('utf8').on('data', (text: string) => {
      const blocks = (open + text).split('\n\n');
      open = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
        events.push(fields.get('event')!);
        const data = JSON.parse(fields.get('data')!) as LiveSample | LiveSample[];
        for (const sample of [data].flat()) samples.push(sample);
        expect(Number(fields.get('id'))).toBe(samples.at(-1)?.n ?? 0);
      }
    });
    response.on('error', () => undefined);
  });
  request.on('error', () => undefined);
  return { samples, events, close: () => request.destroy() };
}

async function untilSample(check: (sample: LiveSample) => void): Promise<LiveSample> {
  return await vi.waitFor(() => {
    const last = stream.samples.at(-1)!;
    check(last);
    return last;
  }, PATIENCE);
}

async function post(path: string, body: unknown = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function patch(flightId: number): Promise<number> {
  const body = { departure: '2030-01-01T00:00:00Z', arrival: '2030-01-01T01:00:00Z' };
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/flights/${flightId}`, { method: 'PATCH', headers, body: JSON.stringify(body) }))
    .status;
}

async function flush(): Promise<void> {
  await vi.waitFor(() => expect(said).toMatch(/Invoke API: \S+;/));
  const client = new LambdaClient({
    endpoint: /Invoke API: (\S+);/.exec(said)![1]!,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  const { FunctionError } = await client.send(new InvokeCommand({ FunctionName: 'flush' }));
  expect(FunctionError).toBeUndefined();
  client.destroy();
}

async function storedUpdates(where = 'TRUE'): Promise<number> {
  const sql = `SELECT COUNT(*) AS number FROM flight_log WHERE ${where}`;
  const [rows] = await place.connection.query<RowDataPacket[]>(sql);
  return Number(rows[0]?.number);
}

test('figures are those of GET /queue and of MySQL; Prometheus is told the same', async () => {
  // One flush at the start, and then only when it is called.
  await start({ FLUSH_LINGER_SECONDS: '0' });
  await vi.waitFor(() =>
    expect(said).toContain(`Console: ${url}/ ; metrics for Prometheus: ${url}/metrics\n`),
  );
  for (let id = 1; id <= UPDATES; id++) expect(await patch(id)).toBe(202);
  for (const id of [1, 2, 40]) expect((await fetch(`${url}/flights/${id}`)).status).toBe(200);
  const queued = await untilSample(({ totals, queue }) => {
    expect({ accepted: totals.accepted, length: queue?.length, hits: totals.hits }).toEqual({
      accepted: UPDATES,
      length: UPDATES,
      hits: 2,
    });
  });
  const status = (await (await fetch(`${url}/queue`)).json()) as {
    queueLength: number;
    partitions: { length: number }[];
  };
  expect(queued.queue).toMatchObject({
    length: status.queueLength,
    partitions: status.partitions.map(({ length }) => length),
    deadLetters: 0,
    breaker: 'CLOSED',
    stopped: [],
  });
  expect(queued.totals).toMatchObject({ stored: 0, misses: 1 });
  expect(queued.minute.write?.count).toBe(UPDATES);
  expect(stream.events[0]).toBe('history');
  expect(new Set(stream.events.slice(1))).toEqual(new Set(['sample']));

  await flush();
  const drained = await untilSample(({ totals, queue }) => {
    expect({ stored: totals.stored, length: queue?.length }).toEqual({ stored: UPDATES, length: 0 });
  });
  expect(await storedUpdates()).toBe(UPDATES);
  expect(drained.minute.lag?.count).toBeGreaterThan(0);

  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await metrics.text();
  expect(text).toContain(`\nafterwrite_updates_accepted_total ${UPDATES}\n`);
  expect(text).toContain(`\nafterwrite_updates_stored_total ${UPDATES}\n`);
  expect(text).toContain('\nafterwrite_queue_length{partition="3"} 0\n');
  expect(text).toContain('\nafterwrite_streams 1\n');
  // The lines that say so are in the output of the functions as before.
  expect(said).toMatch(/^flush \{"_aws":.*"UpdatesStored":/m);
  const numbers = stream.samples.map(({ n }) => n);
  expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));

  // A database that DB_HOST names, and that nobody gave away.
  const refused = await post('/load', { updatesPerSecond: 10, seconds: 1 });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('ALLOW_LOAD=1') as string });
  expect(await (await fetch(`${url}/load`)).json()).toEqual({ state: 'IDLE', reason: null, run: null });
});

test('a load from start to stop, its figures in the samples; the end of npm start ends the next one', async () => {
  await start({ FLUSH_LINGER_SECONDS: '0', ALLOW_LOAD: '1' });
  const before = await storedUpdates("comment = 'write-behind'");
  for (const wrong of [
    {},
    { updatesPerSecond: 0, seconds: 1 },
    { updatesPerSecond: 1, seconds: 1.5 },
    [],
    { x: 1 },
  ]) {
    expect((await post('/load', wrong)).status).toBe(400);
  }
  const request = { updatesPerSecond: 200, seconds: 600 };
  const started = await post('/load', request);
  expect(started.status).toBe(202);
  expect(await started.json()).toMatchObject({ state: 'STARTING', run: request });
  const second = await post('/load', request);
  expect(second.status).toBe(409);
  expect(await second.json()).toMatchObject({ detail: expect.stringContaining('POST /load/stop') as string });
  await untilSample(({ load, rates }) => {
    expect(load.state).toBe('RUNNING');
    expect(rates.accepted).toBeGreaterThan(100);
  });
  const stopped = (await (await post('/load/stop')).json()) as LoadState;
  expect(stopped).toMatchObject({ state: 'IDLE', reason: null, run: { refused: {} } });
  const { accepted } = stopped.run!;
  await flush();
  const sample = await untilSample(({ totals, load }) => {
    expect(load.state).toBe('IDLE');
    expect(totals.stored).toBe(accepted);
  });
  expect(sample.totals.accepted).toBe(accepted);
  expect((await storedUpdates("comment = 'write-behind'")) - before).toBe(accepted);

  await post('/load', request);
  await untilSample(({ load }) => expect(load.run?.accepted).toBeGreaterThan(0));
  running.child.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/Ended; nothing waits\.\n$/);
  expect(stderr).not.toContain('did not finish');
});
