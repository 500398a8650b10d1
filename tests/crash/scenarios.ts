/** What one process does while it is made to fail at each of its commands in turn. */
import { BufferFullError, type WriteBehindCache, type FieldValues } from '@afterwrite/write-behind';
import type { StorePort } from '@afterwrite/write-behind/internal';
import { replacing } from '../support/decorate.ts';
import { outages } from './outages.ts';
import { many, othersAtWork } from './preparations.ts';
import type { Stage } from './stage.ts';

type Cache = WriteBehindCache<FieldValues, FieldValues>;

export interface Scenario {
  readonly name: string;
  /** Before it, by a process that nothing happens to. */
  readonly prepare?: (stage: Stage) => Promise<unknown>;
  readonly act: (cache: Cache, stage: Stage) => Promise<unknown>;
  /** What the servers do to it that they do to nobody else. */
  readonly ports?: (stage: Stage) => Stage['world']['ports'];
  /** Valkey loses something: a value that was cached before may be old (docs/CONSISTENCY.md). */
  readonly losesData?: true;
}

const flush = (cache: Cache) => cache.flushQueue();
/** Stored, then gone from the cache. */
const absent = (stage: Stage) => stage.evict('1');
/** Its hash is deleted while its updates wait. */
const deletedWhilePending = async (stage: Stage) => {
  await stage.update(stage.healthy, '1', 'name');
  await stage.evict('1');
};
const parked = async (stage: Stage) => {
  await stage.update(stage.healthy, '1', 'name', { bad: true });
  await stage.update(stage.healthy, '2', 'note', { bad: true });
  await stage.healthy.flushQueue();
};

const updates: readonly Scenario[] = [
  { name: 'update: not cached', prepare: absent, act: (cache, stage) => stage.update(cache, '1', 'name') },
  {
    name: 'update: cached',
    prepare: (stage) => stage.healthy.get('1'),
    act: (cache, stage) => stage.update(cache, '1', 'name'),
  },
  {
    name: 'update: on top of one that waits',
    prepare: (stage) => stage.update(stage.healthy, '1', 'size'),
    act: (cache, stage) => stage.update(cache, '1', 'name'),
  },
  {
    name: 'update: with an idempotency key',
    prepare: (stage) => stage.healthy.get('1'),
    act: (cache, stage) => stage.update(cache, '1', 'name', { key: 'once' }),
  },
  {
    // The next sync is further away than this file's calls wait; `stored` shows a level that is reached.
    name: 'update: not on disk in time',
    prepare: (stage) => stage.healthy.get('1'),
    act: (cache, stage) =>
      stage.expectError('DURABILITY_NOT_REACHED', stage.update(cache, '1', 'name', { durability: 'aof' })),
  },
  {
    name: 'update: stored before it is answered',
    prepare: (stage) => stage.healthy.get('1'),
    act: (cache, stage) => stage.update(cache, '1', 'name', { durability: 'stored' }),
  },
  {
    name: 'update: with a version that holds',
    prepare: absent,
    act: async (cache, stage) => {
      const { version } = await cache.get('1');
      await stage.update(cache, '1', 'name', { ifVersion: version });
    },
  },
  {
    name: 'update: with a version, not cached',
    prepare: absent,
    act: (cache, stage) =>
      stage.expectError('VERSION_CONFLICT', stage.update(cache, '1', 'name', { ifVersion: 'x' })),
  },
  {
    name: 'update: deleted while updates wait',
    prepare: deletedWhilePending,
    act: (cache, stage) => stage.update(cache, '1', 'size'),
  },
  {
    name: 'update: deleted while updates wait and another flushes',
    prepare: deletedWhilePending,
    ports: othersAtWork,
    act: (cache, stage) => stage.update(cache, '1', 'size'),
  },
  {
    name: 'update: no such row',
    act: (cache, stage) => stage.expectError('NOT_FOUND', stage.update(cache, '9', 'name')),
  },
  {
    name: 'update: while another loads',
    prepare: async (stage) => {
      await stage.evict('1');
      await stage.world.ports.buffer.lease('1', 'another');
    },
    act: (cache, stage) => stage.expectError('CONTENDED', stage.update(cache, '1', 'name')),
  },
];

const reads: readonly Scenario[] = [
  { name: 'read: not cached', prepare: absent, act: (cache) => cache.get('1') },
  { name: 'read: deleted while updates wait', prepare: deletedWhilePending, act: (cache) => cache.get('1') },
  {
    name: 'read: while another loads',
    prepare: async (stage) => {
      await stage.evict('1');
      await stage.world.ports.buffer.lease('1', 'another');
    },
    act: (cache) => cache.get('1'),
  },
  {
    name: 'read: no room for a lease',
    prepare: deletedWhilePending,
    ports: ({ world: { ports } }) => ({
      ...ports,
      buffer: replacing(ports.buffer, { lease: () => Promise.reject(new BufferFullError(undefined)) }),
    }),
    act: (cache) => cache.get('1'),
  },
];

/** After the commit, before the ack: Valkey is empty. */
function emptiedAfterCommit(stage: Stage): StorePort {
  const { store } = stage.world.ports;
  return replacing(store, {
    transaction: async (work) => {
      const value = await store.transaction(work);
      await stage.empty();
      return value;
    },
  });
}

const flushes: readonly Scenario[] = [
  { name: 'flush: one batch', prepare: many, act: flush },
  { name: 'flush: several batches', prepare: many, act: (cache) => cache.flushQueue({ batchSize: 2 }) },
  { name: 'flush: the oldest', prepare: many, act: (cache) => cache.processQueue({ batchSize: 3 }) },
  {
    name: 'flush: bad updates among good ones',
    prepare: async (stage) => {
      await stage.update(stage.healthy, '1', 'name');
      await stage.update(stage.healthy, '1', 'note', { bad: true });
      await stage.update(stage.healthy, '2', 'name');
      await stage.update(stage.healthy, '1', 'note');
    },
    act: flush,
  },
  {
    name: 'flush: what supersedes dead letters',
    prepare: async (stage) => {
      await parked(stage);
      await many(stage);
    },
    act: flush,
  },
  {
    name: 'flush: two epochs',
    prepare: async (stage) => {
      await many(stage);
      await stage.failover();
      await stage.update(stage.healthy, '1', 'name');
    },
    act: flush,
    losesData: true,
  },
  {
    name: 'flush: what another committed and did not ack',
    prepare: async (stage) => {
      await many(stage);
      await stage.flushWithoutAck();
      await many(stage);
    },
    act: flush,
  },
  {
    name: 'flush: Valkey is emptied before the ack',
    prepare: many,
    ports: (stage) => ({ ...stage.world.ports, store: emptiedAfterCommit(stage) }),
    act: flush,
    losesData: true,
  },
  {
    name: 'flush: an item that nobody can read',
    prepare: async (stage) => {
      await stage.update(stage.healthy, '1', 'name');
      await stage.pushItem('[0,"other",1,0,"0",{},"test","foreign"]');
      await stage.update(stage.healthy, '2', 'name');
    },
    act: flush,
  },
  {
    name: 'flush: another holds the partition for a moment',
    prepare: many,
    ports: othersAtWork,
    act: flush,
  },
  { name: 'clear', prepare: many, act: (cache) => cache.clear() },
  {
    name: 'close with a flush',
    prepare: many,
    act: async (cache) => {
      const outcomes = await Promise.allSettled([cache.flushQueue(), cache.close({ flush: true })]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
  },
];

const letters: readonly Scenario[] = [
  {
    name: 'redrive',
    prepare: async (stage) => {
      await parked(stage);
      await stage.world.refuse(false);
    },
    act: (cache) => cache.redrive(),
  },
  {
    name: 'redrive: updates wait',
    prepare: async (stage) => {
      await parked(stage);
      await many(stage);
      await stage.world.refuse(false);
    },
    act: (cache) => cache.redrive(),
  },
  {
    name: 'redrive: one is superseded, one refused again',
    prepare: async (stage) => {
      await parked(stage);
      await stage.update(stage.healthy, '1', 'name');
      await stage.healthy.flushQueue();
    },
    act: (cache) => cache.redrive(),
  },
];

/** How many portions the search takes depends on what else lies on the server, and points are counted. */
function foundAtOnce({ world: { ports, ids } }: Stage): Stage['world']['ports'] {
  const cachedIds = () => Promise.resolve({ ids, next: undefined });
  return { ...ports, buffer: replacing(ports.buffer, { cachedIds }) };
}
/** So slow that it rests after each, however long one takes. */
const reconcile = (cache: Cache) => cache.reconcile({ sample: 'all', ratePerSecond: 1 });

const comparisons: readonly Scenario[] = [
  {
    name: 'reconcile: one is clean, one waits',
    prepare: async (stage) => {
      await stage.healthy.get('1');
      await stage.update(stage.healthy, '2', 'name');
    },
    ports: foundAtOnce,
    act: reconcile,
  },
  {
    name: 'reconcile: a sample',
    prepare: many,
    ports: foundAtOnce,
    act: (cache) => cache.reconcile({ sample: 1, ratePerSecond: 1 }),
  },
  {
    name: 'reconcile: rows were changed past the cache',
    prepare: async (stage) => {
      for (const id of ['1', '2']) await stage.healthy.get(id);
      await stage.world.sql.run('UPDATE widget SET size = 99');
      await stage.update(stage.healthy, '2', 'name');
    },
    ports: foundAtOnce,
    act: reconcile,
    // Not trusted either until it is found.
    losesData: true,
  },
];

/** Whoever looks changes nothing, and nothing that fails while somebody looks does. */
const looks: readonly Scenario[] = [
  {
    name: 'look at everything',
    prepare: parked,
    act: async (cache, stage) => {
      const { version } = await stage.update(cache, '1', 'name');
      const [epoch = '', seq] = version.split('-');
      await cache.writeState('1', { epoch, seq: Number(seq) });
      await cache.writeState('1', { epoch: 'gone', seq: 1 });
      await cache.queueStatus();
      await cache.queueLength();
      await cache.deadLetters();
      await cache.verifyConsistency('1');
      await cache.claimNudge(1000);
      // This entity has none that can be read.
      await stage.expectError('STORE_ERROR', cache.audit('1', { limit: 10 }));
      await stage.expectError('STORE_ERROR', cache.find({ name: 'x' }));
      await cache.checkServers();
      await Promise.all([cache.pingBuffer(), cache.pingStore()]);
    },
  },
];

export const scenarios: readonly Scenario[] = [
  ...updates,
  ...reads,
  ...flushes,
  ...outages,
  ...letters,
  ...comparisons,
  ...looks,
];
