/**
 * The number of partitions changes while writers, readers and flushers of the old number run on: nobody is believed to have
 * stopped, and whoever counts otherwise is refused whenever it comes.
 */
import { crc32 } from 'node:zlib';
import { type FlightCache, flightEntity } from '@afterwrite/flights';
import {
  abortRepartition,
  AfterwriteError,
  type OpenedRepartition,
  openRepartition,
  repartition,
  type RepartitionOptions,
  parseSettings,
} from '@afterwrite/write-behind';
import { afterEach, describe, expect, it } from 'vitest';
import { replacing } from '../support/decorate.ts';
import { cleanVerdict, History } from '../support/history.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const FLIGHTS = 40;
const START = Date.UTC(2030, 0, 1);

let world: World;
const opened: OpenedRepartition[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((ports) => ports.close()));
  await world.dispose();
});

const makePlace = async (partitions: number, cluster = false) =>
  await makeWorld({ flights: FLIGHTS, cluster, environment: { QUEUE_PARTITIONS: String(partitions) } });
const open = async (partitions: number) => await world.open({ QUEUE_PARTITIONS: String(partitions) });

async function portsTo(to: number): Promise<OpenedRepartition> {
  const settings = parseSettings({ ...world.environment, ...world.privileged });
  const ports = await openRepartition(flightEntity, settings, to, { logger: silentLogger });
  opened.push(ports);
  return ports;
}

async function change(to: number, options: Partial<RepartitionOptions> = {}, ports?: OpenedRepartition) {
  const limits = { limitMs: 30_000, maxAnswers: 100_000 };
  return await repartition(ports ?? (await portsTo(to)), { to, ...limits, ...options });
}

/** The n-th update of all sets a departure of its own, under an idempotency key of its own. */
function updateOf(index: number) {
  const iso = new Date(START + index * 1000).toISOString();
  const arrival = new Date(START + index * 1000 + 3_600_000).toISOString();
  const uid = `u${String(index)}`;
  const update = { departure: iso, arrival, user: 'test', comment: uid, idempotencyKey: uid };
  return { uid, update, column: iso.slice(0, 19).replace('T', ' ') };
}

const partitionOf = (id: string, partitions: number) => crc32(id) % partitions;
const codeOf = (error: unknown) => (error instanceof AfterwriteError ? error.code : String(error));
const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

/** Callers that each have flights of their own, so that what they wrote last is what must be read. */
class Callers {
  readonly history = new History();
  readonly versions = new Map<string, { flightId: number; index: number; version: string }>();
  readonly refusals = new Set<string>();
  readonly stale: string[] = [];
  readonly #last = new Map<number, number>();
  #next = 0;
  #isStopping = false;

  get acknowledged(): number {
    return this.versions.size;
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Until told to stop, or refused for good. */
  async write(cache: FlightCache, flightIds: readonly number[]): Promise<void> {
    for (let turn = 0; !this.#isStopping; turn++) {
      const flightId = flightIds[turn % flightIds.length]!;
      const index = this.#next++;
      try {
        await this.#update(cache, flightId, index);
        await pause(1);
      } catch (error) {
        this.refusals.add(codeOf(error));
        if (!(error instanceof AfterwriteError && error.retryable)) return;
        await pause(5);
      }
    }
  }

  async #update(cache: FlightCache, flightId: number, index: number): Promise<void> {
    const { uid, update, column } = updateOf(index);
    const result = await cache.updateFlightDeparture(flightId, update);
    this.history.acknowledge(uid, flightId, column, result);
    this.versions.set(uid, { flightId, index, version: result.version });
    this.#last.set(flightId, index);
  }

  /** Reads until told to stop: what is cached is never older than what was acknowledged before the read began. */
  async read(cache: FlightCache): Promise<void> {
    for (let turn = 0; !this.#isStopping; turn++) {
      const flightId = 1 + (turn % FLIGHTS);
      const before = this.#last.get(flightId);
      const { value, source } = await cache.getFlight(flightId);
      const isOld = before !== undefined && Date.parse(value.departure) < START + before * 1000;
      if (isOld && source !== 'CACHE_BYPASS') this.stale.push(`${String(flightId)} ${source}`);
    }
  }

  /** Each again, under its key: it must be known. */
  async replay(cache: FlightCache): Promise<string[]> {
    const wrong: string[] = [];
    for (const [uid, { flightId, index, version }] of this.versions) {
      const again = await cache.updateFlightDeparture(flightId, updateOf(index).update);
      if (!again.replayed || again.version !== version) wrong.push(uid);
    }
    return wrong;
  }
}

async function flushUntil(cache: FlightCache, signal: AbortSignal): Promise<Set<string>> {
  const stopped = new Set<string>();
  while (!signal.aborted) {
    for (const { code } of (await cache.flushQueue()).stopped) stopped.add(code);
    await pause(10);
  }
  return stopped;
}

const GROUPS = [0, 1, 2, 3].map((group) =>
  Array.from({ length: FLIGHTS / 4 }, (_, index) => 1 + group + index * 4),
);

describe.each([
  { from: 4, to: 7, cluster: false },
  { from: 7, to: 3, cluster: false },
  { from: 3, to: 8, cluster: true },
])('2 3 4 6 from $from to $to partitions under load, cluster: $cluster', ({ from, to, cluster }) => {
  it('each acknowledged update is stored once and in order, keys are known, and no value is old', async () => {
    world = await makePlace(from, cluster);
    const callers = new Callers();
    const stop = new AbortController();
    const [writer, other, reader, flusher] = await Promise.all([
      open(from),
      open(from),
      open(from),
      open(from),
    ]);
    const writing = Promise.all(GROUPS.map((ids, group) => callers.write(group % 2 ? writer : other, ids)));
    const reading = callers.read(reader);
    const flushing = flushUntil(flusher, stop.signal);
    await expect.poll(() => callers.acknowledged, { timeout: 20_000 }).toBeGreaterThan(300);

    expect(await change(to)).toMatchObject({ kind: 'CHANGED', from, to });
    // They ran on all the time, and were told.
    await writing;
    expect([...callers.refusals].at(-1)).toBe('PARTITIONS_CHANGED');
    const before = callers.acknowledged;

    const cache = await open(to);
    const newWriting = Promise.all(GROUPS.map((ids) => callers.write(cache, ids)));
    await expect.poll(() => callers.acknowledged, { timeout: 20_000 }).toBeGreaterThan(before + 300);
    callers.stop();
    await Promise.all([newWriting, reading]);
    // Flushers of the old number are refused by name, and change nothing.
    await expect.poll(() => flusher.flushQueue().then(({ stopped }) => stopped.length)).toBeGreaterThan(0);
    stop.abort();
    expect([...(await flushing)]).toEqual(expect.arrayContaining(['PARTITIONS_CHANGED']));

    expect(await cache.flushQueue()).toMatchObject({ remaining: 0, failed: 0, stopped: [] });
    expect(await callers.replay(cache)).toEqual([]);
    expect(await cache.queueLength()).toBe(0);
    expect(await callers.history.verdict(world)).toEqual(cleanVerdict(callers.acknowledged));
    expect(callers.stale).toEqual([]);
    for (const { flightId, version } of callers.versions.values()) {
      const [epoch = '', seq] = version.split('-');
      expect(await cache.writeState(flightId, { epoch, seq: Number(seq) })).toEqual({ state: 'STORED' });
    }
    const moved = Array.from({ length: FLIGHTS }, (_, index) => String(index + 1)).find(
      (id) => partitionOf(id, from) !== partitionOf(id, to),
    )!;
    expect(await reader.getFlight(moved)).toMatchObject({ source: 'CACHE_BYPASS' });
    await expect(world.open({ QUEUE_PARTITIONS: String(from) })).rejects.toMatchObject({
      code: 'CONFIGURATION',
    });
  });
});

describe('3 4 killed at any line of the command, and run again', () => {
  /** A process that dies at its n-th call, before it or after it, and does nothing any more. */
  function dying(ports: OpenedRepartition, at: number, when: 'before' | 'after') {
    let calls = 0;
    const died = new Error('killed');
    const guarded = <Port extends object>(port: Port): Port =>
      new Proxy(port, {
        get(target, name) {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== 'function' || name === 'alone') {
            return typeof method === 'function' ? (method as () => unknown).bind(target) : method;
          }
          return async (...args: unknown[]) => {
            const call = calls++;
            if (call > at || (call === at && when === 'before')) throw died;
            const result: unknown = await (method as (...args: unknown[]) => unknown).apply(target, args);
            if (call === at) throw died;
            return result;
          };
        },
      });
    const { drain } = guarded({ drain: ports.drain });
    const all = { ...ports, store: guarded(ports.store), buffer: guarded(ports.buffer), drain };
    return { ports: all, reached: () => calls > at };
  }

  it('finishes, and nothing is lost, doubled or forgotten', async () => {
    world = await makePlace(1);
    const callers = new Callers();
    const endings = new Set<string>();
    let [from, steps] = [1, 0];
    for (const when of ['before', 'after'] as const) {
      for (let at = 0, isReached = true; isReached; at++) {
        const to = from === 1 ? 2 : 1;
        const old = await open(from);
        const writing = Promise.all(GROUPS.map((ids) => callers.write(old, ids)));
        const enough = callers.acknowledged + 10;
        await expect.poll(() => callers.acknowledged, { interval: 2 }).toBeGreaterThan(enough);
        const victim = dying(await portsTo(to), at, when);
        const outcome = await change(to, {}, victim.ports as OpenedRepartition).catch(() => 'killed');
        isReached = victim.reached();
        if (isReached) endings.add((await change(to)).kind);
        else expect(outcome).toMatchObject({ kind: 'CHANGED', to });
        await writing;
        const cache = await open(to);
        expect((await cache.flushQueue()).stopped).toEqual([]);
        expect(await world.rows('SELECT * FROM afterwrite_partition_changes')).toEqual([]);
        from = to;
        steps++;
        await Promise.all([cache, old, ...opened.splice(0)].map((each) => each.close()));
      }
    }
    console.log(`${String(steps)} kills, ${String(callers.acknowledged)} updates`);
    expect(endings).toEqual(new Set(['CHANGED', 'FINISHED', 'UNCHANGED']));
    const cache = await open(from);
    expect(await callers.replay(cache)).toEqual([]);
    expect(await cache.queueLength()).toBe(0);
    expect(await callers.history.verdict(world)).toEqual(cleanVerdict(callers.acknowledged));
  });

  it('before its commit: writers go on by themselves when its time is over, or when it is given up', async () => {
    world = await makePlace(2);
    const cache = await open(2);
    const dead = async (limitMs: number) => {
      const ports = await portsTo(3);
      const begin = ports.store.begin.bind(ports.store);
      const store = replacing(ports.store, {
        begin: async (...args) => {
          await begin(...args);
          for (const partition of [0, 1, 2]) await ports.buffer.shut(partition);
          throw new Error('killed');
        },
      });
      await expect(change(3, { limitMs }, { ...ports, store })).rejects.toThrow('killed');
    };
    const update = async (index: number) => await cache.updateFlightDeparture(1, updateOf(index).update);
    await update(1);
    await dead(300);
    await expect(update(2)).rejects.toMatchObject({ code: 'PARTITIONS_CHANGING', retryable: true });
    await expect.poll(() => update(2).then(() => 'taken', codeOf), { timeout: 5000 }).toBe('taken');

    await dead(3_600_000);
    await expect(update(3)).rejects.toMatchObject({ code: 'PARTITIONS_CHANGING' });
    expect(await abortRepartition(await portsTo(3))).toBe(true);
    await expect.poll(() => update(3).then(() => 'taken', codeOf), { timeout: 5000 }).toBe('taken');
    expect(await abortRepartition(await portsTo(3))).toBe(false);
    expect(await change(3)).toMatchObject({ kind: 'CHANGED' });
    expect(await world.rows('SELECT comment FROM flight_log')).toHaveLength(3);
  });
});
