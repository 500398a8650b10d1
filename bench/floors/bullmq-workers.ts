/** BullMQ as what stores the updates: 16 workers, each job the transaction that one update takes by itself. */
import { Queue, Worker } from 'bullmq';
import type { Connection } from 'mysql2/promise';
import type { Servers } from '../lab/servers.ts';
import { changesOf, type Workload } from '../lab/workload.ts';
import { type SingleUpdate, updateAlone } from './single.ts';

export const WORKERS = 16;
const QUEUE = 'drain';

export interface BullmqWorkers {
  /** Jobs done a second; `count` are queued before. */
  readonly drain: (workload: Workload, load: { count: number; mostMs: number }) => Promise<number>;
  readonly close: () => Promise<void>;
}

export async function openBullmqWorkers({
  valkey,
  connect,
}: Pick<Servers, 'valkey' | 'connect'>): Promise<BullmqWorkers> {
  const connection = { host: valkey.host, port: valkey.port };
  const queue = new Queue<SingleUpdate>(QUEUE, { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  const connections = await Promise.all(Array.from({ length: WORKERS }, () => connect()));
  return {
    async drain({ flightAt }, { count, mostMs }) {
      const jobs = Array.from({ length: count }, (_, index) => ({
        name: 'update',
        data: { id: flightAt(index), changes: changesOf(index), user: 'bench', comment: null },
      }));
      await queue.addBulk(jobs);
      try {
        return await workFor(connection, connections, { count, mostMs });
      } finally {
        await queue.obliterate({ force: true });
      }
    },
    async close() {
      await Promise.allSettled([queue.close(), ...connections.map((each) => each.end())]);
    },
  };
}

async function workFor(
  connection: { host: string; port: number },
  connections: readonly Connection[],
  { count, mostMs }: { count: number; mostMs: number },
): Promise<number> {
  const free = [...connections];
  let done = 0;
  const { promise: isOver, resolve: end, reject: fail } = Promise.withResolvers<undefined>();
  const worker = new Worker<SingleUpdate>(
    QUEUE,
    async ({ data }) => {
      const own = free.pop();
      if (!own) throw new Error('More jobs run at once than there are workers');
      await updateAlone(own, data);
      free.push(own);
      if (++done === count) end(undefined);
    },
    { connection, concurrency: WORKERS, autorun: false },
  );
  worker.on('failed', (_job, error) => fail(error));
  worker.on('error', fail);
  await worker.waitUntilReady();
  const startMs = performance.now();
  const timer = setTimeout(() => end(undefined), mostMs);
  const running = worker.run();
  try {
    await isOver;
    return (1000 * done) / (performance.now() - startMs);
  } finally {
    clearTimeout(timer);
    await worker.close();
    await running;
  }
}
