/**
 * Flight by id: a pure function, so a data set of N flights is the first N of any larger one, and seeding may
 * stop and go on anywhere. No clock and no random source is read: the same id gives the same row for ever.
 *
 * All flights that there can be, every airline, route, direction, time of day and day of the summer, are counted
 * from 0 to `maxSeededFlights` - 1, and the id picks one through a fixed shuffle of these numbers. As a shuffle
 * never gives the same number twice, no two flights share both flight number and day.
 */
import { airlines } from './airlines.ts';
import { airplaneIdFor } from './airplanes.ts';
import { routesByAirline, routesPerAirline } from './routes.ts';

/** A row of the table `flight`. Times are UTC, as MySQL writes them: `2027-06-01 05:00:00`. */
export interface PlannedFlight {
  readonly flightId: number;
  /** Two letters of the airline, four digits. */
  readonly flightno: string;
  /** airport_id */
  readonly from: number;
  /** airport_id */
  readonly to: number;
  readonly departure: string;
  readonly arrival: string;
  readonly airlineId: number;
  readonly airplaneId: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Departures are on days from 1 June to 31 August 2027. */
const firstDayMs = Date.UTC(2027, 5, 1);
const days = 92;
/** Departures of a route and direction lie half an hour apart, from 05:00 to 22:55 UTC. */
const slotsPerDay = 36;
const slotMinutes = 30;
const firstSlotMinute = 5 * 60;
const directions = 2;
/** Flight numbers then have four digits: 1000 to 4455. */
const firstFlightNumber = 1_000;

/** How many different flights there are: 7,948,800. */
export const maxSeededFlights = airlines.length * days * slotsPerDay * routesPerAirline * directions;

/** The flight with this id. Throws a RangeError for an id that is not a whole number in 1..maxSeededFlights. */
export function plannedFlight(flightId: number): PlannedFlight {
  if (!Number.isInteger(flightId) || flightId < 1 || flightId > maxSeededFlights) {
    throw new RangeError(`flight id ${String(flightId)} is outside 1..${String(maxSeededFlights)}`);
  }
  let rest = shuffled(flightId - 1);
  const digit = (base: number): number => {
    const value = rest % base;
    rest = (rest - value) / base;
    return value;
  };
  const airlineIndex = digit(airlines.length);
  const day = digit(days);
  const slot = digit(slotsPerDay);
  const routeIndex = digit(routesPerAirline);
  const outbound = digit(directions) === 0;

  const airline = airlines[airlineIndex];
  const route = routesByAirline[airlineIndex]?.[routeIndex];
  if (airline === undefined || route === undefined)
    throw new Error('airlines and routes do not fit together');

  const number = firstFlightNumber + (slot * routesPerAirline + routeIndex) * directions + (outbound ? 0 : 1);
  const minuteOfDay = firstSlotMinute + slot * slotMinutes + (routeIndex % 6) * 5;
  const departureMs = firstDayMs + day * dayMs + minuteOfDay * minuteMs;
  return {
    flightId,
    flightno: `${airline.iata}${String(number)}`,
    from: outbound ? route.baseId : route.otherId,
    to: outbound ? route.otherId : route.baseId,
    departure: sqlDateTime(departureMs),
    arrival: sqlDateTime(departureMs + route.durationMinutes * minuteMs),
    airlineId: airlineIndex + 1,
    airplaneId: airplaneIdFor(airlineIndex + 1, route.distanceKm, day),
  };
}

function sqlDateTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** The smallest number of bits that counts all flights: the shuffle works on whole bits. */
const shuffleBits = Math.ceil(Math.log2(maxSeededFlights));
const shuffleMask = 2 ** shuffleBits - 1;

/**
 * A one-to-one map of 0..maxSeededFlights - 1 onto itself. `mixed` is one of 0..shuffleMask; what falls outside
 * is mixed again until it is inside, which keeps it one-to-one (cycle walking).
 */
function shuffled(index: number): number {
  let value = mixed(index);
  while (value >= maxSeededFlights) value = mixed(value);
  return value;
}

/** One-to-one, because each step is: xor with a right shift of itself, and an odd factor modulo a power of two. */
function mixed(index: number): number {
  const shift = Math.ceil(shuffleBits / 2);
  let value = index;
  value ^= value >>> shift;
  value = Math.imul(value, 0x2c1b3c6d) & shuffleMask;
  value ^= value >>> shift;
  value = Math.imul(value, 0x297a2d39) & shuffleMask;
  value ^= value >>> shift;
  return value;
}
