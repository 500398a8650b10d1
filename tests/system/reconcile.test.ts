/** The reconciler: what was changed past the cache is found and dropped, and nothing that waits is ever touched. */
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import {
  type CachePorts,
  cacheSettings,
  openPorts,
  ReconcileInterruptedError,
  type Runtime,
  systemRuntime,
} from '@afterwrite/write-behind';
import type { BufferPort } from '@afterwrite/write-behind/internal';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { replacing } from '../support/decorate.ts';
import { cleanVerdict, History } from '../support/history.ts';
import { randomFrom } from '../support/random.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const FLIGHTS = 60;
const IDS = Array.from({ length: FLIGHTS }, (_, index) => index + 1);
const ALL = { sample: 'all', ratePerSecond: 10_000 } as const;
/** How long writers, flushers and reconcilers work against each other, ms. */
const TOGETHER_MS = 1500;

let world: World;

afterEach(async () => {
  await world.dispose();
});

/** As something else that knows nothing of the cache. */
async function changeRows(ids: readonly number[]): Promise<void> {
  await world.db.query(
    'UPDATE flight SET airplane_id = (SELECT MAX(airplane_id) FROM airplane) - airplane_id + 1 WHERE flight_id IN (?)',
    [ids],
  );
}

/** Caches every flight; the keys. */
async function readAll(cache: FlightCache): Promise<string[]> {
  return await Promise.all(IDS.map(async (id) => (await cache.getFlight(id)).cacheKey));
}

/** A cache whose ports are changed by the test. */
async function openOn(change: (ports: CachePorts) => Partial<CachePorts>): Promise<FlightCache> {
  const ports = await openPorts(flightEntity, world.settings, { logger: silentLogger });
  const cache = new FlightCache(
    flightDefinition,
    { ...ports, ...change(ports) },
    cacheSettings(world.settings),
  );
  onTestFinished(async () => {
    await cache.close();
  });
  return cache;
}

/** Time passes only where it is slept. */
function heldStill(random = () => 0.5): Runtime & { slept: number[] } {
  const startMs = Date.now();
  const slept: number[] = [];
  const passedMs = () => slept.reduce((sum, ms) => sum + ms, 0);
  return {
    ...systemRuntime(),
    slept,
    random,
    now: () => startMs + passedMs(),
    monotonicMs: passedMs,
    sleep: (ms) => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

describe.each([false, true])('on a cluster: %s', (cluster) => {
  it('finds rows that were changed, deleted and added past the cache, and the next read has them', async () => {
    world = await makeWorld({ flights: FLIGHTS, cluster });
    const cache = await world.open();
    const keys = await readAll(cache);
    await expect(cache.getFlight(FLIGHTS + 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await changeRows([3, 7]);
    await world.db.query('DELETE FROM flight WHERE flight_id = 9');
    await world.db.query(
      'INSERT INTO flight SELECT ?, flightno, `from`, `to`, departure, arrival, airline_id, airplane_id FROM flight WHERE flight_id = 1',
      [FLIGHTS + 1],
    );
    const lifetimes = () => Promise.all(keys.map((key) => world.valkey.pttl(key)));
    const before = await lifetimes();

    const looked = await cache.reconcile({ ...ALL, repair: false });
    expect(looked).toMatchObject({ scanned: FLIGHTS + 1, compared: FLIGHTS + 1, different: 4, dropped: 0 });
    expect(await cache.reconcile(ALL)).toMatchObject({
      different: 4,
      dropped: 4,
      skipped: 0,
      complete: true,
    });

    expect(looked.divergenceRate).toBeCloseTo(4 / (FLIGHTS + 1));
    const { examples } = looked;
    const fieldsOf = (id: number) => examples.find((each) => each.id === String(id))?.differing;
    expect(fieldsOf(3)).toEqual(['airplane_id']);
    expect(fieldsOf(9)).toContain('departure');
    expect(fieldsOf(FLIGHTS + 1)).toContain('flight_id');
    // What stays lives no longer than before.
    const after = await lifetimes();
    expect(IDS.filter((_, index) => after[index]! > before[index]!)).toEqual([]);
    expect(IDS.filter((_, index) => after[index]! < 0)).toEqual([3, 7, 9]);
    await expect(cache.getFlight(9)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const id of [3, 7, FLIGHTS + 1]) {
      expect((await cache.getFlight(id)).source).toBe('CACHE_MISS');
      expect(await cache.verifyConsistency(id)).toMatchObject({ reason: 'EQUAL' });
    }
    expect(await cache.reconcile(ALL)).toMatchObject({ different: 0, divergenceRate: 0 });
  });
});

describe('3 5 6 while others write and flush', () => {
  /** Writers, flushers and reconcilers, all at once; what was acknowledged, and what the reconcilers found. */
  async function together(cache: FlightCache, changesRows: boolean) {
    const history = new History();
    const until = Date.now() + TOGETHER_MS;
    const found = { compared: 0, different: 0, dropped: 0, skipped: 0 };
    let updates = 0;
    const write = async () => {
      while (Date.now() < until) {
        const index = updates++;
        const flightId = 1 + (index % FLIGHTS);
        const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000);
        const uid = `u${String(index)}`;
        const result = await cache.updateFlightDeparture(flightId, {
          departure,
          arrival: new Date(departure.getTime() + 3_600_000),
          user: 'test',
          comment: uid,
        });
        history.acknowledge(uid, flightId, departure.toISOString().slice(0, 19).replace('T', ' '), result);
      }
    };
    const flush = async () => {
      while (Date.now() < until) await cache.flushQueue();
    };
    const reconcile = async () => {
      while (Date.now() < until) {
        const { compared, different, dropped, skipped } = await cache.reconcile(ALL);
        found.compared += compared;
        found.different += different;
        found.dropped += dropped;
        found.skipped += skipped;
      }
    };
    const change = async () => {
      while (changesRows && Date.now() < until) await changeRows([1 + Math.floor(Math.random() * FLIGHTS)]);
    };
    const read = async () => {
      while (Date.now() < until) await readAll(cache);
    };
    // Few writers: most flights are clean at some moment.
    await Promise.all([write(), write(), flush(), flush(), reconcile(), reconcile(), change(), read()]);
    await cache.flushQueue();
    return { history, updates, found };
  }

  beforeEach(async () => {
    world = await makeWorld({ flights: FLIGHTS });
  });

  it('nothing is different where only the cache writes: an update or a flush in between is none', async () => {
    const cache = await world.open();
    await readAll(cache);
    const { history, updates, found } = await together(cache, false);
    expect(found.compared).toBeGreaterThan(FLIGHTS);
    expect(found).toMatchObject({ different: 0, dropped: 0 });
    expect(await history.verdict(world)).toEqual(cleanVerdict(updates));
  });

  it('each acknowledged update is stored once and in order, and what differs is found', async () => {
    const cache = await world.open();
    await readAll(cache);
    const { history, updates, found } = await together(cache, true);
    console.log(`${String(updates)} updates, ${JSON.stringify(found)}`);
    expect(found.dropped).toBeGreaterThan(0);
    expect(await history.verdict(world)).toEqual(cleanVerdict(updates));
    await cache.reconcile(ALL);
    for (const id of IDS)
      expect((await cache.verifyConsistency(id)).reason, String(id)).toMatch(/^(EQUAL|NOT_CACHED)$/);
  });

  it('an update between the look and the drop stays', async () => {
    const other = await world.open();
    const cache = await openOn(({ buffer }) => ({
      buffer: replacing(buffer, {
        drop: async (id, version) => {
          const times = { departure: '2031-01-01T10:00:00Z', arrival: '2031-01-01T12:00:00Z' };
          await other.updateFlightDeparture(id, { ...times, user: 'test' });
          return await buffer.drop(id, version);
        },
      }),
    }));
    await cache.getFlight(5);
    await changeRows([5]);
    expect(await cache.reconcile(ALL)).toMatchObject({ different: 1, dropped: 0 });
    expect(await cache.getFlight(5)).toMatchObject({
      source: 'CACHE_HIT',
      pending: true,
      value: { departure: '2031-01-01T10:00:00Z' },
    });
    expect(await other.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    expect(await cache.reconcile({ ...ALL, repair: false })).toMatchObject({ skipped: 0 });
  });

  it('a difference is believed at the second look only', async () => {
    let loads = 0;
    const cache = await openOn(({ store }) => ({
      store: replacing(store, {
        load: async (id) => {
          const row = await store.load(id);
          const isOld = ++loads === 2;
          return isOld && row.value ? { ...row, value: { ...row.value, airplane_id: 0 } } : row;
        },
      }),
    }));
    await cache.getFlight(5);
    expect(await cache.reconcile(ALL)).toMatchObject({ compared: 1, different: 0, dropped: 0 });
    expect(loads).toBe(3);
  });

  it('one that changes at every look is left for another time', async () => {
    const other = await world.open();
    let seconds = 0;
    const cache = await openOn(({ store }) => ({
      store: replacing(store, {
        load: async (id) => {
          const row = await store.load(id);
          if (!row.value) return row;
          const departure = `2032-01-01T10:00:0${String(seconds++)}Z`;
          await other.updateFlightDeparture(id, { departure, arrival: '2032-01-01T12:00:00Z', user: 'test' });
          await other.flushQueue();
          return row;
        },
      }),
    }));
    await other.getFlight(5);
    await changeRows([5]);
    expect(await cache.reconcile(ALL)).toMatchObject({ compared: 0, different: 0, skipped: 1 });
    expect(seconds).toBe(4);
  });
});

describe('8 it is gentle, and bounded', () => {
  beforeEach(async () => {
    world = await makeWorld({ flights: FLIGHTS });
  });

  it('looks at no more in a second than it may', async () => {
    const runtime = heldStill();
    const chunks: number[] = [];
    const cache = await openOn(({ buffer }) => ({ runtime, buffer: counting(buffer, chunks) }));
    await readAll(cache);
    expect(await cache.reconcile({ sample: 'all', ratePerSecond: 30 })).toMatchObject({ compared: FLIGHTS });
    expect(Math.max(...chunks)).toBe(3);
    const total = runtime.slept.reduce((sum, ms) => sum + ms, 0);
    expect(total).toBeGreaterThanOrEqual((FLIGHTS / 30) * 1000);
    expect(total).toBeLessThan((FLIGHTS / 30) * 1000 + 500);
  });

  it('draws a sample in which each has the same chance', async () => {
    const [runs, sample] = [120, 10];
    const picked = new Map<string, number>();
    const cache = await openOn(({ buffer, store }) => ({
      runtime: heldStill(randomFrom(7).float),
      buffer,
      store: replacing(store, {
        load: async (id) => {
          picked.set(id, (picked.get(id) ?? 0) + 1);
          return await store.load(id);
        },
      }),
    }));
    await readAll(cache);
    picked.clear();
    for (let run = 0; run < runs; run++)
      expect(await cache.reconcile({ sample })).toMatchObject({ scanned: FLIGHTS, chosen: sample });
    const even = (runs * sample) / FLIGHTS;
    const counts = IDS.map((id) => picked.get(String(id)) ?? 0);
    // 20 each; the deviation of such a draw is about 4.
    expect(Math.min(...counts)).toBeGreaterThan(even / 3);
    expect(Math.max(...counts)).toBeLessThan(even * 2);
    expect(await cache.reconcile({ sample: FLIGHTS * 2 })).toMatchObject({ compared: FLIGHTS });
  });

  it('ends at its deadline or its signal, with what was done until then', async () => {
    const runtime = heldStill();
    const cache = await openOn(() => ({ runtime }));
    await readAll(cache);
    const deadline = () => new Date(runtime.now() + 1000);
    for (const sample of ['all', FLIGHTS] as const) {
      const late = await cache.reconcile({ sample, ratePerSecond: 10, deadline: deadline() });
      expect(late).toMatchObject({ complete: false, compared: 10 });
      // A portion of the scan has fewer of ours, the more keys others have.
      expect(late.chosen).toBeGreaterThanOrEqual(10);
      expect(late.chosen).toBeLessThanOrEqual(FLIGHTS);
    }
    expect(await cache.reconcile({ deadline: new Date(runtime.now()) })).toMatchObject({ scanned: 0 });

    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ compared }: { compared: number }) => {
      if (seen.push(compared) === 2) stop.abort();
    };
    const cut = await cache.reconcile({ sample: 'all', ratePerSecond: 30, signal: stop.signal, onProgress });
    expect(cut).toMatchObject({ complete: false, compared: 6 });
    expect(seen).toEqual([3, 6]);
  });

  it('refuses limits that are none', async () => {
    const cache = await world.open();
    for (const options of [
      { sample: 0 },
      { sample: 1.5 },
      { ratePerSecond: 0 },
      { ratePerSecond: 1e9 },
      { deadline: new Date('x') },
    ])
      await expect(cache.reconcile(options)).rejects.toMatchObject({ code: 'VALIDATION' });
  });
});

describe('10 a server that goes away in the middle', () => {
  it.each(['store', 'buffer'] as const)('%s: a typed error, and what was done before', async (which) => {
    world = await makeWorld({ flights: FLIGHTS });
    const cache = await openOn((ports) => ({
      ...ports,
      store: replacing(ports.store, {
        load: async (id) => {
          if (++loads === 7) await ports[which].close();
          return await ports.store.load(id);
        },
      }),
    }));
    let loads = -Infinity;
    await readAll(cache);
    loads = 0;
    const error: unknown = await cache
      .reconcile({ sample: 'all', ratePerSecond: 50 })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ReconcileInterruptedError);
    const { code, retryable, cause, partial } = error as ReconcileInterruptedError;
    expect({ code, retryable }).toEqual({ code: 'RECONCILE_INTERRUPTED', retryable: true });
    expect(cause).toMatchObject({ code: which === 'store' ? 'STORE_UNAVAILABLE' : 'BUFFER_UNAVAILABLE' });
    expect(partial.complete).toBe(false);
    expect(partial.compared).toBe(which === 'store' ? 6 : 10);
  });
});

function counting(buffer: BufferPort, chunks: number[]): BufferPort {
  return replacing(buffer, {
    look: async (ids) => {
      chunks.push(ids.length);
      return await buffer.look(ids);
    },
  });
}
