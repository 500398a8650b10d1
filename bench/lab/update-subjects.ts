/** All that takes an update, side by side: floors, a peer, and the three patterns. Each of 500 cached flights in turn. */
import { openCacheAsideFlights, openWriteThroughFlights } from '@afterwrite/patterns';
import { startTcpProxy } from '../../tests/support/tcp-proxy.ts';
import { openBullmq } from '../floors/bullmq.ts';
import { openValkeyFloor } from '../floors/valkey.ts';
import type { Operation } from './measure.ts';
import type { Environment, Lab } from './section.ts';
import { changesOf, hot, HOT_FLIGHTS } from './workload.ts';

/** As to a database in another zone, each way. */
const FAR_MS = 5;

export interface Subject {
  readonly title: string;
  readonly operation: Operation;
  /** It waits for the database: fewer calls say as much. */
  readonly isSlow?: boolean;
  /** Undoes what piles up: a queue that nobody drains here. */
  readonly tidy?: () => Promise<unknown>;
  readonly close: () => unknown;
}

export const subjectNames = [
  ...(['hset', 'floor', 'writeBehind', 'bullmq', 'floorAlways', 'writeBehindAlways'] as const),
  ...(['cacheAside', 'writeThrough', 'writeThroughFar'] as const),
] as const;
export type SubjectName = (typeof subjectNames)[number];
export type Subjects = Readonly<Record<SubjectName, Subject>>;

export async function openSubjects(lab: Lab): Promise<Subjects> {
  const { valkey, valkeyAlways } = lab.servers;
  const floor = await openValkeyFloor(valkey, HOT_FLIGHTS);
  const floorAlways = await openValkeyFloor(valkeyAlways, HOT_FLIGHTS);
  const bullmq = await openBullmq(valkey);
  return {
    hset: { title: '`HSET` of two fields', operation: floor.hset, close: () => undefined },
    floor: { title: 'bare script, same writes', operation: floor.bareUpdate, close: floor.close },
    writeBehind: await openWriteBehind(lab, 'write-behind', 'update'),
    bullmq: {
      title: 'BullMQ: `HSET`, then a job added',
      operation: bullmq.add,
      tidy: bullmq.drain,
      close: bullmq.close,
    },
    floorAlways: {
      title: 'bare script, `appendfsync always`',
      operation: floorAlways.bareUpdate,
      close: floorAlways.close,
    },
    writeBehindAlways: await openWriteBehind(lab, 'write-behind, `appendfsync always`', 'update-always', {
      CACHE_PORT: String(valkeyAlways.port),
    }),
    ...(await openOtherPatterns(lab)),
  };
}

async function openWriteBehind(
  lab: Lab,
  title: string,
  namespace: string,
  overrides?: Environment,
): Promise<Subject> {
  const cache = await lab.open(namespace, overrides);
  return await asSubject(title, cache, { tidy: () => cache.flushQueue() });
}

async function openOtherPatterns(
  lab: Lab,
): Promise<Pick<Subjects, 'cacheAside' | 'writeThrough' | 'writeThroughFar'>> {
  const proxy = await startTcpProxy(lab.servers.mysql);
  const far = { DB_HOST: proxy.host, DB_PORT: String(proxy.port) };
  const cacheAside = await openCacheAsideFlights(lab.settings('cache-aside'));
  const writeThrough = await openWriteThroughFlights(lab.settings('write-through'));
  const writeThroughFar = await openWriteThroughFlights(lab.settings('write-through-far', far));
  const title = `write-through, database ${String(FAR_MS)} ms away each way`;
  const subjects = {
    cacheAside: await asSubject('cache-aside', cacheAside, { isSlow: true }),
    writeThrough: await asSubject('write-through', writeThrough, { isSlow: true }),
    writeThroughFar: await asSubject(title, writeThroughFar, {
      isSlow: true,
      close: async () => {
        await writeThroughFar.close();
        await proxy.close();
      },
    }),
  };
  await proxy.set({ latencyMs: FAR_MS });
  return subjects;
}

interface Cache {
  get(id: unknown): Promise<unknown>;
  update(id: unknown, changes: unknown, options: { readonly user: string }): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Each flight is cached, and each partition in use, before anything is timed. */
async function asSubject(title: string, cache: Cache, more: Partial<Subject>): Promise<Subject> {
  for (let index = 0; index < HOT_FLIGHTS; index++) await cache.get(hot.flightAt(index));
  return {
    title,
    operation: (index) => cache.update(hot.flightAt(index), changesOf(index), { user: 'bench' }),
    close: () => cache.close(),
    ...more,
  };
}
