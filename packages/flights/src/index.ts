export { type Flight, type FlightChanges, flightDefinition } from './flight.ts';
export { type DepartureUpdate, FlightCache, flightEntity } from './flight-cache.ts';
export { createFlughafenSchema, type FlughafenSchemaOptions } from './schema/create-schema.ts';
export { SeedCountError, SeedLockedError } from './seed/errors.ts';
export { maxSeededFlights, plannedFlight, type PlannedFlight } from './seed/flight-plan.ts';
export { defaultSeededFlights, seedFlights } from './seed/seed-flights.ts';
export type { SeedFlightsOptions, SeedProgress, SeedResult } from './seed/seed-flights.ts';
export { parseTime } from './times.ts';
export { mysqlFlights } from './store/mysql-flights.ts';
