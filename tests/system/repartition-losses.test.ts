/** A change of the number of partitions hides no loss and leaves nothing behind that is older than what it keeps. */
import { crc32 } from 'node:zlib';
import { flightEntity } from '@afterwrite/flights';
import {
  openRepartition,
  type OpenedRepartition,
  parseSettings,
  repartition,
  type RepartitionOptions,
} from '@afterwrite/write-behind';
import { afterEach, describe, expect, it } from 'vitest';
import { replacing } from '../support/decorate.ts';
import { makeWorld, silentLogger, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z', user: 'test' };

let world: World;
const opened: OpenedRepartition[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((ports) => ports.close()));
  await world.dispose();
});

async function portsTo(to: number): Promise<OpenedRepartition> {
  const settings = parseSettings({ ...world.environment, ...world.privileged });
  const ports = await openRepartition(flightEntity, settings, to, { logger: silentLogger });
  opened.push(ports);
  return ports;
}

async function change(to: number, options: Partial<RepartitionOptions> = {}) {
  return await repartition(await portsTo(to), { to, limitMs: 30_000, maxAnswers: 100_000, ...options });
}

const open = async (partitions: number) => await world.open({ QUEUE_PARTITIONS: String(partitions) });

async function start(partitions: number, flights = 40) {
  world = await makeWorld({ flights, environment: { QUEUE_PARTITIONS: String(partitions) } });
  return await open(partitions);
}

async function empty(): Promise<void> {
  const keys = await (world.valkey as unknown as { keys(pattern: string): Promise<string[]> }).keys(
    `{${world.environment.CACHE_NAMESPACE ?? ''}.*`,
  );
  for (const key of keys) await world.valkey.unlink(key);
}

const named = async () =>
  await world.rows<{ kind: string; afterSeq: number }>(
    'SELECT kind, after_seq AS afterSeq FROM afterwrite_losses ORDER BY loss_id',
  );

describe('3 what Valkey lost', () => {
  it.each(['before it', 'while it is at work', 'by a failover'])('%s is named', async (when) => {
    const cache = await start(1);
    const stored = await cache.updateFlightDeparture(1, TIMES);
    await cache.flushQueue();
    expect(await cache.noticeLosses()).toEqual([]);
    await cache.updateFlightDeparture(2, TIMES);
    if (when === 'before it') await empty();
    if (when === 'by a failover') {
      await world.valkey.hset(`${world.tag(0)}:seq`, 'r', '0'.repeat(40));
      await world.valkey.unlink(`${world.tag(0)}:queue`, `${world.tag(0)}:pending`, `${world.tag(0)}:2`);
    }
    const ports = await portsTo(2);
    let isEmptied = when !== 'while it is at work';
    const seal: typeof ports.buffer.seal = async (...args) => {
      if (!isEmptied) await empty();
      isEmptied = true;
      return await ports.buffer.seal(...args);
    };
    const sealing = { ...ports, buffer: replacing(ports.buffer, { seal }) };
    const result = await repartition(sealing, { to: 2, limitMs: 30_000, maxAnswers: 100_000 });
    expect(result).toMatchObject({ kind: 'CHANGED' });
    const again = await open(2);
    await again.noticeLosses();
    const losses = await named();
    expect(losses).toHaveLength(1);
    expect(losses[0]?.kind).toBe('BUFFER');
    expect(losses[0]?.afterSeq).toBeGreaterThanOrEqual(stored.seq);
  });

  it('after it is named from what is known of before, and nothing where there never was anything', async () => {
    const cache = await start(1);
    const stored = await cache.updateFlightDeparture(1, TIMES);
    await cache.flushQueue();
    await change(2);
    const fresh = await open(2);
    expect(await fresh.noticeLosses()).toEqual([]);
    await empty();
    expect(await fresh.noticeLosses()).toMatchObject([{ partition: 0, lastKnown: { seq: stored.seq } }]);
  });
});

it('3 what MySQL lost before it is named', async () => {
  const cache = await start(1);
  await cache.updateFlightDeparture(1, TIMES);
  await cache.flushQueue();
  const [mark] = await world.rows<{ seq: number }>('SELECT seq FROM afterwrite_watermarks');
  await cache.updateFlightDeparture(2, TIMES);
  await cache.flushQueue();
  await world.db.query('UPDATE afterwrite_watermarks SET seq = ?', [mark!.seq]);
  await world.db.query('DELETE FROM flight_log WHERE flight_id = 2');
  await change(2);
  expect(await named()).toEqual([{ kind: 'STORE', afterSeq: mark!.seq }]);
});

it('4 a process of the old number says of a parked update what is true', async () => {
  const old = await start(4);
  const ids = Array.from({ length: 40 }, (_, index) => String(index + 1));
  const moved = ids.find((id) => crc32(id) % 4 !== crc32(id) % 7)!;
  const { version } = await old.updateFlightDeparture(moved, TIMES);
  const [epoch = '', seq] = version.split('-');
  const position = { epoch, seq: Number(seq) };
  await world.db.query('DELETE FROM flight WHERE flight_id = ?', [moved]);
  expect(await old.flushQueue()).toMatchObject({ failed: 1 });
  await change(7);
  const fresh = await open(7);
  expect(await fresh.writeState(moved, position)).toMatchObject({ state: 'DEAD' });
  expect(await old.writeState(moved, position)).toMatchObject({ state: 'DEAD' });
});

it('6 a loader whose lease is of before caches nothing while the partitions are shut', async () => {
  const LEASES = 1000;
  await start(4, 1);
  const { buffer } = (await portsTo(7)).cache;
  const ids = Array.from({ length: LEASES }, (_, index) => String(index + 1));
  await Promise.all(ids.map((id) => buffer.lease(id, `t${id}`)));
  let filled: Promise<unknown> | undefined;
  const onStep = (step: string) => {
    if (!step.startsWith('emptying')) return;
    filled = Promise.all(ids.map((id) => buffer.fill(id, `t${id}`, { departure: 'old' })));
  };
  await change(7, { onStep });
  for (const reply of (await filled) as { kind: string }[]) expect(reply.kind).toBe('REFUSED');
});
