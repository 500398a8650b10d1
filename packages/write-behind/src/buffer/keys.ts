/**
 * Names of all keys. Everything of a partition shares the hash tag `{entity.partition}`, so that one script can touch
 * it on a cluster. Entity ids follow the tag after a colon; the other keys end in words that no id can be mistaken
 * for, because an id's key has its own prefix.
 */
import { crc32 } from 'node:zlib';

export interface PartitionKeys {
  readonly queue: string;
  readonly seq: string;
  readonly pending: string;
  readonly once: string;
  readonly onceOrder: string;
  readonly lease: string;
  readonly stopped: string;
  /** Followed by the id. */
  readonly entityPrefix: string;
  readonly fillPrefix: string;
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
    entityPrefix: `${tag}:`,
    fillPrefix: `${tag}:fill:`,
  };
}

/** Spreads ids evenly over partitions; fixed for ever, since a queue's items stay where they were put. */
export function partitionOf(id: string, partitions: number): number {
  return crc32(id) % partitions;
}
