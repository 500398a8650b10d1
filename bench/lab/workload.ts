/** Which flight an update is of, and what it changes: the same in every run, and made before anything is timed. */
import type { FlightChanges } from '@afterwrite/flights';
import { FLIGHTS } from './servers.ts';

const MINUTE_MS = 60_000;
const FIRST_DEPARTURE_MS = Date.UTC(2030, 0, 1);
/** More than any number of flights that is updated in turn, and no multiple of it: each update changes its flight. */
const CHANGES = 1009;

/** The ids of `flights` flights, spread over all that there are, in turn. */
export function flightOf(index: number, flights: number): string {
  return String(1 + Math.floor(((index % flights) * FLIGHTS) / flights));
}

const changes: readonly FlightChanges[] = Array.from({ length: CHANGES }, (_, index) => {
  const departureMs = FIRST_DEPARTURE_MS + index * MINUTE_MS;
  return { departure: textOf(departureMs), arrival: textOf(departureMs + 90 * MINUTE_MS) };
});

export function changesOf(index: number): FlightChanges {
  const found = changes[index % CHANGES];
  if (!found) throw new RangeError(`There is no update ${String(index)}`);
  return found;
}

function textOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
