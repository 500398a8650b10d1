/**
 * BullMQ as a queue of the same updates: the well-kept queue that one would otherwise put in front of a database. To do the
 * same work it has the cached value changed first, by a command of its own: a crash in between leaves one without the other.
 */
import type { RunningEngine } from '@afterwrite/local-engines';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { changesOf, hot } from '../lab/workload.ts';
import type { Operation } from '../lab/measure.ts';

export interface BullmqPeer {
  /** Changes the cached value, then adds the update as a job. */
  readonly add: Operation;
  readonly drain: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openBullmq(engine: RunningEngine): Promise<BullmqPeer> {
  const connection = new Redis({ host: engine.host, port: engine.port, maxRetriesPerRequest: null });
  const queue = new Queue('updates', { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  return {
    add: async (index) => {
      const id = hot.flightAt(index);
      const changes = changesOf(index);
      await connection.hset(`bullmq:flight:${id}`, changes);
      await queue.add('update', { id, changes, user: 'bench', comment: null });
    },
    drain: () => queue.drain(),
    close: async () => {
      await queue.close();
      connection.disconnect();
    },
  };
}
