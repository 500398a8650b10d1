import { FlightCache } from '@afterwrite/flights';
import type { RowDataPacket } from 'mysql2/promise';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePlace, type Place, runCommandLine, startCommand } from '../../testing/commands.ts';

let place: Place;
let cache: FlightCache;

beforeEach(async () => {
  // The second round never comes: what is stored after the first one was stored at the end.
  place = await makePlace(50, { QUEUE_PROCESS_INTERVAL: '3600' });
  cache = await FlightCache.open(place.settings);
});

afterEach(async () => {
  await cache.close();
  await place.remove();
});

async function moveFlights(ids: readonly number[], arrival: string): Promise<void> {
  for (const id of ids) {
    const { departure } = (await cache.getFlight(id)).value;
    await cache.updateFlightDeparture(id, { departure, arrival, user: 'test' });
  }
}

async function countArrivals(arrival: string): Promise<unknown> {
  const [rows] = await place.connection.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS number FROM flight WHERE arrival = ?',
    [arrival],
  );
  return rows[0]?.number;
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'stores what waits at once; at %s also what came since, and ends with 0',
  async (signal) => {
    await moveFlights([1, 2, 3], '2031-01-01T00:00:00Z');
    const { child, sees, ended } = startCommand('worker', [], place.environment);
    await sees('stored 3, waiting 0');
    expect(await countArrivals('2031-01-01 00:00:00')).toBe(3);

    await moveFlights([1, 2, 3, 4, 5], '2032-01-01T00:00:00Z');
    expect(await cache.queueLength()).toBe(5);
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('stored 5, waiting 0');
    expect(stdout).toContain('Ended; nothing waits.');
    expect(await cache.queueLength()).toBe(0);
    expect(await countArrivals('2032-01-01 00:00:00')).toBe(5);
  },
);

test('comes back every QUEUE_PROCESS_INTERVAL seconds', async () => {
  const environment = { ...place.environment, QUEUE_PROCESS_INTERVAL: '1' };
  await moveFlights([1], '2031-01-01T00:00:00Z');
  const { child, sees, ended } = startCommand('worker', [], environment);
  await sees('stored 1, waiting 0');
  await moveFlights([2], '2031-01-01T00:00:00Z');
  await sees('stored 1, waiting 0', 2);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('says when the tables of a named database are missing', async () => {
  const empty = await makePlace(undefined);
  const { code, stderr } = await runCommandLine('worker', [], empty.environment);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^afterwrite: The database .* does not exist: .*\n$/);
  await empty.remove();
});
