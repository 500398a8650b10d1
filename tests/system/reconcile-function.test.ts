/** The scheduled comparison: what it is called with, what it emits and writes, and that it keeps to its time. */
import { closeClients } from '@afterwrite/functions/compose';
import { handler as reconcile } from '@afterwrite/functions/reconcile';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { call, lambdaContext } from '../support/invoke.ts';
import { makeWorld, type World } from '../support/world.ts';

// Read when the functions are loaded.
vi.hoisted(() => {
  process.env.POWERTOOLS_METRICS_DISABLED = 'false';
});

const SCHEDULE_EVENT = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };
/** The function keeps 10 s of it for its end. */
const LONG_MS = 60_000;

let world: World;
let documents: Record<string, unknown>[];

beforeEach(async () => {
  world = await makeWorld({ flights: 20, environment: { AUTH_MODE: 'none' } });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    documents.push(JSON.parse(line) as Record<string, unknown>);
  });
  documents = [];
  for (let id = 1; id <= 20; id++) await call('GET', `/flights/${String(id)}`);
  await world.db.query('UPDATE flight SET arrival = arrival + INTERVAL 1 HOUR WHERE flight_id = 3');
  documents = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

it('drops what differs, and emits what was compared as one document', async () => {
  const result = { compared: 20, different: 1, dropped: 1, complete: true };
  expect(await reconcile(SCHEDULE_EVENT, lambdaContext(LONG_MS))).toMatchObject(result);
  const emitted = documents.filter((document) => '_aws' in document);
  expect(emitted).toMatchObject([{ ReconcileCompared: 20, ReconcileDifferent: 1 }]);
  expect((await call('GET', '/flights/3')).body).toMatchObject({ source: 'CACHE_MISS' });
});

it('only reports when it is told so, and takes everything at the rate that it is told', async () => {
  const event = { sample: 'all', ratePerSecond: 1000, repair: false };
  expect(await reconcile(event, lambdaContext(LONG_MS))).toMatchObject({ compared: 20, dropped: 0 });
  await expect(reconcile({ sample: 'most' }, lambdaContext(LONG_MS))).rejects.toMatchObject({
    code: 'VALIDATION',
  });
});

it('ends before its time does, with what it did', async () => {
  const slow = { sample: 'all', ratePerSecond: 1 };
  const result: unknown = await reconcile(slow, lambdaContext(11_000));
  expect(result).toMatchObject({ complete: false });
  expect((result as { compared: number }).compared).toBeLessThan(5);
});
