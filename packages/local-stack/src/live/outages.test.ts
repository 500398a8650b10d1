/** Servers that go and come back under the figures and a load: what they show meanwhile, and that they go on. */
import type { LiveSample } from '@afterwrite/client';
import { createFlughafenSchema, FlightCache, seedFlights } from '@afterwrite/flights';
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { parseSettings, type Settings } from '@afterwrite/write-behind';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Live, startLive } from '../start/live.ts';
import { outageNotices } from '../start/outage-notices.ts';
import { asSql } from '../../../../tests/support/as-sql.ts';

const PATIENCE = { timeout: 20_000, interval: 50 };
const folder = makeTemporaryDataDir();
const engines = {} as Record<'valkey' | 'mysql', RunningEngine>;
const samples: LiveSample[] = [];
const said: string[] = [];
let settings: Settings;
let live: Live;
let cache: FlightCache;

beforeAll(async () => {
  await Promise.all(
    (['valkey', 'mysql'] as const).map(async (name) => {
      engines[name] = await startEngine(name, { dataDir: folder.path });
    }),
  );
  const { host, port, user = '', password = '' } = engines.mysql;
  const connection = await createConnection({ host, port, user, password, timezone: 'Z', dateStrings: true });
  await createFlughafenSchema(asSql(connection), { database: 'flughafendb' });
  await seedFlights(asSql(connection), { flights: 60 });
  await connection.end();
  settings = parseSettings({
    ...{ DB_HOST: host, DB_PORT: String(port), DB_USER: user, DB_PASSWORD: password },
    ...{ CACHE_HOST: engines.valkey.host, CACHE_PORT: String(engines.valkey.port) },
  });
  cache = await FlightCache.open(settings);
  live = startLive({ servers: settings, isLoadAllowed: true, onLog: () => undefined });
  live.figures.onSample((sample) => samples.push(sample));
  const place = { description: '', address: 'here', isLocal: true, client: undefined };
  const queue = { ...place, title: 'Valkey' };
  const database = { ...place, title: 'MySQL' };
  live.figures.onSample(outageNotices({ queue, database }, (line) => said.push(line)));
});
afterAll(async () => {
  await live.close();
  await cache.close();
  await Promise.all(Object.values(engines).map((engine) => engine.stop()));
  await folder.remove();
});

async function restart(name: keyof typeof engines): Promise<void> {
  engines[name] = await startEngine(name, { dataDir: folder.path, port: engines[name].port });
}

async function untilSaid(...lines: readonly RegExp[]): Promise<void> {
  await vi.waitFor(
    () => expect(said).toEqual(lines.map((line) => expect.stringMatching(line) as string)),
    PATIENCE,
  );
}

async function untilSample(check: (sample: LiveSample) => void): Promise<LiveSample> {
  return await vi.waitFor(() => {
    const last = samples.at(-1)!;
    check(last);
    return last;
  }, PATIENCE);
}

test('without Valkey nothing is known of the queue, without MySQL nothing of dead letters; both come back', async () => {
  live.load.start({ updatesPerSecond: 100, seconds: 600 });
  await untilSample(({ load, queue }) => {
    expect(load.run?.accepted).toBeGreaterThan(0);
    expect(queue?.deadLetters).toBe(0);
  });
  await engines.mysql.kill();
  const noMysql = await untilSample(({ queue }) => expect(queue).toMatchObject({ deadLetters: null }));
  const flushed = await cache.flushQueue();
  expect(flushed.stopped[0]).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  // Updates need no database, and what waits for it goes on by itself; the other two patterns fail, and are none of the load's.
  const later = samples.length + 2;
  await untilSample(({ load, queue }) => {
    expect(samples.length).toBeGreaterThan(later);
    expect(load.run?.accepted).toBeGreaterThan(noMysql.load.run!.accepted);
    expect(load.run?.refused).toEqual({});
    expect(queue).toMatchObject({ stopped: [] });
  });
  const { patterns } = samples.at(-1)!.load.run!;
  expect(patterns['write-through'].count).toBeLessThanOrEqual(
    noMysql.load.run!.patterns['write-through'].count + 1,
  );
  await untilSaid(/^MySQL at here does not answer/);
  await restart('mysql');
  await untilSample(({ queue }) => expect(queue?.deadLetters).toBe(0));
  await untilSaid(/^MySQL/, /^MySQL at here answers again/);

  await engines.valkey.kill();
  const noValkey = await untilSample(({ queue }) => expect(queue).toBeNull());
  await untilSample(({ load }) => {
    expect(load.run?.refused.BUFFER_UNAVAILABLE).toBeGreaterThan(0);
    expect(load.state).toBe('RUNNING');
  });
  await untilSaid(/^MySQL/, /^MySQL/, /^Valkey at here does not answer/);
  await restart('valkey');
  await untilSample(({ queue, load }) => {
    expect(queue?.length).toBeGreaterThan(0);
    expect(load.run?.accepted).toBeGreaterThan(noValkey.load.run!.accepted);
  });
  await untilSaid(/^MySQL/, /^MySQL/, /^Valkey/, /^Valkey at here answers again/);
  // One a second all the time, whatever was away.
  const gaps = samples.slice(1).map(({ n, at }, index) => [n - samples[index]!.n, at - samples[index]!.at]);
  expect(gaps.filter(([numbers, ms]) => numbers !== 1 || ms! > 2500)).toEqual([]);
  await live.load.stop();
  expect(live.load.state).toMatchObject({ state: 'IDLE', reason: null });
});
