/** `npm run status` as a person runs it: on the whole system, and on a server whose answers and absences are chosen here. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import {
  makePlace,
  type Place,
  runCommandLine,
  type RunningCommand,
  startCommand,
} from '../../testing/commands.ts';
import { healthAnswer, queueAnswer, sample } from '../../testing/status-answers.ts';
import type { QueueAnswer } from '@afterwrite/client';
import type { StatusReport } from '../status/report.ts';

let place: Place;
const started: RunningCommand[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  place = await makePlace(20, { QUEUE_PROCESS_INTERVAL: '1' });
});
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  for (const server of servers.splice(0)) await stop(server);
});
afterAll(async () => {
  await place.remove();
});

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function statusOf(...args: readonly string[]) {
  const { code, stdout, stderr } = await runCommandLine('status', args, {});
  return { code, stderr, stdout };
}

/** Answers as a local stage does, by these. */
async function serve(answers: Record<string, (response: ServerResponse) => void>, port = 0): Promise<Server> {
  const server = createServer(({ url = '' }, response) => {
    const answer = answers[url];
    if (answer) answer(response);
    else json({ message: 'Not Found' }, 404)(response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

function json(body: unknown, status = 200): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const addressOf = (server: Server) => `http://127.0.0.1:${String(portOf(server))}`;

const LOCAL_STAGE = {
  '/queue': json(queueAnswer({}, [1, 2, 4, 5])),
  '/health': json(healthAnswer()),
  '/stream': (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (name: string, data: unknown) =>
      response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    let n = 60;
    const next = () => sample(n++, { at: Date.now() });
    send('history', [next()]);
    const timer = setInterval(() => send('sample', next()), 200);
    response.on('close', () => clearInterval(timer));
  },
};

test('the whole system: healthy is 0, what needs a person is 1 and said, what is not there is 2', async () => {
  const running = startCommand('start', [], { ...place.environment, PORT: '0' });
  started.push(running);
  let said = '';
  running.child.stdout.on('data', (text: string) => (said += text));
  await running.sees('Afterwrite is ready on');
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '';

  // By PORT, as `npm start` is found.
  const environment = { PORT: new URL(url).port };
  const well = await runCommandLine('status', ['--json'], environment);
  expect(well).toMatchObject({ code: 0, stderr: '' });
  const report = JSON.parse(well.stdout) as StatusReport;
  expect(report).toMatchObject({
    url,
    state: 'HEALTHY',
    problems: [],
    queue: { length: 0, stopped: [] },
    live: { failureShare: null, lag: null },
  });
  expect(report.queue?.partitions).toHaveLength(16);

  await place.connection.query('RENAME TABLE flight_log TO flight_log_away');
  await fetch(`${url}/flights/1`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ departure: '2030-01-01T00:00:00Z', arrival: '2030-01-01T01:00:00Z' }),
  });
  const stopped = async () => {
    const { partitions } = (await (await fetch(`${url}/queue`)).json()) as QueueAnswer;
    return partitions.filter((partition) => partition.stopped !== null).length;
  };
  await expect.poll(stopped, { timeout: 10_000 }).toBe(1);
  const ill = await statusOf('--url', url);
  expect(ill).toMatchObject({ code: 1, stderr: '' });
  expect(ill.stdout).toMatch(/^needs a person$/m);
  expect(ill.stdout).toMatch(/^Queue +1 wait, the oldest for /m);
  expect(ill.stdout).toMatch(/^Stopped +\d+ \(STORE_ERROR\)$/m);
  expect(ill.stdout).toContain('What to do: "PartitionsStopped" in docs/OPERATIONS.md');
  await place.connection.query('RENAME TABLE flight_log_away TO flight_log');

  running.child.kill('SIGTERM');
  await running.ended;
  const away = await runCommandLine('status', [], environment);
  expect(away).toMatchObject({ code: 2, stdout: '' });
  expect(away.stderr).toMatch(
    /^afterwrite: GET .*cannot be reached\. Nothing is at http:\/\/127\.0\.0\.1:\d+: start it with `npm start`, or name another by --url\.\n$/,
  );
});

test('--watch shows each second how it is, that nothing answers, and finds back; Ctrl-C is no failure', async () => {
  const first = await serve(LOCAL_STAGE);
  const running = startCommand('status', ['--watch', '--json', '--url', addressOf(first)], {});
  started.push(running);
  let said = '';
  running.child.stdout.on('data', (text: string) => (said += text));
  const reports = () =>
    said
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as StatusReport);
  await vi.waitFor(
    () =>
      expect(reports().at(-1)).toMatchObject({
        state: 'HEALTHY',
        live: { storedRate: expect.any(Number) as number },
      }),
    8000,
  );
  const port = portOf(first);
  await stop(first);
  await vi.waitFor(
    () => expect(reports().at(-1)).toMatchObject({ state: 'DISCONNECTED', queue: { length: 12 } }),
    12_000,
  );
  expect(reports().at(-1)?.silence?.reason).toContain('cannot be reached');
  await serve(LOCAL_STAGE, port);
  const before = reports().length;
  await vi.waitFor(
    () =>
      expect(reports().slice(before).at(-1)).toMatchObject({
        state: 'HEALTHY',
        silence: null,
        live: { lag: { p50: 12 } },
      }),
    12_000,
  );
  running.child.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
});

test('--watch into a pipe gives plain lines, also of a service that is not there yet', async () => {
  const server = await serve(LOCAL_STAGE);
  const [url, port] = [addressOf(server), portOf(server)];
  await stop(server);
  const running = startCommand('status', ['--watch', '--url', url], {});
  started.push(running);
  await running.sees('the API cannot be reached.');
  await serve(LOCAL_STAGE, port);
  await running.sees('  healthy  queue 12  ');
  running.child.kill('SIGTERM');
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  expect(stdout).not.toContain('\u001b');
});

test('a stage that has just been started has no history: its first sample is waited for', async () => {
  const server = await serve({
    ...LOCAL_STAGE,
    '/stream': (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: history\ndata: []\n\n');
      const text = `event: sample\ndata: ${JSON.stringify(sample(1, { at: Date.now() }))}\n\n`;
      const timer = setTimeout(() => response.write(text), 1000);
      response.on('close', () => clearTimeout(timer));
    },
  });
  const { code, stdout } = await statusOf('--json', '--url', addressOf(server));
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ live: { storedRate: expect.any(Number) as number } });
});

test('where there is no stream, as on AWS, the dashboard is named', async () => {
  const { '/stream': _none, ...remote } = LOCAL_STAGE;
  const { code, stdout } = await statusOf('--url', addressOf(await serve(remote)));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Hit rate +on AWS: see the dashboard$/m);
});

test('mistakes are named in one line', async () => {
  const nobody = await serve({});
  const refuses = await serve({
    '/queue': json({ message: 'Forbidden' }, 403),
    '/health': json(healthAnswer()),
  });
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['--url', addressOf(nobody)], 'is not Afterwrite'],
    [['--url', 'http://127.0.0.1:1'], 'cannot be reached. Is http://127.0.0.1:1 the right address?'],
    [['--url', addressOf(refuses)], 'refuses the caller (403, asked without credentials)'],
    [['--url', 'http://example.com'], 'without TLS'],
    [['--url', 'example.com'], 'it must be an address'],
    [['--url', 'https://example.com'], 'set AWS_REGION'],
    [['--token-file', '/nowhere/token'], 'The token cannot be read'],
    [['--wach'], 'unknown option'],
  ];
  const outcomes = await Promise.all(cases.map(([args]) => statusOf(...args)));
  for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
    expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 2, stdout: '', lines: 2 });
    expect(stderr).toContain(cases[index]?.[1]);
  }
  const noPort = await runCommandLine('status', [], { PORT: '0' });
  expect(noPort).toMatchObject({ code: 2, stderr: expect.stringContaining('PORT is 0') as string });
});
