/** The scheduled flush: drains, lingers, hands over, nudges, and what it emits. Handlers in this process, real servers. */
import { closeClients, lambdaClient } from '@afterwrite/functions/compose';
import { handler as flush } from '@afterwrite/functions/flush';
import type { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, lambdaContext } from '../support/invoke.ts';
import { makeWorld, type World } from '../support/world.ts';

// Read when the functions are loaded.
vi.hoisted(() => {
  process.env.POWERTOOLS_METRICS_DISABLED = 'false';
});

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const SCHEDULE_EVENT = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };
/** What the function keeps for its end, less a little: no time for a batch, ms. */
const MARGIN_MS = 4900;
/** Some time to work, ms. */
const SHORT_MS = 8000;

let world: World;
let calls: Record<string, unknown>[];
let documents: Record<string, unknown>[];

beforeEach(async () => {
  world = await makeWorld({ flights: 50, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '2' } });
  const environment = { ...world.environment, FLUSH_LINGER_SECONDS: '0', FLUSH_FUNCTION_NAME: 'flush' };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  calls = [];
  documents = [];
  // The one thing that is not here: AWS. What would be sent is kept.
  const send = (command: InvokeCommand) => {
    calls.push({ ...command.input, Payload: JSON.parse(command.input.Payload as string) as unknown });
    return Promise.resolve({ StatusCode: 202 });
  };
  vi.spyOn(lambdaClient(), 'send').mockImplementation(send as never);
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    documents.push(JSON.parse(line) as Record<string, unknown>);
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

async function accept(ids: readonly number[]): Promise<void> {
  for (const id of ids) await call('PATCH', `/flights/${String(id)}`, { body: TIMES });
}

describe('the flush function', () => {
  it('drains what waits, and emits one document', async () => {
    await accept([1, 2, 3]);
    documents = [];
    expect(await flush(SCHEDULE_EVENT, lambdaContext(SHORT_MS))).toMatchObject({
      processed: 3,
      remaining: 0,
      stopped: 0,
    });
    expect(calls).toEqual([]);
    const emitted = documents.filter((document) => '_aws' in document);
    expect(emitted).toHaveLength(1);
    expect(emitted[0]).toMatchObject({
      UpdatesStored: 3,
      QueueLength: 0,
      DeadLetters: 0,
      PartitionsStopped: 0,
    });
    expect(emitted[0]!.ConsistencyLag).toHaveLength(3);
  });

  it('lingers and looks again, so that what comes meanwhile is stored within the interval', async () => {
    vi.stubEnv('FLUSH_LINGER_SECONDS', '3');
    vi.stubEnv('QUEUE_PROCESS_INTERVAL', '1');
    const flushing = flush(SCHEDULE_EVENT, lambdaContext(20_000));
    await expect.poll(() => calls.length === 0, { timeout: 500 }).toBe(true);
    await accept([4]);
    expect(await flushing).toMatchObject({ processed: 1, remaining: 0 });
  });

  it('hands over to a fresh invocation when its time is up, at most eight times in a row', async () => {
    await accept([1, 2]);
    const noTime = lambdaContext(MARGIN_MS);
    expect(await flush(SCHEDULE_EVENT, noTime)).toMatchObject({ processed: 0, remaining: 2 });
    expect(calls).toMatchObject([
      {
        FunctionName: 'flush',
        InvocationType: 'Event',
        Payload: { afterwrite: { reason: 'handover', handovers: 1 } },
      },
    ]);
    await flush({ afterwrite: { reason: 'handover', handovers: 8 } }, lambdaContext(MARGIN_MS));
    expect(calls).toHaveLength(1);
    expect(
      await flush({ afterwrite: { reason: 'handover', handovers: 8 } }, lambdaContext(SHORT_MS)),
    ).toMatchObject({
      processed: 2,
    });
  });

  it('does not hand over what stopped, and says so', async () => {
    await world.db.query('RENAME TABLE flight_log TO flight_log_away');
    await accept([1]);
    documents = [];
    expect(await flush(SCHEDULE_EVENT, lambdaContext(SHORT_MS))).toMatchObject({ remaining: 1, stopped: 1 });
    expect(calls).toEqual([]);
    expect(documents.find((document) => '_aws' in document)).toMatchObject({
      PartitionsStopped: 1,
      QueueLength: 1,
    });
    await world.db.query('RENAME TABLE flight_log_away TO flight_log');
  });

  it('two at once store each update once', async () => {
    await accept(Array.from({ length: 40 }, (_, index) => index + 1));
    const both = await Promise.all([1, 2].map(() => flush(SCHEDULE_EVENT, lambdaContext(SHORT_MS))));
    expect(both.map((result) => (result as { processed: number }).processed).reduce((a, b) => a + b)).toBe(
      40,
    );
    const [row] = await world.rows<{ count: number }>('SELECT COUNT(*) AS count FROM flight_log');
    expect(row!.count).toBe(40);
  });
});

describe('an update that finds the queue long', () => {
  it('calls the flush function, at most once a second over all callers, and succeeds also when that fails', async () => {
    vi.stubEnv('QUEUE_NUDGE_LENGTH', '0');
    await accept([1, 2, 3]);
    expect(calls).toMatchObject([
      { FunctionName: 'flush', InvocationType: 'Event', Payload: { afterwrite: { reason: 'nudge' } } },
    ]);
    vi.mocked(lambdaClient().send).mockRejectedValue(new Error('no such function'));
    await world.valkey.del(`${world.tag(0)}:nudge`);
    await accept([4]);
    expect(await flush(calls[0]!.Payload, lambdaContext(SHORT_MS))).toMatchObject({ processed: 4 });
  });
});

describe('the migrate function', () => {
  beforeEach(() => {
    for (const [name, value] of Object.entries(world.privileged)) vi.stubEnv(name, value);
  });

  it('makes the engine’s tables, and the index of the audit trail where it is wanted, as often as it is called', async () => {
    const { handler } = await import('@afterwrite/functions/migrate');
    const indexes = () => world.rows("SHOW INDEX FROM flight_log WHERE Key_name = 'afterwrite_flight_date'");
    expect(await handler({}, lambdaContext())).toEqual({ migrated: true, indexMade: false, seeded: 0 });
    expect(await indexes()).toHaveLength(0);
    vi.stubEnv('FLIGHT_LOG_INDEX', '1');
    expect(await handler({}, lambdaContext())).toEqual({ migrated: true, indexMade: true, seeded: 0 });
    expect(await handler({}, lambdaContext())).toEqual({ migrated: true, indexMade: false, seeded: 0 });
    expect(await indexes()).toHaveLength(2);
  });

  it('makes and fills the application’s tables in an empty database when it is told to, once', async () => {
    const { handler } = await import('@afterwrite/functions/migrate');
    const name = `${world.settings.DB_NAME}_empty`;
    await world.db.query(`CREATE DATABASE ${name}`);
    try {
      vi.stubEnv('DB_NAME', name);
      vi.stubEnv('CACHE_NAMESPACE', name);
      await closeClients();
      const event = { createSchema: true, flights: 20 };
      expect(await handler(event, lambdaContext())).toMatchObject({ migrated: true, seeded: 20 });
      expect(await handler(event, lambdaContext())).toMatchObject({ migrated: true, seeded: 0 });
      expect(await world.rows(`SELECT COUNT(*) AS flights FROM ${name}.flight`)).toEqual([{ flights: 20 }]);
    } finally {
      await closeClients();
      await world.db.query(`DROP DATABASE ${name}`);
    }
  });
});
