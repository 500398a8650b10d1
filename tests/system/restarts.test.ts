/**
 * Flush functions that overlap, whose time runs out in the middle, and whose servers are killed and started again while
 * callers go on: nothing acknowledged is lost, nothing is stored twice.
 */
import { closeClients } from '@afterwrite/functions/compose';
import { handler as flush } from '@afterwrite/functions/flush';
import type { FlightCache } from '@afterwrite/flights';
import {
  makeTemporaryDataDir,
  type RunningEngine,
  startEngine,
  type TemporaryDataDir,
} from '@afterwrite/local-engines';
import { AfterwriteError } from '@afterwrite/write-behind';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lambdaContext } from '../support/invoke.ts';
import { cleanCounts, makeRecord, type TestRecord } from '../support/record.ts';
import { makeWorld, type World } from '../support/world.ts';

const UPDATES = 6000;
const FLIGHTS = 200;
const CALLERS = 16;
/** The function keeps 5 s for its end: this leaves a few hundred ms for batches, so that it stops in the middle. */
const SHORT_MS = 5300;
/** Longest time in which one update must get through, restarts included. */
const PATIENCE_MS = 60_000;

let folder: TemporaryDataDir;
let engines: Record<'valkey' | 'mysql', RunningEngine>;
let world: World;

beforeEach(async () => {
  folder = makeTemporaryDataDir();
  const [valkey, mysql] = await Promise.all([
    startEngine('valkey', { dataDir: folder.path }),
    startEngine('mysql', { dataDir: folder.path }),
  ]);
  engines = { valkey, mysql };
  world = await makeWorld({
    flights: FLIGHTS,
    valkey,
    mysql: { host: mysql.host, port: mysql.port, user: mysql.user ?? '', password: mysql.password ?? '' },
    environment: { QUEUE_PARTITIONS: '4', CACHE_CONNECT_TIMEOUT_MS: '500', DB_CONNECT_TIMEOUT_MS: '1000' },
  });
  const environment = { ...world.environment, FLUSH_LINGER_SECONDS: '0', FLUSH_FUNCTION_NAME: '' };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
  await Promise.all(Object.values(engines).map((engine) => engine.stop()));
  await folder.remove();
});

/** Killed at whatever it is doing, and started again on its data and its port. */
async function restart(name: keyof typeof engines): Promise<void> {
  const { port } = engines[name];
  await engines[name].kill();
  engines[name] = await startEngine(name, { dataDir: folder.path, port });
}

/** Calls until it is accepted; the idempotency key makes that safe, also where the outcome was unknown. */
async function insist(cache: FlightCache, index: number, { recorder }: TestRecord): Promise<void> {
  const uid = `u${String(index)}`;
  const flightId = 1 + ((Math.imul(index, 2_654_435_761) >>> 0) % FLIGHTS);
  const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000);
  const update = {
    departure,
    arrival: new Date(departure.getTime() + 3_600_000),
    user: 'test',
    comment: uid,
  };
  for (const until = Date.now() + PATIENCE_MS; ;) {
    try {
      await recorder.update(cache, flightId, { ...update, idempotencyKey: uid });
      return;
    } catch (error) {
      if (!(error instanceof AfterwriteError) || !error.retryable || Date.now() > until) throw error;
    }
  }
}

async function flushUntil(signal: AbortSignal): Promise<number> {
  let failed = 0;
  while (!signal.aborted) {
    // A flush that fails as a whole is what the schedule's next call is for.
    await flush({}, lambdaContext(SHORT_MS)).catch(() => failed++);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return failed;
}

describe('1 to 4 flushes whose time runs out, during restarts of Valkey and MySQL', () => {
  it('lose nothing and double nothing', async () => {
    const cache = await world.open();
    using record = makeRecord();
    const stop = new AbortController();
    const flushing = [flushUntil(stop.signal), flushUntil(stop.signal)];
    let next = 0;
    const call = async () => {
      for (let index = next++; index < UPDATES; index = next++) await insist(cache, index, record);
    };
    const writing = Promise.all(Array.from({ length: CALLERS }, call));
    for (const name of ['valkey', 'mysql', 'valkey', 'mysql'] as const) await restart(name);
    await writing;
    stop.abort();
    await Promise.all(flushing);
    const { remaining, stopped } = await cache.flushQueue();
    expect({ remaining, stopped }).toEqual({ remaining: 0, stopped: [] });
    await world.reconnect();
    expect(await record.check(world)).toMatchObject(cleanCounts(UPDATES));
  });
});
