/** What seeding refuses. What the server says is thrown as `SqlConnection` does. */
import { maxSeededFlights } from './flight-plan.ts';

/** The number of flights asked for is not a whole number in 0..maxSeededFlights. Nothing was written. */
export class SeedCountError extends Error {
  override readonly name = 'SeedCountError';
  readonly code = 'SEED_COUNT_OUT_OF_RANGE';
  readonly retryable = false;
  readonly flights: number;

  constructor(flights: number) {
    super(`flights must be a whole number from 0 to ${String(maxSeededFlights)}, not ${String(flights)}`);
    this.flights = flights;
  }
}

/** Another seeding of the same database did not end within the time waited for it. Nothing was written. */
export class SeedLockedError extends Error {
  override readonly name = 'SeedLockedError';
  readonly code = 'SEED_LOCKED';
  readonly retryable = true;
  readonly waitedSeconds: number;

  constructor(waitedSeconds: number) {
    super(`another seeding of this database is still at work after ${String(waitedSeconds)} s`);
    this.waitedSeconds = waitedSeconds;
  }
}
