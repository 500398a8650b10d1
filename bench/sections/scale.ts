/** Does it stay as it is when there is more of it: partitions, flushers, and updates that wait. */
import { type FlightCache, flightEntity } from '@afterwrite/flights';
import { type CachePorts, openPorts } from '@afterwrite/write-behind';
import { decodeItem } from '@afterwrite/write-behind/internal';
import { Child } from '../lab/child.ts';
import { compare, inTurn, median, type Rounds } from '../lab/measure.ts';
import { shown } from '../lab/report.ts';
import type { Lab, Section, SectionResult } from '../lab/section.ts';
import { targetRow } from '../lab/targets.ts';
import { ValkeyLook } from '../lab/valkey-look.ts';
import { changesOf, fillQueue, hot, HOT_FLIGHTS, type Workload, workloads } from '../lab/workload.ts';
import type { FlusherOptions } from '../processes/flusher.ts';

const PARTITIONS = [1, 2, 4, 8, 16] as const;
const PROCESSES = [1, 2, 4];
const LENGTHS = { quick: [1000, 10_000, 100_000, 300_000], full: [1000, 10_000, 100_000, 1e6, 3e6, 1e7] };
const FILLS = { quick: { drained: 8000, remembered: 10_000 }, full: { drained: 20_000, remembered: 50_000 } };
/** No queue of this section is full. */
const ROOMY = { QUEUE_MAX_LENGTH: '100000000' };
const PEEKED = 1000;
const ACKED = 500;
const ACKS = 3;
/** Of a peek, at each length. */
const CALLS = 20;
const BATCH_BYTES = 4_194_304;

const OPERATIONS = ['update', 'peek', 'ack', 'queueLength'] as const;
type OperationName = (typeof OPERATIONS)[number];
const TITLES: Readonly<Record<OperationName, string>> = {
  update: 'update',
  peek: `peek of ${String(PEEKED)}`,
  ack: `ack of ${String(ACKED)}`,
  queueLength: 'queueLength',
};

export const scale: Section = {
  name: 'scale',
  title: 'More of it',
  async run(lab) {
    const look = new ValkeyLook(lab.servers.valkey);
    try {
      const rates = await drainPartitions(lab);
      const memory = await measureMemory(lab, look);
      const operations = await growQueue(lab, look);
      const processes = lab.isQuick ? new Map<number, number>() : await drainByProcesses(lab);
      return present({ rates, processes, memory, operations });
    } finally {
      look.close();
    }
  },
};

/** Updates a second into MySQL, all partitions flushed at once. */
async function drainPartitions(lab: Lab): Promise<Rounds<string, number>> {
  const { drained } = FILLS[lab.isQuick ? 'quick' : 'full'];
  const caches = new Map<number, FlightCache>();
  const one = (partitions: number) => async (round: number) => {
    const cache = caches.get(partitions) ?? (await openPartitions(lab, partitions));
    caches.set(partitions, cache);
    await fillQueue(cache, hot, { count: drained, round });
    const startMs = performance.now();
    const { processed } = await cache.flushQueue();
    if (processed !== drained)
      throw new Error(`${String(processed)} of ${String(drained)} updates were stored`);
    return (1000 * drained) / (performance.now() - startMs);
  };
  lab.say(`${PARTITIONS.join(', ')} partitions`);
  try {
    const subjects = Object.fromEntries(
      PARTITIONS.map((partitions) => [String(partitions), one(partitions)]),
    );
    return await inTurn(lab.isQuick ? 1 : 2, subjects);
  } finally {
    await Promise.allSettled([...caches.values()].map((cache) => cache.close()));
  }
}

async function openPartitions(lab: Lab, partitions: number): Promise<FlightCache> {
  const count = String(partitions);
  return await lab.open(`scale-${count}`, {
    ...ROOMY,
    QUEUE_PARTITIONS: count,
    QUEUE_FLUSH_CONCURRENCY: count,
    DB_POOL_SIZE: String(partitions + 4),
  });
}

interface Memory {
  readonly workload: Workload;
  readonly payloadBytes: number;
  /** Of all that an update adds. */
  readonly usedBytes: number;
  readonly itemBytes: number;
  readonly updatesAFlight: number;
}

/** What Valkey's memory grows by with each update of a flight that was cached before. */
async function measureMemory(lab: Lab, look: ValkeyLook): Promise<readonly Memory[]> {
  const { remembered: count } = FILLS[lab.isQuick ? 'quick' : 'full'];
  const found: Memory[] = [];
  for (const workload of workloads) {
    lab.say(`memory of ${shown(count)} updates, ${workload.title}`);
    // Where the drain has cached these flights, nothing needs to be loaded.
    const namespace = `drain-${workload.name}`;
    const cache = await lab.open(namespace, ROOMY);
    const flights = new Set(Array.from({ length: count }, (_, index) => workload.flightAt(index)));
    await readAll(cache, [...flights]);
    const before = await look.usedBytes();
    await fillQueue(cache, workload, { count, round: 10 });
    const after = await look.usedBytes();
    const payloads = Array.from({ length: count }, (_, index) => {
      const payload = {
        id: workload.flightAt(index),
        changes: changesOf(index),
        user: 'bench',
        comment: null,
      };
      return Buffer.byteLength(JSON.stringify(payload));
    });
    const item = await look.client.lindexBuffer(`{${namespace}.flight.0}:queue`, 0);
    found.push({
      workload,
      payloadBytes: payloads.reduce((sum, bytes) => sum + bytes, 0) / count,
      usedBytes: (after - before) / count,
      itemBytes: item?.length ?? Number.NaN,
      updatesAFlight: count / flights.size,
    });
    await cache.close({ flush: true });
  }
  return found;
}

async function readAll(cache: FlightCache, ids: string[]): Promise<void> {
  const lane = async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) await cache.getFlight(id);
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}

interface AtLength {
  readonly length: number;
  /** Server time of one call, µs. */
  readonly serverUs: Readonly<Record<OperationName, number>>;
  /** Valkey's memory over all updates that wait, bytes an update. */
  readonly usedBytes: number;
}

/** One partition, whose queue grows; each operation at each length. */
async function growQueue(lab: Lab, look: ValkeyLook): Promise<readonly AtLength[]> {
  const namespace = 'scale-queue';
  const overrides = { ...ROOMY, QUEUE_PARTITIONS: '1' };
  const cache = await lab.open(namespace, overrides);
  const ports = await openPorts(flightEntity, lab.settings(namespace, overrides));
  const queue = `{${namespace}.flight.0}:queue`;
  try {
    await readAll(
      cache,
      Array.from({ length: HOT_FLIGHTS }, (_, index) => hot.flightAt(index)),
    );
    const before = await look.usedBytes();
    await fillQueue(cache, hot, { count: HOT_FLIGHTS, round: 0 });
    const found: AtLength[] = [];
    for (const length of LENGTHS[lab.isQuick ? 'quick' : 'full']) {
      lab.signal.throwIfAborted();
      lab.say(`a queue of ${shown(length)}`);
      await grow(look, queue, length);
      await look.settled();
      const usedBytes = ((await look.usedBytes()) - before) / length;
      found.push({ length, usedBytes, serverUs: await timeAll(cache, ports, look) });
    }
    return found;
  } finally {
    await look.client.unlink(queue);
    await Promise.allSettled([cache.close(), ports.buffer.close(), ports.store.close()]);
  }
}

/** Appends the newest items again and again, each with a seq of its own, as if those flights had been updated on. */
const COPY = `
local wanted, seq, copies = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[2], 's')), {}
local newest = redis.call('LRANGE', KEYS[1], -wanted, -1)
for i, item in ipairs(newest) do
  local head, tail = string.match(item, '^(%[%d+,"%w+",)%d+(,.*)$')
  copies[i] = head .. string.format('%.0f', seq + i) .. tail
end
redis.call('RPUSH', KEYS[1], unpack(copies))
redis.call('HSET', KEYS[2], 's', string.format('%.0f', seq + #copies))
return redis.call('LLEN', KEYS[1])`;
/** As many values as \`unpack\` takes, and more than that to spare. */
const COPIES_A_CALL = 5000;

async function grow({ client }: ValkeyLook, queue: string, length: number): Promise<void> {
  const seqKey = queue.replace(/queue$/, 'seq');
  for (let waiting = await client.llen(queue); waiting < length;) {
    const copies = Math.min(length - waiting, COPIES_A_CALL, waiting);
    waiting = Number(await client.eval(COPY, 2, queue, seqKey, copies));
  }
}

/** Leaves the queue as long as it was. */
async function timeAll(
  cache: FlightCache,
  { buffer }: CachePorts,
  look: ValkeyLook,
): Promise<Record<OperationName, number>> {
  const times = async (calls: number, call: (index: number) => Promise<unknown>) => {
    const all = await look.serverUs(async () => {
      for (let index = 0; index < calls; index++) await call(index);
    });
    return all / calls;
  };
  const updates = ACKS * ACKED;
  const update = await times(updates, (index) =>
    cache.update(hot.flightAt(index), changesOf(index), { user: 'bench' }),
  );
  const peek = await times(CALLS, () => buffer.peek(0, { rows: PEEKED, bytes: BATCH_BYTES }));
  const queueLength = await times(updates, () => cache.queueLength());
  let ack = 0;
  for (let acked = 0; acked < ACKS; acked++) {
    const { items } = await buffer.peek(0, { rows: ACKED, bytes: BATCH_BYTES });
    const last = decodeItem(items.at(-1) ?? Buffer.alloc(0));
    if (last.kind !== 'UPDATE') throw new Error('The queue holds what is no update');
    const covered = new Map([[last.position.epoch, last.position.seq]]);
    ack += await look.serverUs(() => buffer.ack(0, { covered, distrusted: new Set(), parkedBytes: [] }));
  }
  return { update, peek, queueLength, ack: ack / ACKS };
}

/** Updates a second with several flushers, each a process of its own with its default settings. */
async function drainByProcesses(lab: Lab): Promise<ReadonlyMap<number, number>> {
  const namespace = 'scale-16';
  const environment = { ...lab.servers.environment, ...ROOMY, CACHE_NAMESPACE: namespace };
  const { drained } = FILLS.full;
  const cache = await lab.open(namespace, ROOMY);
  const rates = new Map<number, number>();
  try {
    for (const count of PROCESSES) {
      lab.say(`${String(count)} flusher processes`);
      const options: FlusherOptions = { intervalMs: 10 };
      const flushers = Array.from(
        { length: count },
        () => new Child('flusher', options, environment, lab.signal),
      );
      try {
        await Promise.all(flushers.map((flusher) => flusher.next()));
        await fillQueue(cache, hot, { count: drained, round: count + 1 });
        const startMs = performance.now();
        for (const flusher of flushers) flusher.send('go');
        while ((await cache.queueLength()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
        rates.set(count, (1000 * drained) / (performance.now() - startMs));
      } finally {
        await Promise.all(flushers.map((flusher) => flusher.stop()));
      }
    }
    return rates;
  } finally {
    await cache.close();
  }
}

interface Found {
  readonly rates: Rounds<string, number>;
  readonly processes: ReadonlyMap<number, number>;
  readonly memory: readonly Memory[];
  readonly operations: readonly AtLength[];
}

function present({ rates, processes, memory, operations }: Found): SectionResult {
  // Between the two ends: some flights have many updates that wait, most have one.
  const mixed = memory.find(({ workload }) => workload.name === 'zipf');
  const value = mixed?.usedBytes ?? Number.NaN;
  const floor = mixed?.payloadBytes ?? Number.NaN;
  return {
    rows: [targetRow('memory', compare([value], [floor]))],
    tables: [
      {
        title: 'Updates stored a second, as many partitions at a time as there are',
        columns: ['partitions', ...PARTITIONS.map(String)],
        rows: [
          ['updates a second', ...PARTITIONS.map((partitions) => median(rates[String(partitions)] ?? []))],
        ],
      },
      ...(processes.size === 0
        ? []
        : [
            {
              title: 'Updates stored a second by several processes, 16 partitions',
              columns: ['processes', ...[...processes.keys()].map(String)],
              rows: [['updates a second', ...processes.values()]],
            },
          ]),
      {
        title: 'Memory of a queued update of a cached flight, bytes',
        columns: ['', 'payload', 'item', 'all that it adds', 'updates a flight'],
        rows: memory.map(({ workload, payloadBytes, itemBytes, usedBytes, updatesAFlight }) => [
          workload.title,
          payloadBytes,
          itemBytes,
          usedBytes,
          updatesAFlight,
        ]),
      },
      {
        title:
          'Time that Valkey takes for one call, µs, and its memory an update, over the updates that wait',
        columns: ['wait', ...OPERATIONS.map((name) => TITLES[name]), 'bytes an update'],
        rows: operations.map(({ length, serverUs, usedBytes }) => [
          length,
          ...OPERATIONS.map((name) => serverUs[name]),
          usedBytes,
        ]),
      },
    ],
    plots: [
      {
        file: 'scale-queue',
        title: 'Time that Valkey takes for one call',
        kind: 'line',
        x: { name: 'updates that wait', isLog: true },
        y: { name: 'µs', isLog: true },
        series: OPERATIONS.map((name) => ({
          name: TITLES[name],
          points: operations.map(({ length, serverUs }) => [length, serverUs[name]] as const),
        })),
      },
    ],
    figures: {
      bytesPerItem: mixed?.itemBytes ?? Number.NaN,
      memoryPerUpdate: value,
      payloadBytes: floor,
    },
    remarks: [
      'Memory is what `used_memory` grew by, without the buffers of clients and of the append-only file, while updates of cached flights were ' +
        'queued: the item, the entry of the pending index and the marks on the cached value, of which there is one a flight. The row of the targets ' +
        `is of ${mixed?.workload.title ?? ''}, with ${shown(mixed?.updatesAFlight ?? Number.NaN)} updates a flight.`,
      "The long queue is one partition's: real updates, then copies of their items with seqs of their own. The times are Valkey's own (`INFO commandstats`), while no rewrite of its append-only file runs.",
    ],
  };
}
