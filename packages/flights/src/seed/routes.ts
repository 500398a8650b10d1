/**
 * The routes each airline flies: from its base to the nearest other airports, so that every flight is one that
 * an airplane could fly without a stop.
 */
import { airlines } from './airlines.ts';
import { airports, type Airport } from './airports.ts';

export interface Route {
  /** airport_id of the airline's base. */
  readonly baseId: number;
  /** airport_id of the other end. */
  readonly otherId: number;
  readonly distanceKm: number;
  /** From gate to gate, in steps of five minutes. */
  readonly durationMinutes: number;
}

/** Of 60 airports. The furthest that any base then reaches is 14,600 km away; a flight of 18 hours exists. */
export const routesPerAirline = 48;

const earthRadiusKm = 6_371;
/** About 810 km/h, the usual speed of a jet over a whole flight. */
const cruiseKmPerMinute = 13.5;
/** Taxiing, climb and approach. */
const groundMinutes = 35;
const stepMinutes = 5;

/** Routes by airline: `routesByAirline[airlineId - 1]` has `routesPerAirline` of them, nearest first. */
export const routesByAirline: readonly (readonly Route[])[] = airlines.map((airline) =>
  routesFrom(airline.base),
);

function routesFrom(baseIata: string): readonly Route[] {
  const baseIndex = airports.findIndex((airport) => airport.iata === baseIata);
  const base = airports[baseIndex];
  if (base === undefined) throw new Error(`base airport ${baseIata} is not in the list of airports`);
  return airports
    .map((other, index) => {
      const distanceKm = greatCircleKm(base, other);
      const durationMinutes = blockMinutes(distanceKm);
      return { baseId: baseIndex + 1, otherId: index + 1, distanceKm, durationMinutes };
    })
    .filter((route) => route.otherId !== route.baseId)
    .sort((a, b) => a.distanceKm - b.distanceKm || a.otherId - b.otherId)
    .slice(0, routesPerAirline);
}

function blockMinutes(distanceKm: number): number {
  const minutes = groundMinutes + distanceKm / cruiseKmPerMinute;
  return Math.ceil(minutes / stepMinutes) * stepMinutes;
}

/** The haversine formula, in kilometres; good to half a percent, which is less than the rounding. */
export function greatCircleKm(a: Airport, b: Airport): number {
  const toRad = Math.PI / 180;
  const sinLatitude = Math.sin(((b.latitudeDeg - a.latitudeDeg) * toRad) / 2);
  const sinLongitude = Math.sin(((b.longitudeDeg - a.longitudeDeg) * toRad) / 2);
  const h =
    sinLatitude ** 2 + Math.cos(a.latitudeDeg * toRad) * Math.cos(b.latitudeDeg * toRad) * sinLongitude ** 2;
  return 2 * earthRadiusKm * Math.asin(Math.sqrt(h));
}
