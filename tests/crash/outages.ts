/** What one process does while the store is away, the queue is full, or a server came back with less than it had. */
import { StoreUnavailableError } from '@afterwrite/write-behind';
import type { BufferPort, StorePort } from '@afterwrite/write-behind/internal';
import { replacing } from '../support/decorate.ts';
import { many, othersAtWork } from './preparations.ts';
import type { Scenario } from './scenarios.ts';
import type { Stage } from './stage.ts';

/** For the process itself the store is away until the test says otherwise. */
function storeAway(stage: Stage): Stage['world']['ports'] {
  const { ports } = stage.world;
  const refuse = () => Promise.reject(new StoreUnavailableError('away'));
  const readEpoch: StorePort['readEpoch'] = (partition) =>
    stage.isStoreAway ? refuse() : ports.store.readEpoch(partition);
  const ping: StorePort['ping'] = () => (stage.isStoreAway ? refuse() : ports.store.ping());
  return { ...ports, store: replacing(ports.store, { readEpoch, ping }) };
}

const times = (count: number) => () => count-- > 0;

/** The queue is full to the process itself. */
function fullQueue(ports: Stage['world']['ports'], isFull: () => boolean): Stage['world']['ports'] {
  const update: BufferPort['update'] = async (request) =>
    isFull() ? { kind: 'QUEUE_FULL', limit: 5 } : await ports.buffer.update(request);
  return { ...ports, buffer: replacing(ports.buffer, { update }) };
}

const fullQueues: readonly Scenario[] = [
  {
    name: 'update: the queue is full, its caller stores a batch',
    prepare: many,
    ports: ({ world }) => fullQueue(world.ports, times(1)),
    act: (cache, stage) => stage.update(cache, '2', 'note'),
  },
  {
    name: 'update: the queue is full and another flushes',
    prepare: many,
    ports: (stage) => fullQueue(othersAtWork(stage), times(3)),
    act: (cache, stage) => stage.update(cache, '2', 'note'),
  },
  {
    name: 'update: the queue is full and the store is away',
    prepare: many,
    ports: (stage) => fullQueue(storeAway(stage), () => stage.isStoreAway),
    act: async (cache, stage) => {
      stage.isStoreAway = true;
      await stage.expectError('LIMIT_REACHED', stage.update(cache, '2', 'note'));
      stage.isStoreAway = false;
    },
  },
];

const losses: readonly Scenario[] = [
  {
    name: 'losses: Valkey came back with less',
    prepare: async (stage) => {
      await many(stage);
      await stage.healthy.flushQueue();
      await stage.healthy.noticeLosses();
      await stage.failover();
    },
    act: async (cache, stage) => {
      await cache.noticeLosses();
      await cache.losses();
      await stage.update(cache, '1', 'name');
    },
    losesData: true,
  },
  {
    name: 'losses: another epoch was drained before anybody looked',
    prepare: async (stage) => {
      await many(stage);
      await stage.healthy.flushQueue();
      await stage.failover();
      await many(stage);
      await stage.healthy.flushQueue();
    },
    act: (cache) => cache.noticeLosses(),
    losesData: true,
  },
  {
    name: 'losses: the store came back with less',
    prepare: async (stage) => {
      await many(stage);
      await stage.healthy.flushQueue();
    },
    // As if it had no longer what was acked last.
    ports: ({ world: { ports } }) => ({
      ...ports,
      store: replacing(ports.store, {
        readWatermarks: async () =>
          (await ports.store.readWatermarks()).map((row) => ({
            ...row,
            position: { ...row.position, seq: row.position.seq - 1 },
          })),
        positionState: async (...args) => {
          await ports.store.positionState(...args);
          return { state: 'UNKNOWN' };
        },
      }),
    }),
    act: (cache) => cache.noticeLosses(),
  },
];

const away: readonly Scenario[] = [
  {
    name: 'flush: the store is away, is tried in vain, and comes back',
    prepare: many,
    ports: storeAway,
    act: async (cache, stage) => {
      stage.isStoreAway = true;
      await cache.flushQueue();
      await stage.endWait();
      await cache.flushQueue();
      await stage.endWait();
      stage.isStoreAway = false;
      await cache.flushQueue();
    },
  },
  {
    name: 'flush: the store was away and nothing waits',
    ports: storeAway,
    act: async (cache, stage) => {
      await stage.world.ports.buffer.tripBreaker({ known: 0, waitMs: 0, keptMs: 60_000 });
      stage.isStoreAway = true;
      await cache.flushQueue();
      await stage.endWait();
      stage.isStoreAway = false;
      await cache.flushQueue();
    },
  },
];

export const outages: readonly Scenario[] = [...losses, ...away, ...fullQueues];
