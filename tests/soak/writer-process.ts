/**
 * Writers in a process of their own, to be killed at any line. What they were told is in their record before they go on;
 * an update in flight at the kill is in it as sent. Ends when told `stop`, or with its parent.
 */
import { FlightCache } from '@afterwrite/flights';
import { HistoryRecorder } from '@afterwrite/flights/history';
import { AfterwriteError, type Durability, DurabilityError } from '@afterwrite/write-behind';
import { randomFrom } from '../support/random.ts';

export interface WriterOptions {
  /** Begins the comment of each update, which no other has. */
  readonly name: string;
  readonly file: string;
  readonly seed: number;
  /** Calls under way at the same time. */
  readonly callers: number;
  /** Ids 1 to this one. */
  readonly flights: number;
  /** Share of the callers that repeat what failed with the same idempotency key until it is accepted. */
  readonly insisting: number;
  readonly durability: Durability;
}

/** Between two attempts while a server is away or a queue is full. */
const PAUSE_MS = 20;
/** Longest time in which one update must be accepted, restarts included. */
const PATIENCE_MS = 60_000;
const START = Date.UTC(2030, 0, 1);
/** Updates set departures within ten years. */
const SECONDS = 10 * 365 * 86_400;

const options = JSON.parse(process.argv[2] ?? '{}') as WriterOptions;
const random = randomFrom(options.seed);
let isStopping = false;
process.on('message', () => {
  isStopping = true;
});
process.on('disconnect', () => {
  process.exit(0);
});

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

function mayPass(error: unknown): boolean {
  return error instanceof DurabilityError || (error instanceof AfterwriteError && error.retryable);
}

async function open(): Promise<FlightCache> {
  for (;;) {
    try {
      return await FlightCache.open();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await pause();
    }
  }
}

let count = 0;
async function write(cache: FlightCache, recorder: HistoryRecorder, insists: boolean): Promise<void> {
  const comment = `${options.name}-${String(count++)}`;
  const departure = new Date(START + random.below(SECONDS) * 1000);
  const update = {
    departure,
    arrival: new Date(departure.getTime() + 3_600_000),
    user: 'soak',
    comment,
    durability: options.durability,
    ...(insists ? { idempotencyKey: comment } : {}),
  };
  const flightId = 1 + random.below(options.flights);
  for (const until = Date.now() + PATIENCE_MS; ;) {
    try {
      await recorder.update(cache, flightId, update);
      return;
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (error instanceof DurabilityError) return;
      await pause();
      if (!insists) return;
      if (Date.now() > until) throw error;
    }
  }
}

const recorder = new HistoryRecorder(options.file);
const cache = await open();
process.send?.('open');
await Promise.all(
  Array.from({ length: options.callers }, async (_, index) => {
    const insists = index < options.callers * options.insisting;
    while (!isStopping) await write(cache, recorder, insists);
  }),
);
await cache.close();
recorder.close();
process.disconnect();
