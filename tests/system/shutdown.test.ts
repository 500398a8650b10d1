/**
 * SIGTERM at any moment of any process loses nothing: each is ended many times at moments drawn at random, while writers go
 * on that keep a record of what was acknowledged; then all that waits is stored and the record is compared.
 * AFTERWRITE_SEED repeats a run.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { FlightCache } from '@afterwrite/flights';
import { makeTemporaryDataDir, startEngine } from '@afterwrite/local-engines';
import type { UpdateResult } from '@afterwrite/write-behind';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { cleanVerdict, History } from '../support/history.ts';
import { type Ended, Program } from '../support/program.ts';
import { randomFrom } from '../support/random.ts';
import { makeWorld, type World } from '../support/world.ts';
import { type Sent, startWriters } from '../support/writers.ts';

const SEED = Number(process.env.AFTERWRITE_SEED ?? 11);
const FLIGHTS = 100;
const ROOT = join(import.meta.dirname, '../..');
const SERVICE = new URL('../support/service-process.ts', import.meta.url).pathname;
const CLI = 'packages/local-stack/src/cli';
/** How long an ending drains here; what it may take beyond it on a busy machine. */
const FLUSH_TIMEOUT_MS = 1000;
const SLACK_MS = 6000;
const ENDED = /^Ended; (?:nothing waits|[\d,]+ updates? could not be stored and stays? in the queue)\.$/m;

let world: World;
const random = randomFrom(SEED);

afterEach(async () => {
  await world.dispose();
});

async function drained(cache: FlightCache): Promise<void> {
  // Where the database was away, the breaker lets a flush through a moment later.
  await expect.poll(async () => (await cache.flushQueue()).remaining, { timeout: 30_000 }).toBe(0);
  expect(await cache.queueStatus()).toMatchObject({ queueLength: 0, deadLetters: 0 });
}

/** Of a cache in this process. */
function sendTo(cache: FlightCache) {
  return async ({ uid, flightId, departure, arrival }: Sent) =>
    await cache.updateFlightDeparture(flightId, {
      ...{ departure, arrival },
      ...{ user: 'test', comment: uid, idempotencyKey: uid },
    });
}

/** At any moment: while it starts, or within a second of its work. */
async function anyMoment(ready: Promise<unknown>): Promise<void> {
  // Ended before that it never will be.
  ready.catch(() => undefined);
  if (random.chance(0.3)) await delay(1000 * random.float());
  else await ready.then(() => delay(1000 * random.float()));
}

/** Signals it, and again a while later where `isTwice`; how it ended, and how long after the first. */
async function end(
  program: Program,
  isTwice = false,
): Promise<Ended & { tookMs: number; signalledTwice: boolean }> {
  const startedMs = performance.now();
  program.child.kill('SIGTERM');
  let signalledTwice = false;
  if (isTwice) {
    // Sooner it is taken for an echo of the first.
    await Promise.race([program.ended, delay(350)]);
    signalledTwice = !program.isOver;
    program.child.kill('SIGINT');
  }
  const ended = await program.ended;
  return { ...ended, tookMs: performance.now() - startedMs, signalledTwice };
}

describe('3 4 SIGTERM under load', () => {
  it('npm run worker, npm run reconcile and a service of one’s own', async () => {
    world = await makeWorld({ flights: FLIGHTS });
    const cache = await world.open();
    const history = new History();
    const writers = startWriters({ history, flights: FLIGHTS, writers: 2, send: sendTo(cache) });
    const environment = {
      ...world.environment,
      QUEUE_PROCESS_INTERVAL: '1',
      QUEUE_FLUSH_TIMEOUT_MS: String(FLUSH_TIMEOUT_MS),
    };
    let byServices = 0;
    const failures: string[] = [];
    const service = async (number: number) => {
      const ready = Promise.withResolvers<undefined>();
      const told = (message: unknown) => {
        const { uid, flightId, column, error, ...result } = message as Told;
        ready.resolve(undefined);
        if (error !== undefined) failures.push(error);
        if (uid === undefined || error !== undefined) return;
        byServices++;
        history.acknowledge(uid, flightId, column, result);
      };
      const args = [String(1_000_000 * (number + 1)), String(FLIGHTS)];
      const program = new Program(SERVICE, args, environment, told);
      await anyMoment(ready.promise);
      const { code, stderr, tookMs } = await end(program);
      expect(stderr).toBe('');
      expect([0, null]).toContain(code);
      expect(tookMs).toBeLessThan(FLUSH_TIMEOUT_MS + SLACK_MS);
    };
    const worker = async (isTwice: boolean) => {
      const program = new Program(`${CLI}/worker.ts`, [], environment);
      await anyMoment(program.sees(/Storing/));
      const { code, stdout, stderr, tookMs, signalledTwice } = await end(program, isTwice);
      expect(stderr).toBe('');
      if (signalledTwice) expect([0, 130, 143, null]).toContain(code);
      else if (!stdout.includes('Storing')) expect([143, null]).toContain(code);
      else expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(ENDED) as string });
      expect(tookMs).toBeLessThan(FLUSH_TIMEOUT_MS + SLACK_MS);
    };
    const reconcile = async () => {
      const program = new Program(`${CLI}/reconcile.ts`, ['--all'], environment);
      await delay(1500 * random.float());
      const { code } = await end(program);
      expect([0, 143, null]).toContain(code);
    };
    for (let round = 0; round < 4; round++) {
      await Promise.all([worker(false), round === 0 ? reconcile() : worker(true), service(round)]);
    }
    const byWriters = await writers.stop();
    await drained(cache);
    console.log(
      `${String(byWriters)} updates, ${String(byServices)} by services, refused ${JSON.stringify(failures)}`,
    );
    expect(byServices).toBeGreaterThan(0);
    expect(await history.verdict(world)).toEqual(cleanVerdict(byWriters + byServices));
  });
});

describe('3 4 SIGTERM of npm start and of the functions', () => {
  beforeAll(async () => {
    await promisify(execFile)(process.execPath, [join(ROOT, CLI, 'bundle.ts')]);
  });

  it('loses nothing that the API has answered for', async () => {
    world = await makeWorld({ flights: FLIGHTS });
    const cache = await world.open();
    const history = new History();
    let url = 'http://127.0.0.1:1';
    const send = async ({ uid, flightId, departure, arrival }: Sent) => {
      const response = await fetch(`${url}/flights/${String(flightId)}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', 'idempotency-key': uid },
        body: JSON.stringify({ departure, arrival, user: 'test', comment: uid }),
      });
      if (response.status !== 202) throw new Error(String(response.status));
      return (await response.json()) as UpdateResult;
    };
    let answered = 0;
    const counted = async (sent: Sent) => {
      const result = await send(sent);
      answered++;
      return result;
    };
    const writers = startWriters({ history, flights: FLIGHTS, writers: 4, send: counted });
    const environment = { ...world.environment, PORT: '0', QUEUE_PROCESS_INTERVAL: '1' };
    let functionsEnded = 0;
    for (let round = 0; round < 2; round++) {
      const program = new Program(`${CLI}/start.ts`, ['--built'], environment);
      [, url = ''] = await program.sees(/^Afterwrite is ready on (\S+)$/m);
      for (let stop = 0; stop < 4; stop++) {
        const before = answered;
        await expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(before + 10);
        await delay(200 * random.float());
        const environments = functionProcessesOf(program.child.pid!);
        if (environments.length === 0) continue;
        // Frozen ones hear it when they are thawed, as the next invocation begins.
        process.kill(random.pick(environments), 'SIGTERM');
        functionsEnded++;
      }
      const { code, stderr, tookMs } = await end(program);
      expect(code).toBe(0);
      expect(stderr).toMatch(
        /Ended; (?:nothing waits|[\d,]+ updates? stays? in the queue for the next start)/,
      );
      expect(tookMs).toBeLessThan(30_000 + SLACK_MS);
      expect(functionProcessesOf(program.child.pid!)).toEqual([]);
    }
    // What the last of them did not answer for is sent again, to the same queue.
    const program = new Program(`${CLI}/start.ts`, ['--built'], environment);
    [, url = ''] = await program.sees(/^Afterwrite is ready on (\S+)$/m);
    const count = await writers.stop();
    expect((await end(program)).code).toBe(0);
    await drained(cache);
    console.log(`${String(count)} updates, ${String(functionsEnded)} functions ended`);
    expect(await history.verdict(world)).toEqual(cleanVerdict(count));
  });
});

describe('3 4 SIGTERM of npm run demo and npm run seed', () => {
  it('leaves what was accepted in the queue, and rows that the next run completes', async () => {
    world = await makeWorld({ flights: FLIGHTS });
    const cache = await world.open();
    for (let stop = 0; stop < 3; stop++) {
      const demo = new Program(`${CLI}/demo.ts`, ['--flight-id', '5'], world.environment);
      await anyMoment(demo.sees(/Step 3/));
      expect([0, 143, null]).toContain((await end(demo)).code);
    }
    await drained(cache);
    expect(await cache.verifyConsistency(5)).toMatchObject({ pending: false, consistent: true });
    const log = await world.rows<{ departure_old: string; departure_new: string }>(
      'SELECT departure_old, departure_new FROM flight_log WHERE flight_id = 5',
    );
    const [flight] = await world.rows<{ departure: string }>(
      'SELECT departure FROM flight WHERE flight_id = 5',
    );
    expect(log.map(({ departure_new }) => departure_new)).toEqual([
      ...log.slice(1).map(({ departure_old }) => departure_old),
      ...(log.length > 0 ? [flight?.departure] : []),
    ]);

    const seed = () =>
      new Program(`${CLI}/seed.ts`, ['--flights', '4000'], { ...world.environment, ...world.privileged });
    for (let stop = 0; stop < 2; stop++) {
      const seeding = seed();
      await delay(1500 * random.float());
      expect([0, 143, null]).toContain((await end(seeding)).code);
    }
    expect(await seed().ended).toMatchObject({ code: 0, stderr: '' });
    const [flights] = await world.rows<{ count: number; last: number }>(
      'SELECT COUNT(*) AS count, MAX(flight_id) AS last FROM flight',
    );
    expect(flights).toEqual({ count: 4000, last: 4000 });
  });
});

describe('SIGTERM while Valkey is away', () => {
  it('a worker says so and ends; what waits is as Valkey kept it', async () => {
    const folder = makeTemporaryDataDir();
    let engine = await startEngine('valkey', { dataDir: folder.path });
    onTestFinished(async () => {
      await engine.stop();
      await folder.remove();
    });
    world = await makeWorld({ flights: FLIGHTS, valkey: engine });
    const cache = await world.open();
    const environment = {
      ...world.environment,
      QUEUE_PROCESS_INTERVAL: '3600',
      CACHE_CONNECT_TIMEOUT_MS: '500',
    };
    const worker = new Program(`${CLI}/worker.ts`, [], environment);
    await worker.sees(/Storing/);
    const history = new History();
    const writers = startWriters({ history, flights: FLIGHTS, writers: 2, send: sendTo(cache) });
    await delay(200);
    const count = await writers.stop();
    await engine.stop();
    const { code, stdout, tookMs } = await end(worker);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^Ended; what waits stays in the queue for the next start: .+/m,
      ) as string,
    });
    expect(tookMs).toBeLessThan(FLUSH_TIMEOUT_MS + SLACK_MS);
    engine = await startEngine('valkey', { dataDir: folder.path, port: engine.port });
    await drained(cache);
    expect(await history.verdict(world)).toEqual(cleanVerdict(count));
  });
});

describe('3 4 SIGTERM of npm run engines', () => {
  it('ends both servers, also when the signal comes twice, and the next start has all that was acknowledged', async () => {
    const folder = makeTemporaryDataDir();
    onTestFinished(() => folder.remove());
    const run = (ports: Record<string, string> = {}) =>
      new Program('packages/local-engines/src/cli.ts', ['run', folder.path], ports);
    const placesOf = async (program: Program) => {
      const [line] = await program.sees(/^\{.*\}$/m);
      return JSON.parse(line) as Record<'valkey' | 'mysql', EnginePlace>;
    };
    const first = run();
    const { valkey, mysql } = await placesOf(first);
    const { host, port } = mysql;
    world = await makeWorld({
      flights: FLIGHTS,
      valkey,
      mysql: { host, port, user: 'root', password: '' },
      // MySQL is away for seconds: nobody waits longer than that afterwards.
      environment: { QUEUE_BREAKER_MAX_MS: '500' },
    });
    const cache = await world.open();
    const history = new History();
    const writers = startWriters({ history, flights: FLIGHTS, writers: 2, send: sendTo(cache) });
    const flushing = new AbortController();
    const flushed = (async () => {
      while (!flushing.signal.aborted) await cache.flushQueue().catch(() => delay(50));
    })();
    await delay(500 + 1000 * random.float());
    first.child.kill('SIGINT');
    // As npm hands on what the terminal has sent already.
    await delay(20);
    first.child.kill('SIGINT');
    const { code } = await first.ended;
    expect(code).toBe(0);
    expect([valkey.pid, mysql.pid].filter(isAlive)).toEqual([]);

    const second = run({ CACHE_PORT: String(valkey.port), DB_PORT: String(mysql.port) });
    onTestFinished(async () => {
      expect((await end(second)).code).toBe(0);
    });
    await placesOf(second);
    await delay(500);
    const count = await writers.stop();
    flushing.abort();
    await flushed;
    await world.reconnect();
    await drained(cache);
    console.log(`${String(count)} updates`);
    expect(await history.verdict(world)).toEqual(cleanVerdict(count));
  });
});

interface EnginePlace {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

/** Not one that is only waiting to be reaped. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** The environments of functions that a stack has now. */
function functionProcessesOf(pid: number): number[] {
  let children: string;
  try {
    children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  } catch {
    return [];
  }
  return children
    .split(' ')
    .filter((child) => child !== '' && commandOf(child).includes('bootstrap.mjs'))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

interface Told {
  readonly uid?: string;
  readonly flightId: number;
  readonly column: string;
  readonly version: string;
  readonly seq: number;
  readonly error?: string;
}
