/** Finds keys by their pattern, a portion at a time, on one server or on every primary of a cluster. */
import type { PartitionKeys } from './keys.ts';
import { primaries, type ValkeyClient } from './valkey-client.ts';
import type { ValkeyLink } from './valkey-link.ts';

/** Keys that a server looks at for one portion: about 0.2 ms of its time. */
const COUNT = 500;

export interface KeyPage {
  readonly keys: readonly string[];
  /** Where to go on; undefined at the end. */
  readonly next: string | undefined;
}

/**
 * A hash that is there from the first portion to the last is found, perhaps twice, unless its slot moves meanwhile. The
 * servers come in the order of their names: one that is gone when its turn goes on is passed over.
 */
export async function scanHashes(
  client: ValkeyClient,
  pattern: string,
  cursor: string | undefined,
): Promise<KeyPage> {
  const nodes = (await primaries(client))
    .map((node) => ({ name: `${node.options.host ?? ''}:${String(node.options.port)}`, node }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const [name = '', position = '0'] = cursor?.split(' ') ?? [];
  const index = nodes.findIndex((each) => each.name >= name);
  const at = nodes[index];
  if (!at) return { keys: [], next: undefined };
  const [next, keys] = await at.node.scan(
    at.name === name ? position : '0',
    'MATCH',
    pattern,
    'COUNT',
    COUNT,
    'TYPE',
    'hash',
  );
  if (next !== '0') return { keys, next: `${at.name} ${next}` };
  const following = nodes[index + 1];
  return { keys, next: following && `${following.name} 0` };
}

/** All keys of these partitions, in portions of one partition each, fewer than `COUNT` or so; a key may come twice. */
export async function* ownKeys(
  link: ValkeyLink,
  partitions: readonly PartitionKeys[],
): AsyncGenerator<{ partition: PartitionKeys; found: string[] }> {
  const byPrefix = new Map(partitions.map((partition) => [partition.entityPrefix, partition]));
  // `{entity.`; no glob characters: names are [a-z0-9_.-].
  const [tag = ''] = partitions[0]?.entityPrefix.split('0}:') ?? [];
  for (const node of await link.send('CLUSTER SLOTS', [], () => primaries(link.client))) {
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, keys] = await link.send('SCAN', [], () =>
        node.scan(cursor, 'MATCH', `${tag}*`, 'COUNT', COUNT),
      );
      cursor = next;
      const found = Map.groupBy(keys, (key) => byPrefix.get(key.slice(0, key.indexOf('}:') + 2)));
      for (const [partition, own] of found) if (partition) yield { partition, found: own };
    }
  }
}
