/** The flight as applications see it, and what may be asked of it. */
import { type EntityDefinition, ValidationError } from '@afterwrite/write-behind';
import { parseTime } from './times.ts';

/** The cached value. Times are ISO 8601, UTC, whole seconds. A type, not an interface, so that it is a plain record. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface has no index signature
export type Flight = {
  readonly flight_id: number;
  readonly flightno: string;
  readonly departure: string;
  readonly arrival: string;
  readonly airline_id: number;
  readonly airplane_id: number;
  /** IATA code; null where the airport has none. */
  readonly from_airport: string | null;
  readonly to_airport: string | null;
  readonly airlinename: string | null;
};

export type FlightChanges = Readonly<Pick<Flight, 'departure' | 'arrival'>>;

/** A flight as a search shows it. */
export type FoundFlight = Pick<
  Flight,
  'flight_id' | 'flightno' | 'departure' | 'arrival' | 'airlinename' | 'from_airport' | 'to_airport'
>;

/** The column is a signed INT, and ids begin at 1. */
const MAX_FLIGHT_ID = 2_147_483_647;

/** As the column holds it: `char(8)`, upper case. Throws ValidationError. */
export function parseFlightno(flightno: unknown): string {
  const text = typeof flightno === 'string' ? flightno.trim() : '';
  if (!/^[A-Za-z0-9]{1,8}$/.test(text)) {
    throw new ValidationError('flightno', 'must be 1 to 8 letters and digits, such as SA2133');
  }
  return text.toUpperCase();
}

export const flightDefinition: EntityDefinition<Flight, FlightChanges> = {
  name: 'flight',
  parseId(id) {
    const text = typeof id === 'number' ? String(id) : id;
    if (typeof text !== 'string' || !/^[1-9]\d{0,9}$/.test(text) || Number(text) > MAX_FLIGHT_ID) {
      throw new ValidationError('flightId', `must be a whole number from 1 to ${String(MAX_FLIGHT_ID)}`);
    }
    return text;
  },
  parseChanges(changes) {
    if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
      throw new ValidationError('changes', 'must be an object with departure and arrival');
    }
    const unknown = Object.keys(changes).find((name) => name !== 'departure' && name !== 'arrival');
    if (unknown !== undefined) throw new ValidationError(unknown, 'is not a field that can be changed');
    const { departure, arrival } = changes as Record<string, unknown>;
    const parsed = { departure: parseTime('departure', departure), arrival: parseTime('arrival', arrival) };
    // Equal form, so that text order is time order.
    if (parsed.arrival <= parsed.departure) {
      throw new ValidationError(
        'arrival',
        `${parsed.arrival} is not after the departure at ${parsed.departure}`,
      );
    }
    return parsed;
  },
};
