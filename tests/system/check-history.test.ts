/** The checker finds each kind of damage, made on purpose in the real tables, and says nothing where all is well. */
import type { FlightCache } from '@afterwrite/flights';
import { type Finding, type HistoryCounts, isClean } from '@afterwrite/flights/history';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanCounts, makeRecord, type TestRecord } from '../support/record.ts';
import { makeWorld, type World } from '../support/world.ts';

/** Updates of flight 1, then of flight 2, in turns. */
const UPDATES = 10;

let world: World;
let cache: FlightCache;
let record: TestRecord;

beforeEach(async () => {
  world = await makeWorld({ flights: 5 });
  cache = await world.open();
  record = makeRecord();
});
afterEach(async () => {
  record[Symbol.dispose]();
  await world.dispose();
});

function updateOf(index: number, comment: string | null = `u${String(index)}`) {
  const departure = new Date(Date.UTC(2030, 0, 1) + index * 1000);
  return { departure, arrival: new Date(departure.getTime() + 3_600_000), user: 'test', comment };
}

async function accept(from = 0, to = UPDATES): Promise<void> {
  for (let index = from; index < to; index++) {
    await record.recorder.update(cache, 1 + (index % 2), updateOf(index));
  }
}

async function stored(): Promise<void> {
  await accept();
  await cache.flushQueue();
}

/** What differs from a clean verdict on `acknowledged` updates, and the findings. */
async function differences(acknowledged = UPDATES) {
  const findings: Finding[] = [];
  const report = await record.check(world, (finding) => findings.push(finding));
  const clean = cleanCounts(acknowledged);
  const names = Object.keys(clean) as (keyof HistoryCounts)[];
  const counts = Object.fromEntries(
    names.filter((name) => report[name] !== clean[name]).map((name) => [name, report[name]]),
  );
  return { counts, findings, report };
}

async function run(statement: string): Promise<void> {
  await world.db.query(statement);
}

describe('3 and 4 a history without damage', () => {
  it('stored once', async () => {
    await stored();
    const { counts, findings, report } = await differences();
    expect({ counts, findings }).toEqual({ counts: {}, findings: [] });
    expect(isClean(report)).toBe(true);
    expect(report).toMatchObject({ lines: 2 * UPDATES, trailRows: UPDATES });
  });

  it('stored and in the queue', async () => {
    await stored();
    await accept(UPDATES, UPDATES + 2);
    const { counts, report } = await differences(UPDATES + 2);
    expect(counts).toEqual({ storedOnce: UPDATES, pending: 2 });
    expect(isClean(report)).toBe(true);
  });

  it('refused by the database: dead', async () => {
    await accept();
    await run('DELETE FROM flight WHERE flight_id = 2');
    await cache.flushQueue();
    const { counts, report } = await differences();
    expect(counts).toEqual({ storedOnce: UPDATES / 2, dead: UPDATES / 2 });
    expect(isClean(report)).toBe(true);
  });

  it('updates of equal content are counted', async () => {
    for (let index = 0; index < 3; index++) await record.recorder.update(cache, 1, updateOf(7, null));
    await record.recorder.update(cache, 1, updateOf(8, null));
    await record.recorder.update(cache, 1, updateOf(7, null));
    await cache.flushQueue();
    expect((await differences(5)).counts).toEqual({});
  });

  it('a call repeated with its key is one update, and what was refused is none', async () => {
    const keyed = { ...updateOf(0), idempotencyKey: 'k' };
    await record.recorder.update(cache, 1, keyed);
    await record.recorder.update(cache, 1, keyed);
    const refused = record.recorder.update(cache, 1, { ...updateOf(1), ifVersion: 'none' });
    await expect(refused).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    await cache.flushQueue();
    expect((await differences(1)).counts).toEqual({});
  });

  it('committed, and its ack lost: stored, not pending', async () => {
    await accept();
    const partition = Number(/\{.*\.(\d+)\}/.exec((await cache.getFlight(1)).cacheKey)?.[1]);
    const queue = `${world.tag(partition)}:queue`;
    const items = await world.valkey.lrangeBuffer(queue, 0, -1);
    await cache.flushQueue();
    await world.valkey.rpush(queue, ...items);
    expect((await differences()).counts).toEqual({});
  });

  it('what nobody recorded is counted apart', async () => {
    await stored();
    await cache.updateFlightDeparture(1, updateOf(99));
    await cache.updateFlightDeparture(3, updateOf(98));
    await cache.flushQueue();
    const { counts, report } = await differences();
    expect(counts).toEqual({ unrecorded: 2 });
    expect(isClean(report)).toBe(true);
  });

  it('an unknown outcome may be stored or not', async () => {
    const lines = [0, 1, 2].map((index) => {
      const { departure, arrival, ...rest } = updateOf(index);
      const changes = { departure: departure.toISOString(), arrival: arrival.toISOString() };
      return { id: '1', changes, ...rest };
    });
    record.recorder.write({ outcome: 'sent', ...lines[0]! });
    record.recorder.write({ outcome: 'sent', ...lines[1]! });
    record.recorder.write({ outcome: 'unknown', ...lines[1]! });
    record.recorder.write({ outcome: 'unknown', ...lines[2]! });
    await cache.updateFlightDeparture(1, updateOf(0));
    await cache.updateFlightDeparture(1, updateOf(1));
    await cache.flushQueue();
    expect((await differences(0)).counts).toEqual({ unknown: 3, unknownFound: 2 });
    await cache.updateFlightDeparture(1, updateOf(1));
    await cache.flushQueue();
    const { counts, report } = await differences(0);
    expect(counts).toEqual({ unknown: 3, unknownFound: 2, doubled: 1 });
    expect(isClean(report)).toBe(false);
  });
});

describe('3 and 4 damage', () => {
  const cases: readonly {
    readonly name: string;
    readonly statements: readonly string[];
    readonly counts: Partial<HistoryCounts>;
    readonly kinds: readonly string[];
  }[] = [
    {
      name: 'an audit row is gone: LOST, and the chain is broken after it',
      statements: ["DELETE FROM flight_log WHERE comment = 'u4'"],
      counts: { storedOnce: 9, lost: 1, brokenChains: 1 },
      kinds: ['LOST u4', 'BROKEN_CHAIN u6'],
    },
    {
      name: 'an audit row is there twice: DOUBLED',
      statements: ["INSERT INTO flight_log SELECT * FROM flight_log WHERE comment = 'u8'"],
      counts: { storedOnce: 9, doubled: 1, brokenChains: 1 },
      kinds: ['DOUBLED u8', 'BROKEN_CHAIN u8'],
    },
    {
      name: 'two audit rows change places: OUT OF ORDER',
      statements: [
        "CREATE TEMPORARY TABLE late SELECT * FROM flight_log WHERE comment = 'u6'",
        "DELETE FROM flight_log WHERE comment = 'u6'",
        'INSERT INTO flight_log SELECT * FROM late',
      ],
      counts: { storedOnce: 9, outOfOrder: 1, brokenChains: 2, wrongRows: 1 },
      kinds: ['OUT_OF_ORDER u6', 'BROKEN_CHAIN u8', 'BROKEN_CHAIN u6', 'WRONG_ROW'],
    },
    {
      name: 'an audit row says something else: LOST, and a row that nobody recorded',
      statements: ["UPDATE flight_log SET user = 'other' WHERE comment = 'u4'"],
      counts: { storedOnce: 9, lost: 1, unrecorded: 1 },
      kinds: ['LOST u4'],
    },
    {
      name: 'old values are not those of the row before: BROKEN CHAIN',
      statements: ["UPDATE flight_log SET arrival_old = '2020-01-01' WHERE comment = 'u4'"],
      counts: { brokenChains: 1 },
      kinds: ['BROKEN_CHAIN u4'],
    },
    {
      name: 'the flight is not as its last update left it: WRONG ROW',
      statements: ["UPDATE flight SET departure = '2020-01-01' WHERE flight_id = 1"],
      counts: { wrongRows: 1 },
      kinds: ['WRONG_ROW'],
    },
    {
      name: 'the flight is gone: WRONG ROW',
      statements: ['DELETE FROM flight WHERE flight_id = 2'],
      counts: { wrongRows: 1 },
      kinds: ['WRONG_ROW'],
    },
  ];

  it.each(cases)('$name', async ({ statements, counts, kinds }) => {
    await stored();
    for (const statement of statements) await run(statement);
    const found = await differences();
    expect(found.counts).toEqual(counts);
    const named = found.findings.map(({ kind, detail }) =>
      `${kind} ${/"(u\d+)"/.exec(detail)?.[1] ?? ''}`.trim(),
    );
    expect(named.sort()).toEqual([...kinds].sort());
    expect(isClean(found.report)).toBe(false);
  });

  it('the queue is gone: LOST', async () => {
    await accept();
    await world.valkey.unlink(await world.valkey.keys(`{${world.settings.CACHE_NAMESPACE}.*:queue`));
    const { counts, findings } = await differences();
    expect(counts).toEqual({ storedOnce: 0, lost: UPDATES });
    expect(findings[0]).toMatchObject({
      kind: 'LOST',
      version: expect.stringMatching(/^\w+-\d+$/) as string,
    });
  });

  it('queued twice, or queued and stored: DOUBLED', async () => {
    await accept();
    const partition = Number(/\{.*\.(\d+)\}/.exec((await cache.getFlight(1)).cacheKey)?.[1]);
    const queue = `${world.tag(partition)}:queue`;
    const [item] = await world.valkey.lrangeBuffer(queue, 0, 0);
    await world.valkey.rpush(queue, item!);
    expect((await differences()).counts).toEqual({ storedOnce: 0, pending: UPDATES - 1, doubled: 1 });
    await cache.flushQueue();
    await world.valkey.rpush(queue, item!);
    await run('UPDATE afterwrite_watermarks SET seq = 0');
    expect((await differences()).counts).toEqual({ storedOnce: UPDATES - 1, doubled: 1 });
  });

  it('refused, and stored all the same', async () => {
    const { departure, arrival, ...rest } = updateOf(0);
    const changes = { departure: departure.toISOString(), arrival: arrival.toISOString() };
    record.recorder.write({ outcome: 'sent', id: '1', changes, ...rest });
    record.recorder.write({ outcome: 'refused', id: '1', changes, ...rest });
    await cache.updateFlightDeparture(1, updateOf(0));
    await cache.flushQueue();
    const { counts, report } = await differences(0);
    expect(counts).toEqual({ refusedButStored: 1 });
    expect(isClean(report)).toBe(false);
  });

  it('where something else writes the flights, only chains and rows may differ', async () => {
    await stored();
    await run("UPDATE flight SET departure = '2020-01-01' WHERE flight_id = 1");
    const { report } = await differences();
    expect([isClean(report), isClean(report, { hasOtherWriters: true })]).toEqual([false, true]);
  });
});
