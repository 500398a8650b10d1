/**
 * One load: n updates a second by write-behind, on cached flights in turn, and beside them ten a second by each of
 * write-through and cache-aside, one at a time, to compare on the same machine at the same moment.
 *
 * The other two change rows that the write-behind cache may hold. Whatever it holds of these flights is dropped after each
 * such update, and once more at the end, so that afterwards no flight is cached otherwise than it is stored.
 */
import { type Flight, FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import { type CacheAsideCache, openCacheAsideFlights, openWriteThroughFlights } from '@afterwrite/patterns';
import type { PatternName } from '@afterwrite/client';
import {
  type CachePorts,
  cacheSettings,
  type Logger,
  openPorts,
  type Runtime,
  type Settings,
  systemRuntime,
} from '@afterwrite/write-behind';
import { moved, pickFlights } from './flights.ts';
import { OpenLoop } from './open-loop.ts';
import type { Tally } from './tally.ts';

export interface RunLoadOptions {
  readonly updatesPerSecond: number;
  readonly seconds: number;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly tally: Tally;
  /** The flights are cached; the seconds begin. */
  readonly onRunning: () => void;
  readonly signal: AbortSignal;
}

/** In the audit trail, with the pattern's name as the comment: what counts as the load, and what is beside it. */
const LOAD_USER = 'load';
const COMPARISON_USER = 'load-comparison';

const PATTERN_INTERVAL_MS = 100;
/** Flights that are read at the same time before it begins. */
const READERS = 16;

interface Open {
  readonly ports: CachePorts;
  readonly cache: FlightCache;
  readonly patterns: readonly PatternTrickle[];
}

interface PatternTrickle {
  readonly name: PatternName;
  readonly cache: Pick<CacheAsideCache<Flight, never>, 'get' | 'update' | 'close'>;
  readonly ids: readonly string[];
}

/** Resolves when all that was sent is answered and all is closed. Throws what keeps it from beginning. */
export async function runLoad(options: RunLoadOptions): Promise<void> {
  const { settings, logger } = options;
  const flights = await pickFlights(settings);
  const ports = await openPorts(flightEntity, settings, { logger });
  const cache = new FlightCache(flightDefinition, ports, cacheSettings(settings));
  const closing: { close(): Promise<unknown> }[] = [cache];
  try {
    const writeThrough = await openWriteThroughFlights(settings, { logger });
    closing.push(writeThrough);
    const cacheAside = await openCacheAsideFlights(settings, { logger });
    closing.push(cacheAside);
    const patterns = [
      { name: 'write-through', cache: writeThrough, ids: flights.writeThrough },
      { name: 'cache-aside', cache: cacheAside, ids: flights.cacheAside },
    ] as const;
    await runOpened({ ports, cache, patterns }, flights.writeBehind, options);
  } finally {
    await Promise.allSettled(closing.map((each) => each.close()));
  }
}

async function runOpened(open: Open, ids: readonly string[], options: RunLoadOptions): Promise<void> {
  const { updatesPerSecond, seconds, tally, signal } = options;
  const runtime = systemRuntime();
  const flights = await readAll(open.cache, ids, signal);
  const trickles = await Promise.all(
    open.patterns.map(async (pattern) => ({
      ...pattern,
      flights: await readAll(pattern.cache, pattern.ids, signal),
    })),
  );
  if (signal.aborted) return;
  const ending = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
  options.onRunning();
  const loop = new OpenLoop({
    perSecond: updatesPerSecond,
    forMs: seconds * 1000,
    send: sender(open.cache, flights, tally, runtime),
    late: (updates) => tally.late(updates),
    runtime,
    signal,
  });
  try {
    await Promise.all([
      loop.run(),
      ...trickles.map((each) => trickle({ ...each, ports: open.ports, tally, runtime, signal: ending })),
    ]);
  } finally {
    const theirs = open.patterns.flatMap((pattern) => pattern.ids);
    await Promise.allSettled(theirs.map((id) => open.ports.buffer.invalidate(id)));
  }
}

/** Flights in turn, so that each is updated as often; each time round to another minute. */
function sender(
  cache: FlightCache,
  flights: readonly Flight[],
  tally: Tally,
  runtime: Runtime,
): () => Promise<void> {
  let sent = 0;
  return async () => {
    const flight = flights[sent % flights.length];
    const round = Math.floor(sent / flights.length);
    sent += 1;
    if (!flight) throw new RangeError('There are no flights.');
    const startMs = runtime.monotonicMs();
    try {
      await cache.update(flight.flight_id, moved(flight, round), {
        user: LOAD_USER,
        comment: 'write-behind',
      });
    } catch (error) {
      tally.refused(error);
      throw error;
    }
    tally.answered('write-behind', runtime.monotonicMs() - startMs);
  };
}

interface TrickleOptions extends PatternTrickle {
  readonly flights: readonly Flight[];
  readonly ports: CachePorts;
  readonly tally: Tally;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
}

async function trickle({
  name,
  cache,
  flights,
  ports,
  tally,
  runtime,
  signal,
}: TrickleOptions): Promise<void> {
  for (let sent = 0; !signal.aborted; sent++) {
    const flight = flights[sent % flights.length];
    if (!flight) return;
    const startMs = runtime.monotonicMs();
    const round = Math.floor(sent / flights.length);
    try {
      await cache.update(flight.flight_id, moved(flight, round), { user: COMPARISON_USER, comment: name });
      tally.answered(name, runtime.monotonicMs() - startMs);
    } catch {
      // Without the database they fail, and the load does not: what is refused is told of the load alone.
    }
    // The queue's server is away: then nothing is read from it either, and at the end it is tried once more.
    await ports.buffer.invalidate(String(flight.flight_id)).catch(() => undefined);
    const restMs = PATTERN_INTERVAL_MS - (runtime.monotonicMs() - startMs);
    await runtime.sleep(Math.max(0, restMs), signal).catch(() => undefined);
  }
}

async function readAll(
  cache: Pick<FlightCache, 'get'>,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Flight[]> {
  const flights: Flight[] = [];
  const rest = [...ids];
  const read = async () => {
    for (let id = rest.shift(); id !== undefined && !signal.aborted; id = rest.shift()) {
      flights.push((await cache.get(id)).value);
    }
  };
  await Promise.all(Array.from({ length: READERS }, read));
  return flights;
}
