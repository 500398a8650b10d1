/** The write-behind cache for flights: what applications use. */
import {
  cacheSettings,
  openPorts,
  parseSettings,
  readEnvironment,
  type ReadResult,
  type Settings,
  type Surroundings,
  type UpdateOptions,
  type UpdateResult,
  ValidationError,
  WriteBehindCache,
} from '@afterwrite/write-behind';
import {
  type Flight,
  type FlightChanges,
  flightDefinition,
  type FoundFlight,
  parseFlightno,
} from './flight.ts';
import { flightsIn } from './databases/index.ts';

export const flightEntity = {
  definition: flightDefinition,
  mappings: {
    mysql: flightsIn.mysql.mapping,
    mariadb: flightsIn.mariadb.mapping,
    postgresql: flightsIn.postgresql.mapping,
  },
};

/** Times: ISO 8601 text or Date; without an offset UTC; whole seconds. */
export interface DepartureUpdate extends UpdateOptions {
  readonly departure: string | Date;
  readonly arrival: string | Date;
}

export interface FlightSearch {
  readonly flightno: string;
  /** 1 to 50; 20 where it is left out. */
  readonly limit?: number;
}

const FOUND = { default: 20, most: 50 };

export class FlightCache extends WriteBehindCache<Flight, FlightChanges> {
  /**
   * Connects, checks the servers, and makes the `afterwrite_` tables where they are missing. Without settings the
   * environment (and a `.env` file) is read; docs/CONFIGURATION.md lists the variables. Throws ConfigurationError,
   * BufferUnavailableError or StoreUnavailableError.
   */
  static async open(settings?: Settings, surroundings: Surroundings = {}): Promise<FlightCache> {
    const chosen = settings ?? parseSettings(readEnvironment());
    return new FlightCache(
      flightDefinition,
      await openPorts(flightEntity, chosen, surroundings),
      cacheSettings(chosen),
    );
  }

  /** See `get`. */
  async getFlight(flightId: number | string): Promise<ReadResult<Flight>> {
    return await this.get(flightId);
  }

  /**
   * Flights by their number, the newest departure first, as the database has them: an update that waits in the queue is not
   * in them yet (`getFlight` has it). Throws ValidationError and StoreUnavailableError. Without an index on flightno the
   * table is read, for DB_STATEMENT_TIMEOUT_MS at the most.
   */
  async findFlights({ flightno, limit = FOUND.default }: FlightSearch): Promise<readonly FoundFlight[]> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > FOUND.most) {
      throw new ValidationError('limit', `must be a whole number from 1 to ${String(FOUND.most)}`);
    }
    return (await this.find({ flightno: parseFlightno(flightno), limit })) as readonly FoundFlight[];
  }

  /** Moves a flight's departure and arrival; the arrival must be after the departure. See `update`. */
  async updateFlightDeparture(
    flightId: number | string,
    { departure, arrival, ...options }: DepartureUpdate,
  ): Promise<UpdateResult> {
    return await this.update(flightId, { departure, arrival }, options);
  }
}
