/**
 * Opens the patterns on the settings of write-behind (docs/CONFIGURATION.md). Each has an entity name of its own, and with
 * it its own keys and its own rows in the `afterwrite_` tables: what one of them cached is never taken for another's, and
 * none of them touches write-behind's keys. For the same reason they do not see each other's updates: let one pattern
 * write a table.
 */
import { type Flight, type FlightChanges, flightEntity } from '@afterwrite/flights';
import {
  type CachePorts,
  cacheSettings,
  type EntityOptions,
  type FieldValues,
  openPorts,
  parseSettings,
  readEnvironment,
  type Settings,
  type Surroundings,
} from '@afterwrite/write-behind';
import { CacheAsideCache } from './cache-aside.ts';
import { WriteThroughCache } from './write-through.ts';

/** Nothing is queued, so the number need never change; it spreads the keys over a cluster. */
const PARTITIONS = 16;

/**
 * Connects, checks the servers, and makes the `afterwrite_` tables where they are missing. The entity's name may have 20
 * characters. Throws ConfigurationError, BufferUnavailableError or StoreUnavailableError.
 */
export async function openCacheAside<Value extends FieldValues, Changes extends FieldValues>(
  entity: EntityOptions<Value, Changes>,
  settings: Settings,
  surroundings: Surroundings = {},
): Promise<CacheAsideCache<Value, Changes>> {
  const ports = await openPatternPorts(entity, 'cache-aside', settings, surroundings);
  return new CacheAsideCache(entity.definition, ports, cacheSettings(settings));
}

/** See `openCacheAside`; the name may have 18 characters. */
export async function openWriteThrough<Value extends FieldValues, Changes extends FieldValues>(
  entity: EntityOptions<Value, Changes>,
  settings: Settings,
  surroundings: Surroundings = {},
): Promise<WriteThroughCache<Value, Changes>> {
  const ports = await openPatternPorts(entity, 'write-through', settings, surroundings);
  return new WriteThroughCache(entity.definition, ports, cacheSettings(settings));
}

/** As `FlightCache.open`: without settings the environment (and a `.env` file) is read. */
export async function openCacheAsideFlights(
  settings?: Settings,
  surroundings?: Surroundings,
): Promise<CacheAsideCache<Flight, FlightChanges>> {
  return await openCacheAside(flightEntity, settings ?? parseSettings(readEnvironment()), surroundings);
}

/** As `FlightCache.open`: without settings the environment (and a `.env` file) is read. */
export async function openWriteThroughFlights(
  settings?: Settings,
  surroundings?: Surroundings,
): Promise<WriteThroughCache<Flight, FlightChanges>> {
  return await openWriteThrough(flightEntity, settings ?? parseSettings(readEnvironment()), surroundings);
}

/** `flight` becomes `flight-cache-aside`: keys `{flight-cache-aside.4}:115`. */
async function openPatternPorts<Value extends FieldValues, Changes extends FieldValues>(
  { definition, mappings }: EntityOptions<Value, Changes>,
  pattern: 'cache-aside' | 'write-through',
  settings: Settings,
  surroundings: Surroundings,
): Promise<CachePorts> {
  const own = { ...definition, name: `${definition.name}-${pattern}` };
  return await openPorts(
    { definition: own, mappings },
    { ...settings, QUEUE_PARTITIONS: PARTITIONS },
    surroundings,
  );
}
