import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { airlines } from './airlines.ts';
import { airplanes } from './airplanes.ts';
import { airports } from './airports.ts';
import { maxSeededFlights, plannedFlight, type PlannedFlight } from './flight-plan.ts';

function plannedFlights(count: number): PlannedFlight[] {
  return Array.from({ length: count }, (_, index) => plannedFlight(index + 1));
}

function hash(flights: readonly PlannedFlight[]): string {
  return createHash('sha256').update(JSON.stringify(flights)).digest('hex');
}

/** Milliseconds since 1970 of a time as MySQL writes it, read as UTC. */
function timeMs(dateTime: string): number {
  return Date.parse(`${dateTime.replace(' ', 'T')}Z`);
}

describe('the flight of an id', () => {
  test('is the same on every call, in every process and in every order', () => {
    const first = plannedFlights(1_000);
    const backwards = [...first].reverse().map(({ flightId }) => plannedFlight(flightId));
    expect(backwards.reverse()).toEqual(first);
    // Pinned: when this changes, everybody's seeded database stops being the one that a new seeding would make.
    expect(hash(first)).toBe('f46bac5b20c759be75ea6ccf10fb758fcb8855f0158daaf8d30c1ce5564990b9');
  });

  test('refers to an airline, to one of its airplanes and to two airports, one of them its base', () => {
    for (const flight of plannedFlights(20_000)) {
      const airline = airlines[flight.airlineId - 1];
      const ends = [airports[flight.from - 1]?.iata, airports[flight.to - 1]?.iata];
      expect(ends).toContain(airline?.base);
      expect(ends).not.toContain(undefined);
      expect(flight.from).not.toBe(flight.to);
      expect(airplanes[flight.airplaneId - 1]?.airlineId).toBe(flight.airlineId);
      expect(flight.flightno).toMatch(/^[A-Z]{2}[1-9]\d{3}$/);
      expect(flight.flightno.slice(0, 2)).toBe(airline?.iata);
    }
  });

  test('departs on a whole minute of the summer of 2027 and arrives after that', () => {
    for (const { departure, arrival } of plannedFlights(20_000)) {
      expect(departure).toMatch(/^2027-0[678]-\d\d \d\d:\d\d:00$/);
      expect(arrival).toMatch(/^2027-0[6789]-\d\d \d\d:\d\d:00$/);
      const minutes = (timeMs(arrival) - timeMs(departure)) / 60_000;
      expect(minutes).toBeGreaterThanOrEqual(40);
      expect(minutes).toBeLessThan(20 * 60);
    }
  });

  test('has a flight number that no other flight of that day has', () => {
    const keys = new Set(plannedFlights(200_000).map((flight) => `${flight.flightno} ${flight.departure}`));
    expect(keys.size).toBe(200_000);
  });

  test('uses every airport and every airline', () => {
    const flights = plannedFlights(20_000);
    expect(new Set(flights.flatMap(({ from, to }) => [from, to])).size).toBe(airports.length);
    expect(new Set(flights.map(({ airlineId }) => airlineId)).size).toBe(airlines.length);
  });

  test('exists up to the last id, and for nothing else', () => {
    expect(plannedFlight(maxSeededFlights).flightId).toBe(maxSeededFlights);
    for (const id of [0, -1, 1.5, NaN, maxSeededFlights + 1]) {
      expect(() => plannedFlight(id)).toThrow(RangeError);
    }
  });
});
