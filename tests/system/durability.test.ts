/** What `durability` asks for is true when the call is answered; what cannot be reached is said, and queued all the same. */
import { DurabilityError } from '@afterwrite/write-behind';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };

let world: World;
beforeEach(async () => {
  world = await makeWorld({ flights: 10 });
});
afterEach(async () => {
  await world.dispose();
});

const logged = () => world.rows('SELECT flight_id FROM flight_log');

describe('3 durability', () => {
  it('memory, if nothing is said', async () => {
    const cache = await world.open();
    expect(await cache.updateFlightDeparture(1, TIMES)).toMatchObject({ durability: 'memory' });
    expect(await logged()).toEqual([]);
  });

  it('aof: it is in the file', async () => {
    const cache = await world.open();
    const result = await cache.updateFlightDeparture(1, { ...TIMES, durability: 'aof' });
    expect(result).toMatchObject({ durability: 'aof', replayed: false });
    expect(await logged()).toEqual([]);
  });

  it('stored: it is in the audit trail', async () => {
    const cache = await world.open();
    const result = await cache.updateFlightDeparture(1, { ...TIMES, durability: 'stored' });
    expect(result).toMatchObject({ durability: 'stored' });
    expect(await logged()).toEqual([{ flight_id: 1 }]);
  });

  it('not reached: a typed error, the update is queued, once', async () => {
    const cache = await world.open({ CACHE_WAIT_MS: '200', QUEUE_LEASE_MS: '100' });
    const update = cache.updateFlightDeparture(1, { ...TIMES, durability: 'replica' });
    const error: unknown = await update.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DurabilityError);
    expect(error).toMatchObject({
      code: 'DURABILITY_NOT_REACHED',
      retryable: false,
      accepted: { durability: 'memory', replayed: false },
    });
    await cache.flushQueue();
    expect(await logged()).toEqual([{ flight_id: 1 }]);
  });

  it('a level that is none is refused before anything is written', async () => {
    const cache = await world.open();
    const update = cache.updateFlightDeparture(1, { ...TIMES, durability: 'disk' as 'aof' });
    await expect(update).rejects.toMatchObject({ code: 'VALIDATION', field: 'durability' });
    expect(await cache.queueLength()).toBe(0);
  });
});
