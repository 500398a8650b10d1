export { type Flight, type FlightChanges, flightDefinition, type FoundFlight } from './flight.ts';
export { type DepartureUpdate, FlightCache, flightEntity, type FlightSearch } from './flight-cache.ts';
export { LOG_COLUMNS } from './databases/flights-mapping.ts';
export { createFlightLogIndex } from './schema/log-index.ts';
export {
  createFlughafenSchema,
  flughafenSchema,
  type FlughafenSchemaOptions,
} from './schema/create-schema.ts';
export { createFlightsUser } from './schema/create-user.ts';
export { SeedCountError, SeedLockedError } from './seed/errors.ts';
export { maxSeededFlights, plannedFlight, type PlannedFlight } from './seed/flight-plan.ts';
export { defaultSeededFlights, seedFlights } from './seed/seed-flights.ts';
export type { SeedFlightsOptions, SeedProgress, SeedResult } from './seed/seed-flights.ts';
export { parseTime } from './times.ts';
