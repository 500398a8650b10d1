/** The nine steps. Each does one thing with the public class and shows what came of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Flight, FlightCache } from '@afterwrite/flights';
import type { ConsistencyResult, FlushResult, ReadResult } from '@afterwrite/write-behind';
import type { Servers } from '../servers.ts';
import { DIRECT_WRITE, type Measured, measureWrites } from './measure.ts';
import type { Screen } from './screen.ts';
import { counted, inMs, later } from './words.ts';

/** The demo did not find what it shows; the message says what it found. */
class DemoError extends Error {
  override readonly name = 'DemoError';
}

export interface Demo {
  readonly cache: FlightCache;
  readonly servers: Servers;
  readonly flightId: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** For the audit trail. */
const DEMO_USER = 'demo';
const DELAY_HOURS = 2;
/** Another flusher may be at work on the same queue; then we look again, for so long. */
const QUEUE_WAIT_MS = 30_000;
const QUEUE_RECHECK_MS = 50;

export async function firstRead({ cache, servers, flightId, screen }: Demo): Promise<Flight> {
  const read = await cache.getFlight(flightId);
  screen.line(`${showSource(screen, read)}: ${firstReadWords(read, servers)}`);
  showRead(screen, read);
  const { flightno, airlinename, from_airport, to_airport, departure, arrival } = read.value;
  screen.table({
    head: ['field', 'value'],
    rows: [
      ['flight number', flightno],
      ['airline', airlinename ?? '-'],
      ['from, to', `${from_airport ?? '-'}, ${to_airport ?? '-'}`],
      ['departure', departure],
      ['arrival', arrival],
    ],
  });
  return read.value;
}

function firstReadWords({ source }: ReadResult<Flight>, { cache, database }: Servers): string {
  switch (source) {
    case 'CACHE_MISS':
      return `not cached, so ${database.title} was asked, and ${cache.title} keeps the answer.`;
    case 'CACHE_HIT':
      return 'cached already by an earlier run (--flush begins with an empty cache).';
    case 'CACHE_BYPASS':
      return `read from ${database.title} past the cache, which cannot be used now.`;
  }
}

export async function secondRead({ cache, servers, flightId, screen }: Demo): Promise<void> {
  const read = await cache.getFlight(flightId);
  const { cache: place, queue, database } = servers;
  // Where they are two, both are asked at the same time.
  const asked = [...new Set([place, queue])].map(({ title }) => title).join(' and ');
  screen.line(`${showSource(screen, read)}: one round trip to ${asked}; ${database.title} was not asked.`);
  showRead(screen, read);
}

/** Moves the flight, and gives what it should be afterwards. */
export async function move({ cache, servers, flightId, screen }: Demo, original: Flight): Promise<Flight> {
  const departure = later(original.departure, DELAY_HOURS);
  const arrival = later(original.arrival, DELAY_HOURS);
  const startMs = performance.now();
  const accepted = await cache.updateFlightDeparture(flightId, {
    departure,
    arrival,
    user: DEMO_USER,
    comment: `demo: ${String(DELAY_HOURS)} hours later`,
  });
  const tookMs = performance.now() - startMs;
  screen.line(
    `Accepted in ${screen.style.good(inMs(tookMs))}: the cached value and a queue item, written in one step.`,
  );
  screen.key(accepted.cacheKey);
  screen.table({
    head: ['field', 'old', 'new'],
    rows: [
      ['departure', original.departure, departure],
      ['arrival', original.arrival, arrival],
    ],
  });
  screen.line(
    `${counted(accepted.queueLength, 'update')} in this partition's queue. ${servers.database.title} knows nothing of it yet.`,
  );
  screen.line('A first write is the slowest of all; step 9 measures fifty more.');
  return { ...original, departure, arrival };
}

export async function checkBefore(demo: Demo): Promise<void> {
  const { screen } = demo;
  const result = await check(demo);
  if (result.consistent) {
    screen.line('A worker elsewhere has stored the update already.');
    return;
  }
  screen.table({
    head: ['field', 'cache', 'database'],
    rows: result.differing.map((field) => [
      field,
      asText(result.cache, field),
      asText(result.database, field),
    ]),
  });
  screen.line(
    result.reason === 'PENDING'
      ? `They differ by exactly what waits in the queue: ${counted(result.pendingUpdates, 'update')} of this flight.`
      : 'They differ by more than what waits in the queue: somebody else changed one of them.',
  );
}

export async function processQueue({ cache, servers, screen, signal }: Demo): Promise<void> {
  const startMs = performance.now();
  const results: FlushResult[] = [];
  let remaining = await cache.queueLength();
  let total = remaining;
  if (remaining === 0) {
    screen.line('Nothing waits any more: a worker elsewhere was faster.');
    return;
  }
  const show = () =>
    screen.bar(total - remaining, total, `${total - remaining} of ${counted(total, 'update')}`);
  show();
  while (remaining > 0) {
    signal.throwIfAborted();
    const result = await cache.processQueue();
    requireUnstopped(result, servers);
    results.push(result);
    const hasMoved = result.remaining !== remaining;
    remaining = result.remaining;
    // Others may add updates meanwhile.
    total = Math.max(total, remaining);
    if (hasMoved) show();
    else if (performance.now() - startMs < QUEUE_WAIT_MS)
      await delay(QUEUE_RECHECK_MS, undefined, { signal });
    else throw new DemoError(`The queue does not get shorter: ${counted(remaining, 'update')} wait.`);
  }
  const sum = (figure: (result: FlushResult) => number) =>
    results.reduce((total, result) => total + figure(result), 0);
  screen.table({
    head: ['stored', 'found stored', 'parked', 'waiting', 'transactions'],
    rows: [
      [
        sum(({ processed }) => processed),
        sum(({ skipped }) => skipped),
        sum(({ failed }) => failed),
        remaining,
        sum(({ batches }) => batches),
      ].map(String),
    ],
  });
  screen.line(
    `${inMs(performance.now() - startMs)} in all: queue read ${inMs(sum(({ timings }) => timings.peekMs))}, ` +
      `${servers.database.title} ${inMs(sum(({ timings }) => timings.storeMs))}, ` +
      `queue trimmed ${inMs(sum(({ timings }) => timings.ackMs))}.`,
  );
  screen.sql(results.flatMap(({ queries }) => queries));
}

export async function checkAfter(demo: Demo): Promise<void> {
  requireConsistent(demo, await check(demo));
  demo.screen.line('Cache and database hold the same.');
}

export async function readMoved({ cache, flightId, screen }: Demo, moved: Flight): Promise<void> {
  const read = await cache.getFlight(flightId);
  const { departure, arrival } = read.value;
  const isMoved = departure === moved.departure && arrival === moved.arrival;
  screen.line(
    `${showSource(screen, read)}: ` +
      (isMoved ? 'the new times.' : 'other times than the new ones: somebody else moves the flight, too.'),
  );
  showRead(screen, read);
  screen.table({
    head: ['field', 'value'],
    rows: [
      ['departure', departure],
      ['arrival', arrival],
    ],
  });
}

/** Puts the times back and stores that; also the way out when the demo is cut short. */
export async function putBack({ cache, servers, flightId }: Demo, original: Flight): Promise<FlushResult> {
  const { departure, arrival } = original;
  const comment = 'demo: original times restored';
  await cache.updateFlightDeparture(flightId, { departure, arrival, user: DEMO_USER, comment });
  const flush = await cache.flushQueue();
  requireUnstopped(flush, servers);
  return flush;
}

export async function restore(demo: Demo, original: Flight): Promise<void> {
  const { screen } = demo;
  const flush = await putBack(demo, original);
  screen.line(`${counted(flush.processed, 'update')} written behind and flushed.`);
  screen.sql(flush.queries);
  const result = await check(demo);
  requireConsistent(demo, result);
  const { departure = '', arrival = '' } = result.database ?? {};
  if (departure !== original.departure || arrival !== original.arrival) {
    throw new DemoError('The flight has other times than it had: somebody else moves it, too.');
  }
  screen.line(`${screen.style.good('Original times restored')}: departure ${departure}, arrival ${arrival}.`);
}

export async function summary(demo: Demo, original: Flight): Promise<void> {
  const { cache, servers, screen, signal } = demo;
  const { settings, queue } = servers;
  const database = servers.database.title;
  const measured = await measureWrites({ cache, settings, flight: original, user: DEMO_USER, signal });
  requireConsistent(demo, await cache.verifyConsistency(demo.flightId));
  const { update, databaseWrite, flush } = measured;
  screen.line(
    `${update.count} write-behind updates and ${databaseWrite.count} transactions straight to ${database}, one after the other:`,
  );
  screen.table({
    head: ['write', 'median', 'p95', 'round trips', `in ${database}`],
    rows: [
      [
        'write-behind',
        inMs(update.medianMs),
        inMs(update.p95Ms),
        `1 to ${queue.title}`,
        'after the next flush',
      ],
      [
        'database',
        inMs(databaseWrite.medianMs),
        inMs(databaseWrite.p95Ms),
        `${DIRECT_WRITE.length} to ${database}`,
        'at once',
      ],
    ],
  });
  screen.sql(DIRECT_WRITE);
  screen.line(screen.style.bold(ratioWords(measured)));
  if (flush.processed > 0) {
    screen.line(
      `The ${flush.processed} were stored afterwards in ${counted(flush.batches, 'transaction')}, ` +
        `${inMs(flush.timings.storeMs / flush.processed)} each.`,
    );
  }
  screen.line('Each write left its row in flight_log (comment "demo: ..."); the flight is as it was.');
}

function ratioWords({ update, databaseWrite }: Measured): string {
  const ratio = databaseWrite.medianMs / update.medianMs;
  return ratio >= 1
    ? `Measured ratio: a database write took ${ratio.toFixed(1)} times as long as this write.`
    : `Measured ratio: a database write took only ${ratio.toFixed(2)} times as long as this write.`;
}

async function check({ cache, flightId, screen }: Demo): Promise<ConsistencyResult<Flight>> {
  const result = await cache.verifyConsistency(flightId);
  const { good, notable } = screen.style;
  screen.line(`${result.consistent ? good('consistent') : notable('inconsistent')} (${result.reason})`);
  screen.key(result.cacheKey);
  screen.sql([result.query]);
  return result;
}

function requireConsistent({ flightId }: Demo, result: ConsistencyResult<Flight>): void {
  if (result.consistent) return;
  throw new DemoError(
    `Flight ${flightId} is not consistent although the queue was processed (${result.reason}): ` +
      (result.pending
        ? 'somebody else updates it at the same time.'
        : 'somebody else changed cache or database.'),
  );
}

function requireUnstopped({ stopped, storeAway }: FlushResult, { database }: Servers): void {
  const why = stopped[0]?.message ?? (storeAway && `${database.title} is away since ${storeAway.since}`);
  if (why) throw new DemoError(`The queue could not be processed: ${why}`);
}

function showSource({ style }: Screen, { source, latencyMs }: ReadResult<Flight>): string {
  const shown = source === 'CACHE_HIT' ? style.good(source) : style.notable(source);
  return `${shown} in ${inMs(latencyMs)}`;
}

function showRead(screen: Screen, { cacheKey, query }: ReadResult<Flight>): void {
  screen.key(cacheKey);
  if (query !== null) screen.sql([query]);
}

function asText(flight: Flight | null, field: string): string {
  const value = flight?.[field as keyof Flight];
  return value === undefined || value === null ? '-' : String(value);
}
