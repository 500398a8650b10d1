/**
 * Every airline has the same fleet of sixteen, ordered by range. The ids of an airline's airplanes follow each
 * other, so a flight's airplane always belongs to its airline.
 */
import { airlines } from './airlines.ts';

export interface Airplane {
  readonly airplaneId: number;
  /** Seats. */
  readonly capacity: number;
  readonly typeId: number;
  readonly airlineId: number;
}

interface AirplaneType {
  readonly typeId: number;
  readonly capacity: number;
  readonly rangeKm: number;
  readonly count: number;
}

/** By range, shortest first; the last ones reach everywhere. */
const types: readonly AirplaneType[] = [
  { typeId: 1, capacity: 72, rangeKm: 1_300, count: 2 },
  { typeId: 2, capacity: 100, rangeKm: 2_800, count: 3 },
  { typeId: 3, capacity: 180, rangeKm: 5_000, count: 4 },
  { typeId: 4, capacity: 220, rangeKm: 6_500, count: 3 },
  { typeId: 5, capacity: 296, rangeKm: Infinity, count: 3 },
  { typeId: 6, capacity: 396, rangeKm: Infinity, count: 1 },
];

const fleet: readonly AirplaneType[] = types.flatMap((type) => Array<AirplaneType>(type.count).fill(type));

/** So many of the smallest airplanes that reach far enough are considered: no jumbo hops over a lake. */
const maxCandidates = 7;

export const airplanes: readonly Airplane[] = airlines.flatMap((_, airlineIndex) =>
  fleet.map((type, place) => ({
    airplaneId: airlineIndex * fleet.length + place + 1,
    capacity: type.capacity,
    typeId: type.typeId,
    airlineId: airlineIndex + 1,
  })),
);

/** The id of one of the airline's airplanes that reach so far; `choice` is any whole number from 0. */
export function airplaneIdFor(airlineId: number, distanceKm: number, choice: number): number {
  const first = fleet.findIndex((type) => type.rangeKm >= distanceKm);
  const candidates = Math.min(maxCandidates, fleet.length - first);
  return (airlineId - 1) * fleet.length + first + (choice % candidates) + 1;
}
