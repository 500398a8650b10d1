/** ValkeyBuffer under test, on one server (Valkey or Redis) or a cluster, with a raw client of its own for the hand. */
import { Cluster, Redis } from 'iovalkey';
import { type PartitionKeys, partitionKeys } from '../src/buffer/keys.ts';
import { ValkeyBuffer } from '../src/buffer/valkey-buffer.ts';
import type { ValkeySettings } from '../src/buffer/valkey-client.ts';
import {
  type BufferHand,
  type BufferRig,
  type BufferSettings,
  type MakeBuffer,
  uniqueName,
} from './buffer-lab.ts';

/** A lease as the server that is asked would give it. */
const SET_LEASE = `
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
return redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. server, 'PX', 20000)`;

export const ENTITY = 'flight';

export interface ValkeyPlace {
  readonly host: string;
  readonly port: number;
}

export interface ValkeyRig extends BufferRig {
  readonly raw: Redis;
  readonly keys: readonly PartitionKeys[];
}

export function connectionTo(place: ValkeyPlace, extra: Partial<ValkeySettings> = {}): ValkeySettings {
  const { host, port } = place;
  const named = { title: 'Valkey', variables: 'CACHE' } as const;
  const limits = { connectTimeoutMs: 5000, commandTimeoutMs: 5000 };
  return { ...named, host, port, tls: false, cluster: false, ...limits, ...extra };
}

export function makeValkeyBuffer(
  connection: ValkeySettings,
  settings: BufferSettings,
  namespace: string,
): ValkeyBuffer {
  const readLayout = settings.layout ?? (() => Promise.resolve({ partitions: settings.partitions }));
  return new ValkeyBuffer({ ...settings, connection, entity: ENTITY, namespace, uniqueName, readLayout });
}

/** Both kinds of client take the same commands; the type of one keeps the tests readable. */
export function connectRaw(place: ValkeyPlace, cluster: boolean): Redis {
  const { host, port } = place;
  return cluster ? (new Cluster([{ host, port }]) as unknown as Redis) : new Redis({ host, port });
}

/** `direct`: one server that holds everything, for the hand where the buffer's own way there is disturbed. */
export function makeValkeyRig(
  connection: ValkeySettings,
  direct?: ValkeyPlace,
  makeBuffer: typeof makeValkeyBuffer = makeValkeyBuffer,
): MakeBuffer<ValkeyRig> {
  return async (settings, namespace) => {
    const raw = connectRaw(direct ?? connection, direct === undefined && connection.cluster);
    const keys = Array.from({ length: settings.partitions }, (_, partition) =>
      partitionKeys(ENTITY, namespace, partition),
    );
    const buffer = makeBuffer(connection, settings, namespace);
    const rig: ValkeyRig = {
      buffer,
      raw,
      keys,
      hand: makeHand({ raw, keys, namespace, partitionOf: (id) => buffer.partitionOf(id) }),
      close: async () => {
        await raw.quit();
        raw.disconnect();
      },
    };
    return rig;
  };
}

interface HandOptions {
  readonly raw: Redis;
  readonly keys: readonly PartitionKeys[];
  readonly namespace: string;
  readonly partitionOf: (id: string) => number;
}

function makeHand({ raw, keys, namespace, partitionOf }: HandOptions): BufferHand {
  const of = (id: string) => keys[partitionOf(id)]!;
  const at = (partition: number) => keys[partition]!;
  return {
    async timeUs() {
      const [seconds, micros] = await raw.time();
      return Number(seconds) * 1_000_000 + Number(micros);
    },
    evict: async (id) => {
      await raw.del(of(id).entityPrefix + id);
    },
    async ttlMs(id) {
      const ms = await raw.pttl(of(id).entityPrefix + id);
      return ms === -1 ? 'NEVER' : ms === -2 ? 'ABSENT' : ms;
    },
    hasLease: async (id) => (await raw.exists(of(id).fillPrefix + id)) === 1,
    async setLease(id, token) {
      const key = of(id).fillPrefix + id;
      if (token === undefined) await raw.del(key);
      else await raw.eval(SET_LEASE, 1, key, token);
    },
    pendingMark: async (id) => (await raw.hget(of(id).pending, id)) ?? undefined,
    markPending: async (id, position) => {
      if (position === undefined) await raw.hdel(of(id).pending, id);
      else await raw.hset(of(id).pending, id, position);
    },
    async seq(partition) {
      const [epoch, seq] = await raw.hmget(at(partition).seq, 'e', 's');
      return epoch && seq ? { epoch, seq } : undefined;
    },
    setSeq: async (partition, seq) => {
      await raw.hset(at(partition).seq, 's', seq);
    },
    loseSeq: async (partition) => {
      await raw.del(at(partition).seq);
    },
    changeServer: async (partition) => {
      await raw.hset(at(partition).seq, 'r', '0'.repeat(40));
    },
    items: async (partition) => await raw.lrangeBuffer(at(partition).queue, 0, -1),
    pushItem: async (partition, bytes) => {
      await raw.rpush(at(partition).queue, bytes);
    },
    removeItems: async (partition) => {
      await raw.del(at(partition).queue);
    },
    answers: async (partition) => await raw.hlen(at(partition).once),
    dump: () => dump(raw, `{${namespace}.*`),
  };
}

async function dump(raw: Redis, pattern: string): Promise<Map<string, string>> {
  const client = raw as Redis | Cluster;
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const found = new Map<string, string>();
  for (const node of nodes) {
    let cursor = '0';
    do {
      const [next, names] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
      cursor = next;
      for (const name of names.sort()) {
        const [bytes, ttl] = await Promise.all([node.dumpBuffer(name), node.pttl(name)]);
        found.set(name, `${ttl === -1 ? 'lasts' : 'expires'} ${bytes.toString('base64')}`);
      }
    } while (cursor !== '0');
  }
  return found;
}
