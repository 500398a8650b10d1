/** Loads on real servers, each in its own process: what they write, what they leave alone, and how they end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadState } from '@afterwrite/client';
import { createFlightsUser, FlightCache } from '@afterwrite/flights';
import { parseSettings } from '@afterwrite/write-behind';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { makePlace, type Place } from '../../testing/commands.ts';
import { Recorded } from '../live/recorded.ts';
import { Load } from './load.ts';
import { asSql } from '../../../../tests/support/as-sql.ts';

const FLIGHTS = 80;
const THEIRS = 20;
const PATIENCE = { timeout: 15_000, interval: 20 };

let place: Place;
/** With passwords, and with the least rights. */
let environment: Record<string, string>;
let cache: FlightCache;
const loads: Load[] = [];

beforeAll(async () => {
  place = await makePlace(FLIGHTS);
  cache = await FlightCache.open(place.settings);
  const app = { user: place.settings.DB_NAME, host: '%', password: 'only for this test' };
  await createFlightsUser(asSql(place.connection), app);
  const { name, password } = inject('cacheUser');
  environment = {
    ...place.environment,
    ...{ DB_USER: app.user, DB_PASSWORD: app.password },
    ...{ CACHE_USERNAME: name, CACHE_PASSWORD: password },
  };
});
afterEach(async () => {
  await Promise.all(loads.splice(0).map((load) => load.stop()));
});
afterAll(async () => {
  await cache.close();
  await place.connection.query('DROP USER ?', [place.settings.DB_NAME]);
  await place.remove();
});

function makeLoad(more: Record<string, string> = {}): { load: Load; recorded: Recorded } {
  const recorded = new Recorded();
  const settings = parseSettings({ ...environment, ...more });
  const load = new Load({ settings, recorded, onLog: () => undefined });
  loads.push(load);
  return { load, recorded };
}

async function untilState(load: Load, state: LoadState['state']): Promise<LoadState> {
  await vi.waitFor(() => expect(load.state).toMatchObject({ state }), PATIENCE);
  return load.state;
}

async function loggedBy(comment: string): Promise<unknown> {
  const user = comment === 'write-behind' ? 'load' : 'load-comparison';
  const sql = 'SELECT COUNT(*) AS number FROM flight_log WHERE user = ? AND comment = ?';
  const [rows] = await place.connection.query<RowDataPacket[]>(sql, [user, comment]);
  return rows[0]?.number;
}

test('what it counts is what is stored, by each pattern, and no flight is cached otherwise than it is stored', async () => {
  // All of them are cached: those of the other two patterns, too.
  for (let id = 1; id <= FLIGHTS; id++) await cache.getFlight(id);
  const { load, recorded } = makeLoad();
  expect(load.state).toEqual({ state: 'IDLE', reason: null, run: null });
  expect(load.start({ updatesPerSecond: 400, seconds: 2 })).toBe(true);
  expect(load.state).toMatchObject({ state: 'STARTING', run: { accepted: 0, endedAt: null } });
  const askedAt = load.state.run!.startedAt;
  await untilState(load, 'RUNNING');
  expect(load.state.run!.startedAt).toBeGreaterThan(askedAt);
  expect(load.start({ updatesPerSecond: 1, seconds: 1 })).toBe(false);

  const { run, reason } = await untilState(load, 'IDLE');
  expect(reason).toBeNull();
  expect(run).toMatchObject({ updatesPerSecond: 400, seconds: 2, refused: {} });
  const { accepted, late, patterns, endedAt, startedAt } = run!;
  expect(accepted + late).toBe(800);
  expect(endedAt).toBeGreaterThanOrEqual(startedAt + 2000);
  expect(patterns['write-behind'].count).toBe(accepted);
  for (const { count, buckets, p50, p99, max } of Object.values(patterns)) {
    expect(buckets.reduce((sum, each) => sum + each, 0)).toBe(count);
    expect(p50).toBeGreaterThan(0);
    expect(p50).toBeLessThanOrEqual(p99);
    expect(p99).toBeLessThanOrEqual(max);
  }
  expect({ accepted: recorded.total('UpdatesAccepted'), latencies: recorded.total('WriteLatency') }).toEqual({
    accepted,
    latencies: accepted,
  });

  await cache.flushQueue();
  for (const [name, { count }] of Object.entries(patterns)) {
    expect(count).toBeGreaterThan(0);
    expect(await loggedBy(name)).toBe(count);
  }
  const [ranges] = await place.connection.query<RowDataPacket[]>(
    `SELECT comment, MIN(flight_id) AS low, MAX(flight_id) AS high FROM flight_log GROUP BY comment`,
  );
  for (const { comment, low, high } of ranges) {
    if (comment === 'write-behind') expect(high).toBeLessThanOrEqual(FLIGHTS - THEIRS);
    else expect(low).toBeGreaterThan(FLIGHTS - THEIRS);
  }
  const [odd] = await place.connection.query<RowDataPacket[]>(
    `SELECT * FROM flight_log WHERE DATE_FORMAT(departure_new, '%Y%m%d%H') <> DATE_FORMAT(departure_old, '%Y%m%d%H')
       OR TIMEDIFF(arrival_new, departure_new) <> TIMEDIFF(arrival_old, departure_old) LIMIT 5`,
  );
  expect(odd).toEqual([]);
  expect(await cache.reconcile({ sample: 'all', repair: false, ratePerSecond: 10_000 })).toMatchObject({
    different: 0,
  });
});

test('a stop ends it before its time, and the next may begin', async () => {
  const { load } = makeLoad();
  for (let round = 0; round < 2; round++) {
    load.start({ updatesPerSecond: 50, seconds: 600 });
    await untilState(load, 'RUNNING');
    const stopping = load.stop();
    expect(load.state.state).toBe('STOPPING');
    await stopping;
    expect(load.state).toMatchObject({ state: 'IDLE', reason: null });
    expect(load.state.run?.endedAt).not.toBeNull();
  }
  // Before it has begun, too.
  load.start({ updatesPerSecond: 50, seconds: 600 });
  await load.stop();
  expect(load.state).toMatchObject({ state: 'IDLE', run: { accepted: 0 } });
  await load.stop();
});

test('a full queue is counted under its code, and the load goes on', async () => {
  const other = { CACHE_NAMESPACE: `${place.settings.CACHE_NAMESPACE}f`, QUEUE_PARTITIONS: '1' };
  const { load } = makeLoad({ ...other, QUEUE_MAX_LENGTH: '5' });
  load.start({ updatesPerSecond: 200, seconds: 600 });
  await vi.waitFor(() => expect(load.state.run?.refused.QUEUE_FULL).toBeGreaterThan(1), PATIENCE);
  expect(load.state).toMatchObject({ state: 'RUNNING', run: { accepted: 5 } });
});

test('a process that dies, and one that cannot begin, are told in words', async () => {
  const { load } = makeLoad();
  load.start({ updatesPerSecond: 50, seconds: 600 });
  await untilState(load, 'RUNNING');
  process.kill(load.pid!, 'SIGKILL');
  expect((await untilState(load, 'FAILED')).reason).toBe(
    "The load's process ended by itself (SIGKILL). What was accepted is safe; start it again.",
  );
  expect(load.state.run?.endedAt).not.toBeNull();

  const away = makeLoad({ CACHE_PORT: '1', CACHE_CONNECT_TIMEOUT_MS: '200' }).load;
  away.start({ updatesPerSecond: 50, seconds: 600 });
  expect((await untilState(away, 'FAILED')).reason).toMatch(/Valkey/);
  // It is over: another may begin.
  expect(away.start({ updatesPerSecond: 50, seconds: 600 })).toBe(true);
});

test('it ends when its parent is killed', async () => {
  const program = join(import.meta.dirname, '../../testing/load-parent.ts');
  const { PATH } = process.env;
  const parent = spawn(process.execPath, [program], {
    env: { PATH, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const { pid, state } = JSON.parse(said.toString('utf8')) as { pid: number; state: string };
  expect(state).toBe('RUNNING');
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), PATIENCE);
});
