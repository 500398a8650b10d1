/** MemcachedBuffer under test, with a hand that also reaches what lies in memcached. */
import { askMemcached, readCopy } from '../../../tests/support/memcached.ts';
import { MemcachedBuffer } from '../src/buffer/memcached-buffer.ts';
import { memcachedKey } from '../src/buffer/memcached-copy.ts';
import type { ValkeySettings } from '../src/buffer/valkey-client.ts';
import type { Logger } from '../src/runtime.ts';
import { type BufferSettings, type MakeBuffer, uniqueName } from './buffer-lab.ts';
import { ENTITY, makeValkeyRig, type ValkeyPlace, type ValkeyRig } from './buffer-valkey.ts';

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export interface MemcachedRig extends ValkeyRig {
  readonly copies: Copies;
  /** What the buffer logged. */
  readonly warnings: string[];
}

/** Straight at what memcached has of a namespace. */
export interface Copies {
  get(id: string): Promise<string | undefined>;
  /** As an operator, a late command or a backup may. */
  set(id: string, text: string, seconds?: number): Promise<void>;
  remove(id: string): Promise<void>;
}

export interface MemcachedRigOptions {
  /** What an eviction takes: the version on the queue's server, or the copy. */
  readonly evicts?: 'version' | 'copy';
  /** Where the hand reaches memcached, where the buffer's own way there is disturbed. */
  readonly direct?: ValkeyPlace;
}

export function makeMemcachedRig(
  connection: ValkeySettings,
  memcached: ValkeyPlace,
  { evicts = 'version', direct = memcached }: MemcachedRigOptions = {},
): MakeBuffer<MemcachedRig> {
  return async (settings, namespace) => {
    const warnings: string[] = [];
    const logger = { ...quiet, warn: (message: string) => void warnings.push(message) };
    const make = makeValkeyRig(connection, undefined, (to, own, name) =>
      makeMemcachedBuffer(to, memcached, own, name, logger),
    );
    const rig = await make(settings, namespace);
    const copies = copiesOf(direct, namespace);
    const { hand } = rig;
    const evict = async (id: string) => {
      await (evicts === 'copy' ? copies.remove(id) : hand.evict(id));
    };
    return { ...rig, hand: { ...hand, evict }, copies, warnings };
  };
}

export function makeMemcachedBuffer(
  connection: ValkeySettings,
  { host, port }: ValkeyPlace,
  settings: BufferSettings,
  namespace: string,
  logger: Logger = quiet,
): MemcachedBuffer {
  const readLayout = settings.layout ?? (() => Promise.resolve({ partitions: settings.partitions }));
  return new MemcachedBuffer({
    ...settings,
    ...{ connection, entity: ENTITY, namespace, uniqueName, readLayout, logger },
    memcached: { host, port, tls: false },
  });
}

function copiesOf(place: ValkeyPlace, namespace: string): Copies {
  const keyOf = (id: string) => memcachedKey({ namespace, entity: ENTITY }, id);
  return {
    get: async (id) => await readCopy(place, keyOf(id)),
    async set(id, text, seconds = 60) {
      const bytes = Buffer.byteLength(text);
      await askMemcached(place, `set ${keyOf(id)} 0 ${String(seconds)} ${String(bytes)}\r\n${text}`);
    },
    async remove(id) {
      await askMemcached(place, `delete ${keyOf(id)}`);
    },
  };
}
