import { describe, expect, test } from 'vitest';
import { airlines } from './airlines.ts';
import { airplaneIdFor, airplanes } from './airplanes.ts';
import { airports } from './airports.ts';
import { greatCircleKm, routesByAirline, routesPerAirline } from './routes.ts';

function airport(iata: string) {
  const found = airports.find((candidate) => candidate.iata === iata);
  if (found === undefined) throw new Error(`no airport ${iata}`);
  return found;
}

/** Keys compare without regard to case under utf8mb4_unicode_ci. */
function distinct(codes: readonly string[]): number {
  return new Set(codes.map((code) => code.toUpperCase())).size;
}

describe('airports', () => {
  test('are a few dozen, with well-formed codes that occur once', () => {
    expect(airports.length).toBeGreaterThanOrEqual(36);
    for (const { iata, icao } of airports) {
      expect(iata).toMatch(/^[A-Z]{3}$/);
      expect(icao).toMatch(/^[A-Z]{4}$/);
    }
    expect(distinct(airports.map(({ iata }) => iata))).toBe(airports.length);
    expect(distinct(airports.map(({ icao }) => icao))).toBe(airports.length);
  });

  test('have names that fit their column, and positions on Earth', () => {
    for (const { name, latitudeDeg, longitudeDeg } of airports) {
      expect(name.length).toBeLessThanOrEqual(50);
      expect(Math.abs(latitudeDeg)).toBeLessThan(70);
      expect(Math.abs(longitudeDeg)).toBeLessThanOrEqual(180);
    }
  });

  test.each([
    ['LHR', 'JFK', 5_540],
    ['FRA', 'SIN', 10_260],
    ['SFO', 'HND', 8_290],
  ])('%s and %s are about %i km apart', (a, b, km) => {
    const distanceKm = greatCircleKm(airport(a), airport(b));
    expect(Math.abs(distanceKm - km)).toBeLessThan(0.01 * km);
  });
});

describe('airlines', () => {
  test('have codes that occur once, names that fit, and a base in the list', () => {
    for (const { iata, name, base } of airlines) {
      expect(iata).toMatch(/^[A-Z]{2}$/);
      expect(name.length).toBeLessThanOrEqual(30);
      expect(airport(base).iata).toBe(base);
    }
    expect(distinct(airlines.map(({ iata }) => iata))).toBe(airlines.length);
    expect(distinct(airlines.map(({ name }) => name))).toBe(airlines.length);
  });

  test('fly from their base to other airports, none of them out of reach', () => {
    for (const [index, routes] of routesByAirline.entries()) {
      expect(routes).toHaveLength(routesPerAirline);
      expect(new Set(routes.map(({ otherId }) => otherId)).size).toBe(routesPerAirline);
      for (const { baseId, otherId, distanceKm } of routes) {
        expect(airports[baseId - 1]?.iata).toBe(airlines[index]?.base);
        expect(otherId).not.toBe(baseId);
        expect(distanceKm).toBeLessThan(15_000);
      }
    }
  });
});

describe('airplanes', () => {
  test('have ids from 1 without gaps, seats and an airline', () => {
    expect(airplanes.map(({ airplaneId }) => airplaneId)).toEqual(airplanes.map((_, index) => index + 1));
    for (const { airlineId, capacity } of airplanes) {
      expect(airlines[airlineId - 1]).toBeDefined();
      expect(capacity).toBeGreaterThan(0);
    }
  });

  test.each([100, 1_300, 2_000, 4_000, 6_000, 15_000])(
    'for %i km there is one of the airline’s own',
    (km) => {
      for (let choice = 0; choice < 100; choice += 1) {
        for (const airlineId of [1, airlines.length]) {
          expect(airplanes[airplaneIdFor(airlineId, km, choice) - 1]?.airlineId).toBe(airlineId);
        }
      }
    },
  );

  test('the smallest do not cross oceans, the largest do not hop', () => {
    const smallest = Math.min(...airplanes.map(({ capacity }) => capacity));
    const largest = Math.max(...airplanes.map(({ capacity }) => capacity));
    for (let choice = 0; choice < 100; choice += 1) {
      expect(airplanes[airplaneIdFor(1, 9_000, choice) - 1]?.capacity).toBeGreaterThan(smallest);
      expect(airplanes[airplaneIdFor(1, 200, choice) - 1]?.capacity).toBeLessThan(largest);
    }
  });
});
