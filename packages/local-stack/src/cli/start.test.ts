import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { bundleFunctions } from '../bundle/bundle.ts';
import { projectBundles } from '../bundle/project.ts';
import { makePlace, type Place, type RunningCommand, startCommand } from '../../testing/commands.ts';

const READY = /^Afterwrite is ready on (http:\/\/127\.0\.0\.1:\d+)$/m;
let place: Place;
const started: RunningCommand[] = [];

beforeAll(async () => {
  place = await makePlace(50, { QUEUE_PROCESS_INTERVAL: '1' });
});
afterAll(async () => {
  await place.remove();
});

afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

interface Stack extends RunningCommand {
  readonly url: string;
  readonly lambdaEndpoint: string;
}

async function startStack(more: Record<string, string> = {}, args: readonly string[] = []): Promise<Stack> {
  const running = startCommand('start', args, { ...place.environment, PORT: '0', ...more });
  started.push(running);
  let [stdout, stderr] = ['', ''];
  running.child.stdout.on('data', (text: string) => (stdout += text));
  running.child.stderr.on('data', (text: string) => (stderr += text));
  await running.sees('Afterwrite is ready on');
  await vi.waitFor(() => expect(stdout).toMatch(READY));
  const lambdaEndpoint = /Invoke API: (\S+);/.exec(stderr)?.[1] ?? '';
  return { ...running, url: READY.exec(stdout)?.[1] ?? '', lambdaEndpoint };
}

async function patch(url: string, flightId: number, arrival: string): Promise<Response> {
  return await fetch(`${url}/flights/${flightId}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ departure: '2030-01-01T00:00:00Z', arrival }),
  });
}

async function countArrivals(arrival: string): Promise<unknown> {
  const [rows] = await place.connection.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS number FROM flight WHERE arrival = ?',
    [arrival],
  );
  return rows[0]?.number;
}

test('one command to an API whose updates reach the database by themselves; SIGTERM stores the rest', async () => {
  const { url, lambdaEndpoint, child, ended } = await startStack();
  const read = await fetch(`${url}/flights/1`);
  expect({ status: read.status, type: read.headers.get('content-type') }).toEqual({
    status: 200,
    type: 'application/json',
  });
  const written = await patch(url, 1, '2030-01-01T01:00:00Z');
  expect(written.status).toBe(202);
  expect(await (await fetch(`${url}/flights/1`)).json()).toMatchObject({
    source: 'CACHE_HIT',
    flight: { arrival: '2030-01-01T01:00:00Z' },
  });
  await vi.waitFor(async () => expect(await countArrivals('2030-01-01 01:00:00')).toBe(1), { timeout: 8000 });

  const client = new LambdaClient({
    endpoint: lambdaEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  const { FunctionError, Payload } = await client.send(new InvokeCommand({ FunctionName: 'migrate' }));
  expect({ FunctionError, said: Payload?.transformToString() }).toEqual({
    FunctionError: undefined,
    said: expect.stringContaining('"migrated":true') as string,
  });
  client.destroy();

  const late = await Promise.all([2, 3, 4, 5].map((id) => patch(url, id, '2030-01-01T02:00:00Z')));
  expect(late.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: `Afterwrite is ready on ${url}\n` });
  expect(stderr).toMatch(/Ended; nothing waits\.\n$/);
  expect(await countArrivals('2030-01-01 02:00:00')).toBe(4);
  await expect(fetch(url)).rejects.toThrow();
});

test('what cannot be stored is reported, and the next start stores it', async () => {
  const first = await startStack();
  await place.connection.query('RENAME TABLE flight_log TO flight_log_away');
  expect((await patch(first.url, 7, '2030-01-01T03:00:00Z')).status).toBe(202);
  // As the terminal does at Ctrl-C.
  first.child.kill('SIGINT');
  const { code, stderr } = await first.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/Ended; 1 update stays in the queue for the next start: .+\n$/);
  expect(await countArrivals('2030-01-01 03:00:00')).toBe(0);

  await place.connection.query('RENAME TABLE flight_log_away TO flight_log');
  const second = await startStack();
  await vi.waitFor(async () => expect(await countArrivals('2030-01-01 03:00:00')).toBe(1), { timeout: 8000 });
  second.child.kill('SIGTERM');
  expect((await second.ended).code).toBe(0);
});

test.runIf(process.platform === 'linux')('SIGKILL leaves no process behind', async () => {
  const { url, child } = await startStack();
  await fetch(`${url}/flights/1`);
  const children = childrenOf(child.pid!);
  // The guard, the environments of migrate and get-flight (frozen) and of flush (running).
  expect(children).toHaveLength(4);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(children.filter(isAlive)).toEqual([]), { timeout: 5000 });
});

function ps(...args: readonly string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8' });
  } catch {
    return ''; // There is none.
  }
}

function childrenOf(pid: number): number[] {
  return ps('-o', 'pid=', '--ppid', String(pid)).split('\n').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  const state = ps('-o', 'stat=', '-p', String(pid));
  return state !== '' && !state.startsWith('Z');
}

test('as in the image: bundles that are there, a named database that is made and filled, called from anywhere', async () => {
  const empty = await makePlace(undefined);
  try {
    const open = { ...empty.environment, HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: '1' };
    const refused = await startCommand('start', [], { ...open, PORT: '0' }).ended;
    expect(refused.stderr).toMatch(/does not exist: set DB_NAME, or make it with `npm run seed`\.\n$/);
    await bundleFunctions(projectBundles);
    const { url, child, ended } = await startStack(open, ['--built', '--own-database', '--verbose']);
    expect(await (await fetch(`${url}/flights/20000`)).json()).toMatchObject({
      flight: { flight_id: 20_000 },
    });
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toContain('filling the database');
    // The sources are left alone: in the image there is nothing to bundle them with.
    expect(stderr).not.toContain('bundling the functions');
  } finally {
    await empty.remove();
  }
});

test('a port that is taken, and a configuration that lets everybody in, are told in a line before anything starts', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const taken = await startCommand('start', [], { PORT: String(port) }).ended;
  server.close();
  expect(taken).toEqual({
    code: 1,
    stdout: '',
    stderr: `afterwrite: 127.0.0.1:${port} is taken by another program: set PORT to a free port.\n`,
  });
  const open = await startCommand('start', [], { HOST: '0.0.0.0', PORT: '0' }).ended;
  expect(open.code).toBe(1);
  expect(open.stderr).toMatch(
    /^afterwrite: The configuration is not right\.\n {2}HOST: 0\.0\.0\.0 can be reached/,
  );
  const iam = await startCommand('start', [], { AUTH_MODE: 'iam' }).ended;
  expect(iam.stderr).toContain('AUTH_MODE: iam needs AWS');
});
