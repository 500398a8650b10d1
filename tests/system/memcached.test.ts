/** The cache and the API with memcached: what a call costs on both servers, and what is left of the service without it. */
import { closeClients } from '@afterwrite/functions/compose';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { call } from '../support/invoke.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const AWAY = { requests: 'SWALLOW', replies: 'SWALLOW', newcomers: 'IGNORE' } as const;

let world: World;
let proxy: TcpProxy;
/** Sent to memcached. */
let commands: string[];

beforeEach(async () => {
  commands = [];
  const watch = () => (bytes: Buffer) => {
    for (const [, name = ''] of bytes.toString('latin1').matchAll(/^(get|set|version) ?/gm))
      commands.push(name);
  };
  proxy = await startTcpProxy(inject('memcached'), { watch });
  world = await makeWorld({
    flights: 20,
    pair: { database: 'mysql', cache: 'memcached' },
    environment: { CACHE_PORT: String(proxy.port), CACHE_HOST: proxy.host, QUEUE_PARTITIONS: '1' },
  });
});
afterEach(async () => {
  await world.dispose();
  await proxy.close();
});

function taken(): string[] {
  return commands.splice(0);
}

describe('what a call costs in memcached', () => {
  it('one command for a read and for an update of a clean flight, none for one of a dirty flight', async () => {
    const cache = await world.open();
    expect((await cache.getFlight(7)).source).toBe('CACHE_MISS');
    taken();
    expect((await cache.getFlight(7)).source).toBe('CACHE_HIT');
    expect(taken()).toEqual(['get']);
    await cache.updateFlightDeparture(7, { ...TIMES, user: 'test' });
    expect(taken()).toEqual(['get']);
    await cache.updateFlightDeparture(7, { ...TIMES, user: 'test' });
    expect(taken()).toEqual([]);
    await cache.flushQueue();
    expect(taken()).toEqual(['set']);
    const read = await cache.getFlight(7);
    expect(read).toMatchObject({ source: 'CACHE_HIT', pending: false, value: TIMES });
    // The row is read by nobody: its value came from the update.
    await cache.updateFlightDeparture(7, { ...TIMES, user: 'test', ifVersion: read.version });
    expect((await cache.verifyConsistency(7)).differing).toEqual([]);
  });
});

describe('8 9 without memcached', () => {
  it('reads, updates and flushes go on; the API says so, and calls itself fit', async () => {
    for (const [name, value] of Object.entries({ ...world.environment, AUTH_MODE: 'none' }))
      vi.stubEnv(name, value);
    try {
      const read = async (id: number) => await call<{ source: string }>('GET', `/flights/${String(id)}`);
      const patch = async (id: number) =>
        (await call('PATCH', `/flights/${String(id)}`, { body: TIMES })).status;
      for (const id of [1, 2]) await read(id);
      await proxy.set(AWAY);
      expect(await patch(1)).toBe(202);
      expect(await read(1)).toMatchObject({ status: 200, body: { source: 'CACHE_HIT', flight: TIMES } });
      expect(await read(2)).toMatchObject({ status: 200, body: { source: 'CACHE_MISS' } });
      // Beside its version for a while.
      expect(await read(2)).toMatchObject({ status: 200, body: { source: 'CACHE_HIT' } });
      expect((await call('POST', '/queue/flush')).body).toMatchObject({ processed: 1, remaining: 0 });
      expect(await read(1)).toMatchObject({ status: 200, body: { source: 'CACHE_HIT', flight: TIMES } });
      expect(await call('GET', '/health')).toMatchObject({
        status: 200,
        body: {
          ok: true,
          checks: expect.arrayContaining([
            {
              name: 'settings',
              ok: true,
              detail: expect.stringMatching(/^memcached at .* does not answer/) as string,
            },
          ]) as unknown,
        },
      });
    } finally {
      await closeClients();
      vi.unstubAllEnvs();
    }
  });
});
