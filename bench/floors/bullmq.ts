/** BullMQ as a queue of the same updates: the well-kept queue that one would otherwise put in front of a database. */
import type { RunningEngine } from '@afterwrite/local-engines';
import { Queue } from 'bullmq';
import { changesOf, flightOf } from '../lab/workload.ts';
import type { Operation } from '../lab/measure.ts';

const FLIGHTS_UPDATED = 500;

export interface BullmqPeer {
  /** Adds one update as a job. */
  readonly add: Operation;
  readonly drain: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openBullmq(engine: RunningEngine): Promise<BullmqPeer> {
  const queue = new Queue('updates', {
    connection: { host: engine.host, port: engine.port },
    defaultJobOptions: { removeOnComplete: true },
  });
  await queue.waitUntilReady();
  return {
    add: (index) =>
      queue.add('update', {
        id: flightOf(index, FLIGHTS_UPDATED),
        changes: changesOf(index),
        user: 'bench',
        comment: null,
      }),
    drain: () => queue.drain(),
    close: () => queue.close(),
  };
}
