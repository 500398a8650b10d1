/**
 * Writes the record that `checkHistory` reads. A line is with the operating system before the caller is told, so whatever
 * an application was told, its record has, also after a SIGKILL of its process (not after a loss of power).
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { DurabilityError, OutcomeUnknownError, type UpdateResult } from '@afterwrite/write-behind';
import { flightDefinition } from '../flight.ts';
import type { DepartureUpdate, FlightCache } from '../flight-cache.ts';
import type { Outcome, RecordLine } from './record.ts';

/** A line is far shorter: 100 and 200 characters of text, and an idempotency key of 255. */
const LONGEST_LINE_BYTES = 8192;

export class HistoryRecorder {
  readonly #file: number;

  /** Appends to `file`; it is made where it is missing. One process a file. */
  constructor(file: string) {
    this.#file = openSync(file, 'a+');
    dropCutOffLine(this.#file);
  }

  /** As `cache.updateFlightDeparture`, and recorded. Throws what that throws. */
  async update(
    cache: Pick<FlightCache, 'updateFlightDeparture'>,
    flightId: number | string,
    update: DepartureUpdate,
  ): Promise<UpdateResult> {
    const line = {
      id: flightDefinition.parseId(flightId),
      changes: flightDefinition.parseChanges({ departure: update.departure, arrival: update.arrival }),
      user: update.user,
      comment: update.comment ?? null,
      ...(update.idempotencyKey === undefined ? {} : { key: update.idempotencyKey }),
    };
    this.write({ outcome: 'sent', ...line });
    try {
      const result = await cache.updateFlightDeparture(flightId, update);
      this.write({ outcome: 'acknowledged', ...line, ...told(result) });
      return result;
    } catch (error) {
      if (error instanceof DurabilityError) {
        this.write({ outcome: 'acknowledged', ...line, ...told(error.accepted) });
      } else this.write({ outcome: outcomeOf(error), ...line });
      throw error;
    }
  }

  /** For those who call something else than the class, such as the API. */
  write(line: Omit<RecordLine, 'at'>): void {
    writeSync(this.#file, `${JSON.stringify({ ...line, at: new Date().toISOString() })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function told({ version, durability }: UpdateResult): Pick<RecordLine, 'version' | 'durability'> {
  return { version, durability };
}

function outcomeOf(error: unknown): Outcome {
  return error instanceof OutcomeUnknownError ? 'unknown' : 'refused';
}

/** What a killed process left half written was told to nobody; the next line must not be glued to it. */
function dropCutOffLine(file: number): void {
  const { size } = fstatSync(file);
  const tail = Buffer.alloc(Math.min(size, LONGEST_LINE_BYTES));
  readSync(file, tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf('\n');
  if (size > 0 && end !== tail.length - 1) ftruncateSync(file, size - tail.length + end + 1);
}
