/**
 * The whole promise at once: many callers, three flusher processes, one of them killed every second at whatever line it
 * is. Only the public class is used.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FlightCache } from '@afterwrite/flights';
import { makeTemporaryDataDir, startEngine } from '@afterwrite/local-engines';
import { Redis } from 'iovalkey';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { cleanCounts, makeRecord, type TestRecord } from '../support/record.ts';
import { makeWorld, type World } from '../support/world.ts';

const UPDATES = 50_000;
const FLIGHTS = 500;
const CALLERS = 64;
const FLUSHERS = 3;
const KILL_EVERY_MS = 1000;

let world: World;
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await world.dispose();
});

/** Each update sets a departure of its own, so that a chain shows every swap. */
function times(index: number): { departure: Date; arrival: Date } {
  const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000);
  return { departure, arrival: new Date(departure.getTime() + 3_600_000) };
}

async function startFlusher(): Promise<ChildProcess> {
  const child = fork(new URL('../support/flusher-process.ts', import.meta.url).pathname, {
    env: { ...process.env, ...world.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.stdout?.resume();
  child.stderr?.resume();
  children.add(child);
  await once(child, 'message');
  return child;
}

/** Kills one flusher every second and starts another, until told to stop; the number killed. */
async function killFlushers(signal: AbortSignal): Promise<number> {
  const flushers = await Promise.all(Array.from({ length: FLUSHERS }, startFlusher));
  let killed = 0;
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, KILL_EVERY_MS));
    const index = killed % FLUSHERS;
    flushers[index]!.kill('SIGKILL');
    await once(flushers[index]!, 'exit');
    killed++;
    flushers[index] = await startFlusher();
  }
  return killed;
}

async function callers(
  cache: FlightCache,
  { recorder }: TestRecord,
  from: number,
  to: number,
): Promise<void> {
  let next = from;
  const call = async () => {
    for (let index = next++; index < to; index = next++) {
      const uid = `u${String(index)}`;
      const flightId = 1 + ((Math.imul(index, 2_654_435_761) >>> 0) % FLIGHTS);
      await recorder.update(cache, flightId, { ...times(index), user: 'test', comment: uid });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
}

async function drained(cache: FlightCache): Promise<void> {
  const { remaining } = await cache.flushQueue({ deadline: new Date(Date.now() + 60_000) });
  expect(remaining).toBe(0);
}

describe('1 to 4 many callers, three flushers, one killed every second', () => {
  it('stores each acknowledged update once and in order', async () => {
    world = await makeWorld({ flights: FLIGHTS });
    const cache = await world.open();
    using record = makeRecord();
    const stop = new AbortController();
    const killing = killFlushers(stop.signal);
    // In slices, so that the load lasts over several kills.
    const startMs = Date.now();
    for (let from = 0; from < UPDATES; from += UPDATES / 10) {
      await callers(cache, record, from, from + UPDATES / 10);
    }
    const writtenMs = Date.now() - startMs;
    await drained(cache);
    stop.abort();
    const killed = await killing;
    await drained(cache);
    console.log(`${String(UPDATES)} updates in ${String(writtenMs)} ms, ${String(killed)} flushers killed`);
    expect(killed).toBeGreaterThanOrEqual(2);
    expect(await record.check(world)).toMatchObject(cleanCounts(UPDATES));
    const status = await cache.queueStatus();
    expect(status).toMatchObject({ queueLength: 0, deadLetters: 0 });
  });
});

describe('3 Valkey emptied once, its clock an hour behind the last seq', () => {
  it('stores every update that was acknowledged afterwards, once and in order', async () => {
    // A server of its own, to be emptied at one blow.
    const folder = makeTemporaryDataDir();
    const engine = await startEngine('valkey', { dataDir: folder.path });
    const valkey = new Redis(engine.port, engine.host);
    onTestFinished(async () => {
      valkey.disconnect();
      await engine.stop();
      await folder.remove();
    });
    world = await makeWorld({ flights: FLIGHTS, valkey: engine });
    const cache = await world.open();
    using before = makeRecord();
    const stop = new AbortController();
    const killing = killFlushers(stop.signal);
    await callers(cache, before, 0, 5000);

    // As if its clock had been an hour ahead so far: seqs, and with the next updates the watermarks, stand there.
    const ahead = String((Date.now() + 3_600_000) * 1000);
    for (let partition = 0; partition < world.settings.QUEUE_PARTITIONS; partition++) {
      await valkey.hset(`${world.tag(partition)}:seq`, 's', ahead);
    }
    await callers(cache, before, 5000, 10_000);
    using atOnce = makeRecord();
    const writing = callers(cache, atOnce, 10_000, 20_000);
    await valkey.flushall();
    using after = makeRecord();
    const emptiedAt = Date.now();
    await writing;
    await callers(cache, after, 20_000, UPDATES);
    await drained(cache);
    stop.abort();
    await killing;
    await drained(cache);

    const count = UPDATES - 20_000;
    const { unrecorded, ...verdict } = await after.check(world);
    expect(unrecorded).toBeGreaterThan(0);
    expect({ ...verdict, unrecorded: 0 }).toMatchObject(cleanCounts(count));
    // Of those around the loss some are gone with the memory that held them; none came twice.
    const around = await atOnce.check(world);
    expect(around).toMatchObject({ doubled: 0, outOfOrder: 0, brokenChains: 0, wrongRows: 0 });
    console.log(
      `emptied at ${new Date(emptiedAt).toISOString()}: ${String(around.lost)} lost with the memory`,
    );
    const [epochs] = await world.rows<{ count: number }>(
      'SELECT COUNT(*) AS count FROM afterwrite_retired_epochs',
    );
    expect(epochs!.count).toBeGreaterThan(0);
  });
});
