/** GET /flights?flightno: which flights are found, in which order, and how MySQL reads them. */
import { readFileSync } from 'node:fs';
import { closeClients } from '@afterwrite/functions/compose';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { call } from '../support/invoke.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };

let world: World;

beforeAll(async () => {
  world = await makeWorld({ flights: 500, environment: { AUTH_MODE: 'none', QUEUE_PARTITIONS: '4' } });
  for (const [name, value] of Object.entries(world.environment)) vi.stubEnv(name, value);
  await world.db.query("UPDATE flight SET flightno = 'XY77' WHERE flight_id BETWEEN 60 AND 64");
  await world.db.query("UPDATE flight SET flightno = 'XY777' WHERE flight_id = 65");
  await world.db.query(
    "UPDATE flight SET departure = '2029-03-01 10:00:00', arrival = '2029-03-01 12:00:00' WHERE flight_id = 61",
  );
  await world.db.query(
    'UPDATE airport SET iata = NULL WHERE airport_id = (SELECT `from` FROM flight WHERE flight_id = 61)',
  );
});
afterAll(async () => {
  await closeClients();
  vi.unstubAllEnvs();
  await world.dispose();
});

const find = async (query: Record<string, string>) =>
  await call<{ flights: { flight_id: number; departure: string }[] }>('GET', '/flights', { query });

it('finds the flights of a number, in either case, the newest departure first, and no other number', async () => {
  const { status, body } = await find({ flightno: ' xy77 ' });
  expect(status).toBe(200);
  expect(body.flights.map(({ flight_id }) => flight_id).toSorted()).toEqual([60, 61, 62, 63, 64]);
  const departures = body.flights.map(({ departure }) => departure);
  expect(departures).toEqual(departures.toSorted().reverse());
  const { flight } = (await call<{ flight: Record<string, unknown> }>('GET', '/flights/61')).body;
  const { airline_id: _airline, airplane_id: _airplane, ...shown } = flight;
  expect(body.flights[0]).toEqual(shown);
  expect(shown).toMatchObject({ departure: '2029-03-01T10:00:00Z', from_airport: null });
  const two = await find({ flightno: 'XY77', limit: '2' });
  expect(two.body.flights).toEqual(body.flights.slice(0, 2));
  expect((await find({ flightno: 'XY7' })).body).toEqual({ flights: [] });
});

it('reads the table once, and not row by row along the departures', async () => {
  await world.db.query('ANALYZE TABLE flight');
  const text = readFileSync('packages/flights/src/databases/mysql/sql/find-flights.sql', 'utf8');
  const plan = async (sql: string) =>
    JSON.stringify(await world.rows(`EXPLAIN FORMAT=TREE ${sql}`, ['XY77', 20]));
  expect(await plan(text)).toContain('Table scan on f ');
  // What MySQL does by itself: without this the hint is not needed any more.
  expect(await plan(text.replace('NO_ORDER_INDEX(f)', ''))).toContain('departure_idx (reverse)');
});

it('shows what is stored: an update is seen after the flush', async () => {
  const { status } = await call('PATCH', '/flights/65', { body: TIMES });
  expect(status).toBe(202);
  const departure = async () => (await find({ flightno: 'XY777' })).body.flights[0]?.departure;
  expect(await departure()).not.toBe(TIMES.departure);
  await call('POST', '/queue/flush', { body: {} });
  expect(await departure()).toBe(TIMES.departure);
});

it.each([
  [{}, 'flightno'],
  [{ flightno: '' }, 'flightno'],
  [{ flightno: ' ' }, 'flightno'],
  [{ flightno: 'SA21334567' }, 'flightno'],
  [{ flightno: "x' OR 1" }, 'flightno'],
  [{ flightno: 'SA%' }, 'flightno'],
  [{ flightno: 'ß' }, 'flightno'],
  [{ flightno: 'x'.repeat(1000) }, 'flightno'],
  [{ flightno: 'SA2133', limit: '0' }, 'limit'],
  [{ flightno: 'SA2133', limit: '51' }, 'limit'],
  [{ flightno: 'SA2133', limit: '1.5' }, 'limit'],
  [{ flightno: 'SA2133', from: 'VIE' }, 'from'],
])('refuses %s', async (query: Record<string, string>, field) => {
  expect(await find(query)).toMatchObject({
    status: 400,
    body: { type: 'urn:afterwrite:problem:invalid-field', field },
  });
});
