/**
 * Names of all keys. Everything of a partition shares the hash tag `{entity.partition}`, so that one script can touch
 * it on a cluster. Entity ids follow the tag after a colon, and so do the names of a partition's own keys: an id that is
 * one of those names would write its fields into the queue's seq or its pending index, so it is refused.
 */
import { crc32 } from 'node:zlib';
import { ValidationError } from '../errors.ts';

export interface PartitionKeys {
  readonly queue: string;
  readonly seq: string;
  readonly pending: string;
  readonly once: string;
  readonly onceOrder: string;
  readonly lease: string;
  readonly stopped: string;
  /** How fast it was drained last. */
  readonly pace: string;
  readonly nudge: string;
  /** Of partition 0 only: while the store is away, when flushers may try it again. */
  readonly breaker: string;
  /** Of partition 0 only: which database this queue belongs to. */
  readonly store: string;
  /** Followed by the id. */
  readonly entityPrefix: string;
  readonly fillPrefix: string;
  /** Followed by the run that changes the number of partitions: answers that it gathers. */
  readonly gatheredPrefix: string;
}

/** Matches every key of the entity, in all partitions, and others' that `entityIdOf` tells apart. */
export function everyKey(entity: string, namespace: string): string {
  // Names have no glob characters: they are [a-z0-9_.-].
  return `{${namespace === '' ? '' : `${namespace}.`}${entity}.*}:*`;
}

export function partitionKeys(entity: string, namespace: string, partition: number): PartitionKeys {
  const tag = `{${namespace === '' ? '' : `${namespace}.`}${entity}.${String(partition)}}`;
  return {
    queue: `${tag}:queue`,
    seq: `${tag}:seq`,
    pending: `${tag}:pending`,
    once: `${tag}:once`,
    onceOrder: `${tag}:once:order`,
    lease: `${tag}:lease`,
    stopped: `${tag}:stopped`,
    pace: `${tag}:pace`,
    nudge: `${tag}:nudge`,
    breaker: `${tag}:breaker`,
    store: `${tag}:store`,
    entityPrefix: `${tag}:`,
    fillPrefix: `${tag}:fill:`,
    gatheredPrefix: `${tag}:once:next:`,
  };
}

const { entityPrefix, fillPrefix, gatheredPrefix, ...ownKeys } = partitionKeys('', '', 0);
const OWN_NAMES = new Set(Object.values(ownKeys).map((key) => key.slice(entityPrefix.length)));
const OWN_PREFIXES = [fillPrefix, gatheredPrefix].map((key) => key.slice(entityPrefix.length));

function isOwnName(id: string): boolean {
  return OWN_NAMES.has(id) || OWN_PREFIXES.some((prefix) => id.startsWith(prefix));
}

/** The id of the entity whose key this is; undefined for any other key, whoever's it is. */
export function entityIdOf(key: string, partitions: readonly PartitionKeys[]): string | undefined {
  const partition = Number(/\.(\d+)\}:/.exec(key)?.[1]);
  const prefix = partitions[partition]?.entityPrefix;
  if (prefix === undefined || !key.startsWith(prefix)) return undefined;
  const id = key.slice(prefix.length);
  return isOwnName(id) || partitionOf(id, partitions.length) !== partition ? undefined : id;
}

/** Throws ValidationError for an id whose key is one of its partition's own. */
export function checkId(id: string): void {
  if (isOwnName(id)) {
    throw new ValidationError('id', `${id} is a name that the cache keeps for itself`);
  }
}

/** Spreads ids evenly over partitions. MySQL's CRC32 is the same: `repartition` moves dead letters by it. */
export function partitionOf(id: string, partitions: number): number {
  return crc32(id) % partitions;
}
