/** Who watches commits is told of each one once, by whoever made it, and can harm nothing. */
import { randomUUID } from 'node:crypto';
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import {
  type CachePorts,
  cacheSettings,
  type CommittedBatch,
  type Logger,
  type Observer,
  openPorts,
  StoreUnavailableError,
} from '@afterwrite/write-behind';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replacing } from '../support/decorate.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };
const ENVIRONMENT = { QUEUE_PARTITIONS: '1', QUEUE_MAX_LENGTH: '10', QUEUE_WHEN_FULL: 'help' };

let world: World;
let batches: CommittedBatch[];
let acks: number;
let retries: number;
let observer: Observer;

beforeEach(async () => {
  world = await makeWorld({ flights: 50, environment: ENVIRONMENT });
  batches = [];
  acks = 0;
  retries = 0;
  observer = {
    onBatch: (batch) => void batches.push(batch),
    onAck: () => {
      acks++;
    },
    onRetry: () => {
      retries++;
    },
  };
});
afterEach(() => world.dispose());

const open = (changes?: Record<string, string>) => world.open(changes, { logger: silentLogger, observer });
/** A cache of its own over changed ports. */
async function openOn(change: (ports: CachePorts) => Partial<CachePorts>): Promise<FlightCache> {
  const ports = await openPorts(flightEntity, world.settings, { logger: silentLogger, observer });
  return new FlightCache(flightDefinition, { ...ports, ...change(ports) }, cacheSettings(world.settings));
}
const update = (cache: FlightCache, id: number, comment = randomUUID()) =>
  cache.updateFlightDeparture(id, { ...TIMES, comment });
const toldIds = () => batches.map(({ stored }) => stored.map(({ id }) => id));
const audited = async () => {
  const [row] = await world.rows<{ count: number }>('SELECT COUNT(*) AS count FROM flight_log');
  return row!.count;
};
/** As an eviction takes it, though the entity is dirty: what Valkey itself lost. */
const evict = (id: number) => world.valkey.del(`${world.tag(0)}:${String(id)}`);

describe('the observer is told of a commit once', () => {
  it('of a flush, of a batch, of an update that helps, of one and of a reader that drain, and of no other', async () => {
    const cache = await open();
    for (const id of [1, 2]) await update(cache, id);
    expect(batches).toEqual([]);
    await cache.flushQueue();
    expect(toldIds()).toEqual([['1', '2']]);

    for (const id of [3, 4]) await update(cache, id);
    await cache.processQueue({ batchSize: 1 });
    expect(toldIds().slice(1)).toEqual([['3']]);

    await evict(4);
    await cache.getFlight(4);
    expect(toldIds().slice(2)).toEqual([['4']]);

    await update(cache, 5);
    await evict(5);
    await update(cache, 5);
    expect(toldIds().slice(3)).toEqual([['5']]);

    for (let id = 6; id <= 14; id++) await update(cache, id);
    expect(batches).toHaveLength(4);
    await update(cache, 15);
    expect(toldIds().slice(4)).toEqual([['5', '6', '7', '8', '9', '10', '11', '12', '13', '14']]);

    await cache.flushQueue();
    expect(toldIds().flat()).toHaveLength(await audited());
    expect(acks).toBe(batches.length);
    expect(batches.every(({ source, partition }) => source === 'QUEUE' && partition === 0)).toBe(true);
  });

  it('with what it did: when, how long, each update’s position, acceptance and trace', async () => {
    const cache = await open();
    const before = Date.now();
    const plain = await update(cache, 1);
    const traced = await cache.updateFlightDeparture(2, { ...TIMES, trace: 'its trace' });
    await cache.flushQueue();
    const [batch] = batches;
    expect(batch).toMatchObject({ skipped: 0, parked: [] });
    const positions = batch!.stored.map(({ position }) => `${position.epoch}-${String(position.seq)}`);
    expect(positions).toEqual([plain.version, traced.version]);
    expect(batch!.stored.map(({ trace }) => trace)).toEqual([undefined, 'its trace']);
    for (const { acceptedUs } of batch!.stored) {
      // The server's clock and ours: of one machine.
      expect(acceptedUs / 1000).toBeGreaterThan(before - 100);
      expect(acceptedUs / 1000).toBeLessThan(batch!.committedAtMs + 100);
    }
    expect(batch!.peekMs).toBeGreaterThan(0);
    expect(batch!.storeMs).toBeGreaterThan(0);
  });

  it('not of one whose trace JSON would write otherwise: that is refused before anything is written', async () => {
    const cache = await open();
    const traces: unknown[] = [
      '',
      'x'.repeat(129),
      '"quoted"',
      'back\\slash',
      'line\nend',
      'ж',
      5,
      null,
      ['x'],
    ];
    for (const trace of traces) {
      const updating = cache.updateFlightDeparture(1, { ...TIMES, trace: trace as string });
      await expect(updating).rejects.toMatchObject({ code: 'VALIDATION', context: { field: 'trace' } });
    }
    expect(await cache.queueLength()).toBe(0);
  });

  it('of what was parked, with its reason and trace, and of the redrive that stores it', async () => {
    const cache = await open();
    await cache.updateFlightDeparture(1, { ...TIMES, trace: 'parked one' });
    await update(cache, 2);
    await world.rows('UPDATE flight SET flight_id = 1000001 WHERE flight_id = 1');
    await cache.flushQueue();
    expect(batches).toMatchObject([
      {
        source: 'QUEUE',
        stored: [{ id: '2' }],
        parked: [{ reason: 'MISSING_ROW', update: { id: '1', trace: 'parked one' } }],
      },
    ]);
    expect(await cache.deadLetters()).toMatchObject([{ update: { trace: 'parked one' } }]);

    expect(await cache.redrive()).toMatchObject([{ kind: 'REFUSED' }]);
    expect(batches).toHaveLength(1);
    await world.rows('UPDATE flight SET flight_id = 1 WHERE flight_id = 1000001');
    expect(await cache.redrive()).toMatchObject([{ kind: 'REDRIVEN' }]);
    expect(batches.slice(1)).toMatchObject([
      { source: 'REDRIVEN', partition: 0, stored: [{ id: '1', trace: 'parked one' }], parked: [] },
    ]);
    expect(await audited()).toBe(2);
  });

  it('also where the ack then fails: the next one finds it stored, and it is not told as stored twice', async () => {
    let left = 1;
    const cache = await openOn(({ buffer }) => {
      const ack: typeof buffer.ack = async (...args) => {
        if (left-- > 0) throw new Error('the reply was lost');
        return await buffer.ack(...args);
      };
      return { buffer: replacing(buffer, { ack }) };
    });
    await update(cache, 1);
    expect((await cache.flushQueue()).stopped).toHaveLength(1);
    expect(toldIds()).toEqual([['1']]);
    expect(acks).toBe(0);
    await cache.flushQueue();
    expect(batches.slice(1)).toMatchObject([{ stored: [], skipped: 1 }]);
    expect(acks).toBe(1);
    await cache.close();
  });

  it('of an attempt that is repeated', async () => {
    let left = 2;
    const cache = await openOn(({ store }) => {
      const transaction: typeof store.transaction = async (work) => {
        if (left-- > 0) throw new StoreUnavailableError('cut');
        return await store.transaction(work);
      };
      return { store: replacing(store, { transaction }) };
    });
    await update(cache, 1);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, retried: 2 });
    expect(retries).toBe(2);
    expect(batches).toHaveLength(1);
    await cache.close();
  });
});

describe('9 draining goes on with an observer that fails: one', () => {
  async function drainBeside(fail: () => void): Promise<void> {
    const said: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (message, details) => said.push(`${message} ${String(details?.error)}`),
    };
    const cache = await world.open({}, { logger, observer: { onBatch: fail, onAck: fail, onRetry: fail } });
    await update(cache, 1);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0, stopped: [] });
    expect(await audited()).toBe(1);
    expect(await cache.verifyConsistency(1)).toMatchObject({ consistent: true, pending: false });
    await expect.poll(() => said).toHaveLength(2);
    expect(said[0]).toMatch(/observer.*no metrics today/);
  }

  it('that throws is logged and changes nothing', async () => {
    await drainBeside(() => {
      throw new Error('no metrics today');
    });
  });

  it('that rejects is logged and changes nothing', async () => {
    // A function that nobody awaits may be async all the same.
    await drainBeside(() => Promise.reject(new Error('no metrics today')) as unknown as undefined);
  });
});
