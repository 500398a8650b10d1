/**
 * Random and hostile requests: none gives a 5xx, an answer that is no answer, or a word of the inside, and the tables
 * change by nothing but what was accepted. AFTERWRITE_HOSTILE=100000 sends so many, AFTERWRITE_HOSTILE_SEED repeats a run.
 * With AFTERWRITE_HOSTILE_URL they go over HTTP to an API that runs there, whose answers alone are checked then.
 */
import { closeClients } from '@afterwrite/functions/compose';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HostileSource, type HostileRequest, type Send } from '../support/hostile.ts';
import { asCarried, sendOverHttp } from '../support/hostile-http.ts';
import { classOf, faultOf, foreignKeys, Ledger, readTables } from '../support/hostile-ledger.ts';
import { sendInProcess } from '../support/hostile-send.ts';
import { call } from '../support/invoke.ts';
import { forgedSignature } from '../support/hostile-values.ts';
import { makeWorld, type World } from '../support/world.ts';

const REQUESTS = Number(process.env.AFTERWRITE_HOSTILE ?? 5000);
const SEED = Number(process.env.AFTERWRITE_HOSTILE_SEED ?? Date.now() % 2 ** 31);
const URL_OF_API = process.env.AFTERWRITE_HOSTILE_URL;
const FLIGHTS = 300;
/** At the same time: enough to race for the same flights, few enough for two cores. */
const SENDERS = 6;
/** Longest run: ten times what a request takes here, and the time to read the tables. */
const TIME_LIMIT_MS = 60_000 + REQUESTS * 20;

let world: World;

beforeAll(async () => {
  world = await makeWorld({ flights: FLIGHTS, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '4' } });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
  await world.open();
});
afterAll(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

interface Run {
  readonly send: Send;
  readonly adapt: (request: HostileRequest) => HostileRequest;
  readonly faults: string[];
  readonly counts: Map<string, number>;
  readonly ledger: Ledger;
}

async function run({ send, adapt }: Pick<Run, 'send' | 'adapt'>): Promise<Run> {
  const source = new HostileSource({ seed: SEED, flights: FLIGHTS });
  const found: Run = { send, adapt, faults: [], counts: new Map(), ledger: new Ledger() };
  let sent = 0;
  const sender = async () => {
    while (sent < REQUESTS && found.faults.length < 5) {
      sent += 1;
      await sendOne(source, found);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  return found;
}

async function sendOne(source: HostileSource, found: Run): Promise<void> {
  const { faults, counts, ledger } = found;
  const request = found.adapt(source.next());
  try {
    const reply = await found.send(request);
    const name = classOf(request, reply);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const fault = faultOf(request, reply);
    if (fault !== undefined) faults.push(`${fault}\n${shown(request)}\n${JSON.stringify(reply)}`);
    const accepted = ledger.note(request, reply);
    if (accepted) source.learn(request, accepted);
  } catch (error) {
    faults.push(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n${shown(request)}`);
  }
}

function shown(request: HostileRequest): string {
  return JSON.stringify(request).slice(0, 2000);
}

it(
  `${REQUESTS} hostile requests, seed ${SEED}: no 5xx, no leak, no change but what was accepted`,
  async () => {
    const keysBefore = new Set(await world.valkey.keys('*'));
    const before = await readTables(world.db);
    const startedAt = performance.now();
    const { faults, counts, ledger } = await run({ send: sendInProcess, adapt: (request) => request });
    const seconds = (performance.now() - startedAt) / 1000;
    expect(faults, `seed ${SEED}`).toEqual([]);

    const flushed = await (await world.open()).flushQueue();
    expect(flushed).toMatchObject({ failed: 0, remaining: 0, stopped: [] });
    const after = await readTables(world.db);
    const expected = ledger.expected(before);
    expect(after.log.length, 'one row in the audit trail for each accepted update').toBe(
      before.log.length + ledger.size,
    );
    expect(after.log.find((row, index) => row !== expected.log[index])).toBeUndefined();
    expect(after).toEqual(expected);
    expect(ledger.size).toBeGreaterThan(REQUESTS / 10);

    const keys = (await world.valkey.keys('*')).filter((key) => !keysBefore.has(key));
    expect(foreignKeys(keys, `${world.environment.CACHE_NAMESPACE ?? ''}\\.flight\\.`)).toEqual([]);
    if (REQUESTS > 5000) report(counts, ledger.size, seconds);
  },
  TIME_LIMIT_MS,
);

if (URL_OF_API !== undefined) {
  it(
    `the same over HTTP, to ${URL_OF_API}`,
    async () => {
      const startedAt = performance.now();
      const { faults, counts, ledger } = await run({ send: sendOverHttp(URL_OF_API), adapt: asCarried });
      report(counts, ledger.size, (performance.now() - startedAt) / 1000);
      expect(faults, `seed ${SEED}`).toEqual([]);
    },
    TIME_LIMIT_MS,
  );
}

it('names the header at fault, also for an empty tag', async () => {
  const body = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
  const reply = await call('PATCH', '/flights/1', { body, headers: { 'if-match': '""' } });
  expect(reply).toMatchObject({ status: 400, body: { field: 'If-Match' } });
});

it.each(['1-x-1', '2147483648-x-1', '1-x-9007199254740993', '1-x-9999999999999999'])(
  'a receipt that was made by somebody else never was: %s',
  async (known) => {
    const path = `/writes/${known}-${forgedSignature(known)}`;
    expect(await call('GET', path)).toMatchObject({ status: 404, body: { field: 'receipt' } });
  },
);

function report(counts: ReadonlyMap<string, number>, accepted: number, seconds: number): void {
  const lines = [...counts].sort().map(([name, count]) => `${String(count).padStart(8)} ${name}`);
  console.log([`seed ${SEED}, ${seconds.toFixed(1)} s, ${accepted} updates accepted`, ...lines].join('\n'));
}
