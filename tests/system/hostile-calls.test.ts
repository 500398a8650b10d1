/**
 * Hostile arguments to the public class, as JSON or an untyped caller can bring them: each is refused by a ValidationError
 * before anything is written, whatever a type would have forbidden. Over HTTP: `hostile.test.ts`.
 */
import type { FlightCache } from '@afterwrite/flights';
import { NotFoundError, parseSettings, ValidationError } from '@afterwrite/write-behind';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEXTS } from '../support/hostile-values.ts';
import { openNotes, type Notes } from '../support/notes.ts';
import { readWritten, type Written } from '../support/untouched.ts';
import { makeWorld, type World } from '../support/world.ts';

const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };
const GOOD = { user: 'ann' };

let world: World;
let cache: FlightCache;
let notes: Notes;

beforeAll(async () => {
  world = await makeWorld({ flights: 10, environment: { QUEUE_PARTITIONS: '2' } });
  cache = await world.open();
  notes = await openNotes(['n1']);
  await cache.updateFlightDeparture(1, { ...TIMES, user: 'ann', idempotencyKey: 'known' });
  await notes.cache.update('n1', { body: 'known' }, GOOD);
});
afterAll(async () => {
  await notes.dispose();
  await world.dispose();
});

const written = async (): Promise<readonly Written[]> => [
  await readWritten(world.valkey as Redis, world.db, world.settings.CACHE_NAMESPACE),
  await readWritten(notes.valkey, notes.db, notes.name),
];

/** Not a promise of a value: a call that must be refused. */
async function expectRefused(calls: readonly (readonly [what: string, call: () => Promise<unknown>])[]) {
  const before = await written();
  const accepted: string[] = [];
  for (const [what, call] of calls) {
    const error = await call().catch((caught: unknown) => caught);
    if (!(error instanceof ValidationError)) accepted.push(`${what}: ${String(error)}`);
  }
  expect(accepted).toEqual([]);
  expect(await written()).toEqual(before);
}

/** As any caller without types would. */
const untyped = (value: unknown) => value as never;
const parsed = (text: string): unknown => JSON.parse(text);
const named = (value: unknown): string => {
  try {
    const text: unknown = JSON.stringify(value);
    return typeof text === 'string' ? text : typeof value;
  } catch {
    return typeof value;
  }
};

const NO_TEXTS = [
  5,
  true,
  null,
  [],
  ['a'],
  ['', '', 'a'],
  {},
  { toString: () => 'a' },
  parsed('{"__proto__":1}'),
];

describe('1 refused before anything is written', () => {
  it('an id that is none', async () => {
    const odd = [
      undefined,
      null,
      [],
      ['1'],
      {},
      { toString: () => '1' },
      NaN,
      Infinity,
      -0,
      1e308,
      2 ** 53 + 1,
      1n,
    ];
    const texts = [...TEXTS, '1\n', '1 ', '1e0', '{1}', '1}{', '9007199254740993', '1'.repeat(10_000)];
    const flights = [...odd, ...texts].map((id) => [named(id), () => cache.get(id)] as const);
    // An entity whose ids may be any text of the allowed characters: these have others.
    const allowed = /^[\w.:~%-]{1,128}$/;
    const own = [
      'queue',
      'seq',
      'pending',
      'once',
      'once:order',
      'lease',
      'stopped',
      'nudge',
      'store',
      'fill:n1',
    ];
    const bad = [...odd, ...texts.filter((text) => !allowed.test(text))];
    const audits = bad.map(
      (id) => [`audit ${named(id)}`, () => notes.cache.audit(id, { limit: 1 })] as const,
    );
    const ofNotes = [...bad, ...own].flatMap((id) => [
      [`get ${named(id)}`, () => notes.cache.get(id)] as const,
      [`update ${named(id)}`, () => notes.cache.update(id, { body: 'x' }, GOOD)] as const,
      [`verify ${named(id)}`, () => notes.cache.verifyConsistency(id)] as const,
      [`state ${named(id)}`, () => notes.cache.writeState(id, { epoch: 'e', seq: 1 })] as const,
    ]);
    await expectRefused([...flights, ...ofNotes, ...audits]);
  });

  it('changes that are none, or hold what JSON cannot carry unchanged', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const bad: unknown[] = [
      ...[undefined, null, 5, 'text', [], ['body'], new Map([['body', 'x']]), () => undefined, circular],
      ...[
        NaN,
        Infinity,
        -Infinity,
        undefined,
        5n,
        Symbol('x'),
        [],
        {},
        ['x'],
        new Date(),
        '\ud800',
        'x\udfff',
      ].map((value) => ({ body: value })),
      { '~v': 'forged' },
      { '~': 1 },
      { '\ud800': 1 },
      parsed('{"__proto__":{"body":"x"}}'),
      parsed('{"constructor":{"prototype":1}}'),
      parsed('{"body":1e999}'),
      Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`f${String(at)}`, 1])),
      { toJSON: () => ({ body: 'other' }) },
    ];
    await expectRefused([
      ...bad.map(
        (changes, at) => [`changes ${String(at)}`, () => notes.cache.update('n1', changes, GOOD)] as const,
      ),
      ...[...bad, { ...TIMES, flight_id: 5 }, parsed(`{"__proto__":${JSON.stringify(TIMES)}}`)].map(
        (changes, at) => [`flight ${String(at)}`, () => cache.update(1, changes, GOOD)] as const,
      ),
    ]);
  });

  it('user and comment that no column holds', async () => {
    const long = ['x'.repeat(101), '😀'.repeat(101)];
    await expectRefused([
      ...[...NO_TEXTS, undefined, '', ' ', '\ud800', ...long].map(
        (user) => [`user ${named(user)}`, () => cache.update(1, TIMES, { user: untyped(user) })] as const,
      ),
      ...[...NO_TEXTS.filter((value) => value !== null), '\udfff', 'x'.repeat(201), '😀'.repeat(201)].map(
        (comment) =>
          [
            `comment ${named(comment)}`,
            () => cache.update(1, TIMES, { ...GOOD, comment: untyped(comment) }),
          ] as const,
      ),
    ]);
  });

  it('versions, idempotency keys and levels that are no texts: a list would become several arguments of the script', async () => {
    const update = (options: object) => () => cache.update(1, TIMES, { ...GOOD, ...options });
    const keys = TEXTS.filter((text) => !/^[\x20-\x7e]{1,255}$/.test(text));
    await expectRefused([
      ...[...NO_TEXTS, ''].map(
        (ifVersion) => [`version ${named(ifVersion)}`, update({ ifVersion })] as const,
      ),
      ...[...NO_TEXTS, ...keys, 'x'.repeat(256)].map(
        (idempotencyKey) => [`key ${named(idempotencyKey)}`, update({ idempotencyKey })] as const,
      ),
      ...[...NO_TEXTS, 'AOF', '__proto__'].map(
        (durability) => [`durability ${named(durability)}`, update({ durability })] as const,
      ),
    ]);
  });

  it('positions, pages, letters and batches that are none: an object would become SQL', async () => {
    const numbers = [NaN, Infinity, -1, 1.5, 2 ** 53, '1', '1; DROP TABLE flight', null, [], [1], { seq: 1 }];
    const epochs = [
      ...NO_TEXTS,
      ...TEXTS.filter((text) => !/^[0-9A-Za-z]{1,32}$/.test(text)),
      'x'.repeat(33),
    ];
    await expectRefused([
      ...epochs.map(
        (epoch) =>
          [`epoch ${named(epoch)}`, () => cache.writeState(1, { epoch: untyped(epoch), seq: 1 })] as const,
      ),
      ...numbers.map(
        (seq) => [`seq ${named(seq)}`, () => cache.writeState(1, { epoch: 'e', seq: untyped(seq) })] as const,
      ),
      ...[...numbers, 0].map(
        (limit) => [`limit ${named(limit)}`, () => cache.audit(1, { limit: untyped(limit) })] as const,
      ),
      ...[
        ...NO_TEXTS,
        ...TEXTS,
        '2030-02-30T00:00:00Z',
        '2030-01-01',
        '2030-01-01T00:00:00Z; DROP TABLE flight',
      ].map(
        (before) =>
          [`before ${named(before)}`, () => cache.audit(1, { limit: 1, before: untyped(before) })] as const,
      ),
      ...[...numbers, 0].map(
        (limit) => [`letters ${named(limit)}`, () => cache.deadLetters({ limit: untyped(limit) })] as const,
      ),
      ...numbers.map(
        (after) =>
          [`after ${named(after)}`, () => cache.deadLetters({ afterLetterId: untyped(after) })] as const,
      ),
      ...[...numbers, 0].map(
        (size) => [`batch ${named(size)}`, () => cache.processQueue({ batchSize: untyped(size) })] as const,
      ),
      ...['soon', 5, {}, [], new Date(NaN)].map(
        (deadline) =>
          [`deadline ${named(deadline)}`, () => cache.flushQueue({ deadline: untyped(deadline) })] as const,
      ),
    ]);
  });

  it('letters that are none are gone, and nothing else is redriven', async () => {
    const before = await written();
    const letterIds = [NaN, -1, 1.5, '1', '1 OR 1=1', null, { letterId: 1 }, [1], 2 ** 53];
    const outcomes = await cache.redrive({ letterIds: untyped(letterIds) });
    expect(outcomes).toEqual(letterIds.map((letterId) => ({ letterId, kind: 'GONE' })));
    expect(await written()).toEqual(before);
  });

  it('versions of the right type that are no versions of ours never hold', async () => {
    for (const ifVersion of TEXTS.filter((text) => text !== '')) {
      const error = await cache.update(1, TIMES, { ...GOOD, ifVersion }).catch((caught: unknown) => caught);
      expect(error, ifVersion).toMatchObject({ code: 'VERSION_CONFLICT' });
    }
  });
});

it('a namespace that is more than a name opens nothing', () => {
  for (const text of TEXTS.filter((each) => !/^[a-z0-9_-]{0,32}$/.test(each))) {
    expect(() => parseSettings({ CACHE_NAMESPACE: text }), text).toThrow('CACHE_NAMESPACE');
  }
});

it('ids that are whole only to the engine are rows that do not exist', async () => {
  for (const id of ['__proto__', 'constructor', 'toString', '~v', '%s', '..', '1e308', 'NaN', 'null']) {
    await expect(notes.cache.get(id), id).rejects.toBeInstanceOf(NotFoundError);
    await expect(notes.cache.update(id, { body: 'x' }, GOOD), id).rejects.toBeInstanceOf(NotFoundError);
  }
});
