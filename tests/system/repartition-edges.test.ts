/** What the change of the number of partitions must not forget: dead letters, sleepers, lost memory, a second command. */
import { type FlightCache, flightEntity } from '@afterwrite/flights';
import {
  type CachePorts,
  openPorts,
  type OpenedRepartition,
  openRepartition,
  parseSettings,
  repartition,
  type RepartitionOptions,
} from '@afterwrite/write-behind';
import { commitBatch, decodeItem } from '@afterwrite/write-behind/internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const FLIGHTS = 20;
const FROM = 2;
const TO = 5;

let world: World;
/** Of the old number, as another process has it. */
let old: FlightCache;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  world = await makeWorld({ flights: FLIGHTS, environment: { QUEUE_PARTITIONS: String(FROM) } });
  old = await open(FROM);
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await world.dispose();
});

const open = async (partitions: number) => await world.open({ QUEUE_PARTITIONS: String(partitions) });

async function portsTo(to: number): Promise<OpenedRepartition> {
  const settings = parseSettings({ ...world.environment, ...world.privileged });
  const ports = await openRepartition(flightEntity, settings, to, { logger: silentLogger });
  closing.push(() => ports.close());
  return ports;
}

async function change(to: number, options: Partial<RepartitionOptions> = {}) {
  return await repartition(await portsTo(to), { to, limitMs: 30_000, maxAnswers: 1000, ...options });
}

/** The ports of a process of the old number, for what it does one step at a time. */
async function oldPorts(): Promise<CachePorts> {
  const settings = parseSettings({ ...world.environment, QUEUE_PARTITIONS: String(FROM) });
  const ports = await openPorts(flightEntity, settings, { logger: silentLogger });
  closing.push(() => Promise.all([ports.buffer.close(), ports.store.close()]));
  return ports;
}

async function update(cache: FlightCache, id: number, comment: string, idempotencyKey?: string) {
  const hour = String(10 + (comment.length % 10));
  const times = { departure: `2030-01-01T${hour}:00:00Z`, arrival: '2030-01-01T23:00:00Z' };
  return await cache.updateFlightDeparture(id, { ...times, user: 'test', comment, idempotencyKey });
}

const logged = async () =>
  (await world.rows<{ comment: string }>('SELECT comment FROM flight_log')).map(({ comment }) => comment);
const REFUSED = { code: 'PARTITIONS_CHANGED', retryable: false };
const forget = async (partitions: number) => {
  for (let partition = 0; partition < partitions; partition++) {
    for (const name of ['queue', 'seq', 'pending', '7']) {
      await world.valkey.unlink(`${world.tag(partition)}:${name}`);
    }
  }
};

describe('3 dead letters across a change', () => {
  /** Without their rows they are parked. */
  async function park(ids: readonly number[]): Promise<() => Promise<unknown>> {
    const rows = await world.rows<Record<string, unknown>>('SELECT * FROM flight WHERE flight_id IN (?)', [
      ids,
    ]);
    for (const id of ids) await update(old, id, `parked ${String(id)}`);
    await world.rows('DELETE FROM flight WHERE flight_id IN (?)', [ids]);
    expect(await old.flushQueue()).toMatchObject({ failed: ids.length });
    return async () => {
      for (const row of rows) await world.rows('INSERT INTO flight SET ?', [row]);
    };
  }

  it('are found where the updates of their entities go now, superseded by these, and redriven', async () => {
    const ids = Array.from({ length: FLIGHTS }, (_, index) => index + 1);
    const mend = await park(ids);
    await world.valkey.rpush(`${world.tag(1)}:queue`, 'garbage');
    await old.flushQueue();
    await change(TO);
    await mend();
    const cache = await open(TO);
    const letters = await cache.deadLetters();
    const [unreadable] = letters.filter(({ id }) => id === null);
    expect(unreadable).toMatchObject({ partition: 1, reason: 'UNREADABLE' });
    const ports = await portsTo(TO);
    for (const { id, partition } of letters) {
      if (id !== null) expect(partition).toBe(ports.cache.buffer.partitionOf(id));
    }
    const status = await cache.queueStatus();
    const counted = Map.groupBy(letters, ({ partition }) => partition);
    expect(status.partitions.map(({ deadLetters }) => deadLetters)).toEqual(
      Array.from({ length: TO }, (_, partition) => counted.get(partition)?.length ?? 0),
    );

    await update(cache, 3, 'newer');
    await cache.flushQueue();
    const outcomes = await cache.redrive();
    const kinds = new Map(
      letters.map(({ id, letterId }) => [id, outcomes.find((each) => each.letterId === letterId)!.kind]),
    );
    expect(kinds.get('3')).toBe('SUPERSEDED');
    expect(kinds.get(null)).toBe('UNREADABLE');
    expect([...kinds.values()].filter((kind) => kind === 'REDRIVEN')).toHaveLength(FLIGHTS - 1);
    expect((await cache.queueStatus()).deadLetters).toBe(2);
    expect((await logged()).toSorted()).toEqual(
      [...ids.filter((id) => id !== 3).map((id) => `parked ${String(id)}`), 'newer'].toSorted(),
    );
  });

  it('fewer partitions: one without an entity moves, one that is there twice stays, and receipts are answered', async () => {
    const mend = await park([7]);
    await change(TO);
    const cache = await open(TO);
    for (const partition of [0, TO - 1]) {
      await world.valkey.rpush(`${world.tag(partition)}:queue`, 'the same garbage');
    }
    await world.valkey.rpush(`${world.tag(TO - 1)}:queue`, 'other garbage');
    await cache.flushQueue();
    const [letter] = await cache.deadLetters();
    const position = { epoch: letter!.epoch!, seq: letter!.seq! };
    expect(await cache.writeState(7, position)).toMatchObject({ state: 'DEAD' });
    await change(FROM);
    const again = await open(FROM);
    expect(await again.writeState(7, position)).toMatchObject({ state: 'DEAD' });
    expect(await again.deadLetters()).toHaveLength(4);
    await mend();
    const outcomes = await again.redrive();
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual([
      'REDRIVEN',
      'UNREADABLE',
      'UNREADABLE',
      'UNREADABLE',
    ]);
    expect(await logged()).toEqual(['parked 7']);
  });

  it('a redrive of the old number is refused before it changes anything', async () => {
    const mend = await park([7]);
    await change(TO);
    await mend();
    await expect(old.redrive()).rejects.toMatchObject(REFUSED);
    expect(await logged()).toEqual([]);
    expect((await (await open(TO)).redrive()).map(({ kind }) => kind)).toEqual(['REDRIVEN']);
  });
});

describe('2 3 4 whoever slept through a change', () => {
  /** A flusher of the old number has read a batch. */
  async function sleeper() {
    const { buffer, store } = await oldPorts();
    const partition = buffer.partitionOf('7');
    const seenEpoch = await store.readEpoch(partition);
    const { items } = await buffer.peek(partition, { rows: 10, bytes: 1_000_000 });
    const batch = { partition, items: items.map(decodeItem), seenEpoch, deadLetterLimit: 10 };
    return async () => await commitBatch(store, batch);
  }

  it('a flusher with an old batch stores nothing of it', async () => {
    await update(old, 7, 'first');
    const wakeUp = await sleeper();
    await change(TO);
    await expect(wakeUp()).rejects.toMatchObject(REFUSED);
    // There and back again: it counts as the store does, and finds it dealt with.
    await change(FROM);
    expect(await wakeUp()).toMatchObject({ stored: [], skipped: 1 });
    expect(await logged()).toEqual(['first']);
  });

  it.each([
    ['in an epoch that the database knows', true],
    ['in the first of all', false],
  ])('nor where only it still knows the batch, %s', async (_what, isKnown) => {
    if (isKnown) {
      await update(old, 7, 'before');
      await old.flushQueue();
    }
    await update(old, 7, 'lost with the memory');
    const wakeUp = await sleeper();
    await forget(FROM);
    await change(TO);
    const cache = await open(TO);
    await update(cache, 7, 'newer');
    await cache.flushQueue();
    await change(FROM);
    const outcome = await wakeUp();
    // Parked by name, or to be read again: never stored after the newer one.
    expect(outcome.kind === 'COMMITTED' ? outcome.stored : []).toEqual([]);
    expect(await logged()).toEqual([...(isKnown ? ['before'] : []), 'newer']);
  });

  it('a loader that read a row before it caches it nowhere', async () => {
    const { buffer, store } = await oldPorts();
    const token = 'asleep';
    expect(await buffer.lease('7', token)).toEqual({ kind: 'LEASED' });
    const { value } = await store.load('7');
    await change(TO);
    const cache = await open(TO);
    await update(cache, 7, 'newer');
    await cache.flushQueue();
    expect(await buffer.fill('7', token, value)).toEqual({ kind: 'REFUSED' });
    await change(FROM);
    expect((await (await open(FROM)).getFlight(7)).source).toBe('CACHE_MISS');
  });

  it('a process of the old number is refused also after Valkey has lost everything', async () => {
    await change(TO);
    await forget(TO);
    await expect(update(old, 7, 'astray')).rejects.toMatchObject(REFUSED);
    expect(await old.getFlight(7)).toMatchObject({ source: 'CACHE_BYPASS' });
    const cache = await open(TO);
    await update(cache, 7, 'found');
    await expect(update(old, 7, 'astray')).rejects.toMatchObject(REFUSED);
    expect(await cache.flushQueue()).toMatchObject({ processed: 1, remaining: 0 });
    expect(await logged()).toEqual(['found']);
  });
});

describe('3 6 what was cached is not found again', () => {
  it('there and back: values and answers are those of the last time', async () => {
    await update(old, 7, 'first', 'key');
    await old.flushQueue();
    expect(await old.getFlight(7)).toMatchObject({ source: 'CACHE_HIT' });
    await change(TO);
    const cache = await open(TO);
    await update(cache, 7, 'second one', 'other');
    await cache.flushQueue();
    const { value } = await cache.getFlight(7);
    await change(FROM);
    const again = await open(FROM);
    expect(await again.getFlight(7)).toMatchObject({
      value: { departure: value.departure },
      source: 'CACHE_MISS',
    });
    expect(await update(again, 7, 'first', 'key')).toMatchObject({ replayed: true });
    expect(await update(again, 7, 'second one', 'other')).toMatchObject({ replayed: true });
    expect(await logged()).toEqual(['first', 'second one']);
    const keys = await Promise.all(
      [2, 3, 4].map((partition) => world.valkey.keys(`${world.tag(partition)}:*`)),
    );
    expect(keys.flat().every((key) => key.endsWith(':seq'))).toBe(true);
  });
});

describe('refused, and everything goes on as before', () => {
  const expectAsBefore = async () => {
    await expect.poll(() => update(old, 7, 'later').then(() => 'taken', String)).toBe('taken');
    expect(await world.rows('SELECT * FROM afterwrite_partition_changes')).toEqual([]);
    await old.flushQueue();
  };

  it('while a partition is stopped', async () => {
    await world.rows('RENAME TABLE flight_log TO elsewhere');
    await update(old, 7, 'waits');
    await expect(change(TO)).rejects.toMatchObject({ code: 'NOT_REPARTITIONED', message: /flight_log/ });
    await world.rows('RENAME TABLE elsewhere TO flight_log');
    await expectAsBefore();
    expect(await logged()).toEqual(['waits', 'later']);
  });

  it('where one partition would hold too many answers', async () => {
    for (const id of [1, 2, 3, 4, 5]) await update(old, id, 'x', 'key');
    await expect(change(1, { maxAnswers: 4 })).rejects.toThrow(/5 answers.*IDEMPOTENCY_MAX_ANSWERS \(4\)/);
    await expectAsBefore();
    expect(await world.valkey.keys(`${world.tag(0)}:once:next:*`)).toEqual([]);
  });

  it('when it takes too long', async () => {
    await expect(change(TO, { limitMs: 1 })).rejects.toThrow(/longer than 1 ms|time was over|in time/);
    await expectAsBefore();
  });

  it('where it is that number already; and of two commands at once one does it', async () => {
    expect(await change(FROM)).toEqual({ kind: 'UNCHANGED', partitions: FROM });
    const ports = await Promise.all([portsTo(TO), portsTo(TO)]);
    const both = await Promise.allSettled(
      ports.map((each) => repartition(each, { to: TO, limitMs: 30_000, maxAnswers: 10 })),
    );
    const done = both.filter((each) => each.status === 'fulfilled' && each.value.kind === 'CHANGED');
    expect(done).toHaveLength(1);
    expect(await world.rows('SELECT DISTINCT partitions FROM afterwrite_watermarks')).toEqual([
      { partitions: TO },
    ]);
  });
});
