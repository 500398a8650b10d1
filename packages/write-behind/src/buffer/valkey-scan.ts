/** Finds hashes by the pattern of their keys, a portion at a time, on one server or on every primary of a cluster. */
import { primaries, type ValkeyClient } from './valkey-client.ts';

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
