/** Both patterns on the same few flights, each over ports that a test may change, and what the servers hold afterwards. */
import { type Flight, type FlightChanges, flightDefinition, flightEntity } from '@afterwrite/flights';
import { type CachePorts, cacheSettings, openPorts, type Settings } from '@afterwrite/write-behind';
import { makeWorld, silentLogger, type World, type WorldOptions } from '../../../tests/support/world.ts';
import { CacheAsideCache } from '../src/cache-aside.ts';
import type { PatternCache } from '../src/pattern-cache.ts';
import { WriteThroughCache } from '../src/write-through.ts';

export const PATTERNS = ['cache-aside', 'write-through'] as const;
export type Pattern = (typeof PATTERNS)[number];
export type FlightPattern = PatternCache<Flight, FlightChanges>;

const CLASSES = { 'cache-aside': CacheAsideCache, 'write-through': WriteThroughCache };

export interface PatternWorld {
  readonly world: World;
  readonly ports: Readonly<Record<Pattern, CachePorts>>;
  /** One process's cache, over the world's own ports, or others. */
  over(pattern: Pattern, changed?: Partial<CachePorts>): FlightPattern;
  /** With connections of its own; closed at the end. */
  connect(
    pattern: Pattern,
    settings: Settings,
  ): Promise<{ readonly cache: FlightPattern; readonly ports: CachePorts }>;
  /** As the database has it. */
  departureOf(id: number): Promise<string>;
  trailOf(id: number): Promise<AuditRow[]>;
  /** Of the cached value, as Valkey says it: -2 where there is none. */
  ttlMs(pattern: Pattern, id: number): Promise<number>;
  /** The cached value goes, as it does by itself after CACHE_TTL. */
  expire(pattern: Pattern, id: number): Promise<void>;
  /** The fill lease ends, as it does by itself after CACHE_FILL_LEASE_MS. */
  endLease(pattern: Pattern, id: number): Promise<void>;
  /** Whoever wants to cache something in its partition must ask the database first, as after a restart of Valkey. */
  shut(pattern: Pattern, id: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface AuditRow {
  readonly user: string;
  readonly before: string;
  readonly after: string;
  readonly comment: string | null;
}

export async function makePatternWorld(options: WorldOptions = {}): Promise<PatternWorld> {
  const world = await makeWorld({ flights: 50, ...options });
  const open = async (pattern: Pattern, settings: Settings) => {
    const definition = { ...flightDefinition, name: `flight-${pattern}` };
    return await openPorts({ ...flightEntity, definition }, settings, { logger: silentLogger });
  };
  const [aside, through] = await Promise.all(PATTERNS.map((pattern) => open(pattern, world.settings)));
  const ports = { 'cache-aside': aside!, 'write-through': through! };
  const opened: CachePorts[] = Object.values(ports);
  const cacheOn = (pattern: Pattern, on: CachePorts): FlightPattern =>
    new CLASSES[pattern](flightDefinition, on, cacheSettings(world.settings));
  return {
    world,
    ports,
    over: (pattern, changed = {}) => cacheOn(pattern, { ...ports[pattern], ...changed }),
    async connect(pattern, settings) {
      const own = await open(pattern, settings);
      opened.push(own);
      return { cache: cacheOn(pattern, own), ports: own };
    },
    async departureOf(id) {
      const [row] = await world.rows<{ at: string }>(
        'SELECT departure AS at FROM flight WHERE flight_id = ?',
        [id],
      );
      return `${row!.at.replace(' ', 'T')}Z`;
    },
    trailOf: (id) =>
      world.rows<AuditRow>(
        'SELECT user, departure_old AS `before`, departure_new AS `after`, comment FROM flight_log WHERE flight_id = ?',
        [id],
      ),
    ttlMs: (pattern, id) => world.valkey.pttl(ports[pattern].buffer.cacheKey(String(id))),
    async expire(pattern, id) {
      await world.valkey.del(ports[pattern].buffer.cacheKey(String(id)));
    },
    async endLease(pattern, id) {
      const key = ports[pattern].buffer.cacheKey(String(id));
      await world.valkey.del(key.replace(/:(\d+)$/, ':fill:$1'));
    },
    async shut(pattern, id) {
      const key = ports[pattern].buffer.cacheKey(String(id));
      await world.valkey.hdel(key.replace(/:\d+$/, ':seq'), 'p');
    },
    async dispose() {
      await Promise.all(opened.flatMap(({ buffer, store }) => [buffer.close(), store.close()]));
      await world.dispose();
    },
  };
}

/** Whole minutes of one day, so that each update can be told from the others. */
export function timesOf(minute: number): FlightChanges {
  const clock = `${String(10 + Math.floor(minute / 60))}:${String(minute % 60).padStart(2, '0')}`;
  return { departure: `2030-01-01T${clock}:00Z`, arrival: '2030-01-02T12:00:00Z' };
}
