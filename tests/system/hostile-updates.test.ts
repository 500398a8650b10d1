/**
 * Hostile values that are allowed: stored as they are, character by character, and found again in the cache, the row, the
 * audit trail or the dead letters. Nothing else changes: no other key, table, or statement than calm values cause.
 */
import { type FieldValues, ValidationError } from '@afterwrite/write-behind';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEXTS } from '../support/hostile-values.ts';
import { FIELDS, MAX_TEXT, type Notes, openNotes } from '../support/notes.ts';
import { endStatementLog, shapeOf, startStatementLog } from '../support/statements.ts';
import { checksums } from '../support/untouched.ts';

const SEED = Number(process.env.AFTERWRITE_SEED ?? 5);
const ROUNDS = 60;
const IDS = [
  '1',
  '__proto__',
  'constructor',
  '~v',
  '~d',
  '%d',
  '%',
  '..',
  'a:b',
  '-0',
  '1e308',
  'NaN',
  'Queue',
  'q'.repeat(128),
];
const NUMBERS = [
  -0,
  1e308,
  -1e308,
  5e-324,
  2 ** 53 + 2,
  0.1 + 0.2,
  Number.MIN_VALUE,
  Number.MAX_SAFE_INTEGER,
];

let notes: Notes;
beforeAll(async () => {
  notes = await openNotes(IDS);
});
afterAll(() => notes.dispose());

interface Sent {
  readonly id: string;
  readonly changes: FieldValues;
  readonly user: string;
  readonly comment: string | null;
}

const hostileText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: MAX_TEXT + 5 }) },
  // Halves of pairs, also in the middle.
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 9 })
      .map((units) => String.fromCharCode(...units)),
  },
);
const value = fc.oneof(hostileText, fc.constant(null));
const amount = fc.oneof(fc.constantFrom(...NUMBERS), fc.double());
const changes = fc
  .tuple(fc.subarray([...FIELDS]), fc.array(value, { minLength: 4, maxLength: 4 }), amount)
  .map(([fields, values, number]) => {
    // As JSON.parse gives it: `__proto__` is a field like any other.
    const pairs = fields.map(
      (name, at) => [name, name === 'amount' ? number : (values[at] ?? null)] as const,
    );
    return Object.fromEntries(pairs);
  });
const sent: fc.Arbitrary<Sent> = fc.record({
  id: fc.constantFrom(...IDS),
  changes,
  user: hostileText,
  comment: value,
});

/** What the engine promises to refuse; told by other means than its own. */
function isRefused({ changes: fields, user, comment }: Sent): boolean {
  const texts = [...Object.values(fields), user, comment].filter((each) => typeof each === 'string');
  const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
  const numbers = Object.values(fields).filter((each) => typeof each === 'number');
  return (
    texts.some((text) => lone.test(text)) ||
    numbers.some((number) => Math.abs(number) === Infinity || number !== number) ||
    user.trim() === '' ||
    Array.from(user).length > 100 ||
    Array.from(comment ?? '').length > 200
  );
}

const fits = ({ changes: fields }: Sent) =>
  Object.values(fields).every((each) => typeof each !== 'string' || Array.from(each).length <= MAX_TEXT);
const sorted = (list: readonly unknown[]) => list.map((each) => JSON.stringify(each)).sort();

/** Sends all, flushes, and compares every place with what was accepted. */
async function expectKept(list: readonly Sent[]): Promise<void> {
  await notes.rows('DELETE FROM note_log');
  await notes.rows('DELETE FROM afterwrite_dead_letters');
  await notes.rows('UPDATE afterwrite_watermarks SET dead_letters = 0');
  const accepted: Sent[] = [];
  for (const update of list) {
    const { id, changes: fields, ...who } = update;
    const outcome = await notes.cache.update(id, fields, who).catch((error: unknown) => error);
    if (isRefused(update)) {
      expect(outcome, JSON.stringify(update)).toBeInstanceOf(ValidationError);
      continue;
    }
    expect(outcome, JSON.stringify(update)).toMatchObject({ replayed: false });
    accepted.push(update);
    const { value: cached } = await notes.cache.get(id);
    for (const [name, is] of Object.entries(fields)) {
      expect(Object.getOwnPropertyDescriptor(cached, name)?.value).toBe(is === 0 ? 0 : is);
    }
  }
  const stored = accepted.filter(fits);
  const flushed = await notes.cache.flushQueue();
  expect(flushed).toMatchObject({
    processed: stored.length,
    failed: accepted.length - stored.length,
    stopped: [],
  });

  const log = await notes.rows('SELECT id, user, comment FROM note_log');
  expect(sorted(log.map((row) => [row.id, row.user, row.comment]))).toEqual(
    sorted(stored.map(({ id, user, comment }) => [id, user, comment])),
  );
  for (const [id, fields] of lastValues(stored)) {
    const [row] = await notes.rows('SELECT body, builder, parent, amount FROM note WHERE id = ?', [id]);
    for (const [name, is] of fields)
      expect(row?.[COLUMN[name] ?? name], `${id} ${name}`).toBe(is === 0 ? 0 : is);
    expect((await notes.cache.verifyConsistency(id)).differing, id).toEqual([]);
  }
  const letters = await notes.cache.deadLetters({ limit: 1000 });
  const asLetter = ({ id, changes: fields, user, comment }: Sent) => [
    id,
    Object.entries(fields),
    user,
    comment,
  ];
  expect(
    sorted(
      letters.map(({ id, update }) => [
        id,
        Object.entries(update?.changes ?? {}),
        update?.user,
        update?.comment,
      ]),
    ),
  ).toEqual(sorted(accepted.filter((update) => !fits(update)).map(asLetter)));
  expect((await notes.cache.redrive()).every(({ kind }) => kind === 'REFUSED' || kind === 'SUPERSEDED')).toBe(
    true,
  );
}

const COLUMN: Readonly<Partial<Record<string, string>>> = Object.assign(Object.create(null) as object, {
  constructor: 'builder',
  ['__proto__']: 'parent',
});

function lastValues(list: readonly Sent[]): Map<string, Map<string, unknown>> {
  const values = new Map<string, Map<string, unknown>>();
  for (const { id, changes: fields } of list) {
    values.set(id, new Map([...(values.get(id) ?? []), ...Object.entries(fields)]));
  }
  return values;
}

const ALLOWED_KEYS = /^\{[a-z0-9_]+\.note\.[01]\}:(?:fill:)?[\w.:~%-]{1,133}$/;

describe('1, 3, 9 whatever a text says', () => {
  it(`it is kept as it is, and causes nothing that a calm one does not: seed ${String(SEED)}`, async () => {
    const foreign = async () =>
      (await notes.valkey.keys('*')).filter((key) => !key.startsWith(`{${notes.name}.note.`)).sort();
    const [keysBefore, tablesBefore] = [await foreign(), await checksums(notes.db)];

    await startStatementLog(notes.db);
    for (const fields of [
      { body: 'calm' },
      { body: 'x'.repeat(MAX_TEXT + 1) },
      { body: null, amount: 1 },
      {},
    ]) {
      const calm = IDS.slice(0, 3).map((id) => ({ id, changes: fields, user: 'ann', comment: 'calm' }));
      await expectKept([...calm, ...calm.map((update) => ({ ...update, changes: { body: 'y' } }))]);
    }
    const expected = await endStatementLog(notes.db, notes.name);
    expect(expected.size).toBeGreaterThan(10);

    await startStatementLog(notes.db);
    const property = fc.asyncProperty(fc.array(sent, { minLength: 5, maxLength: 30 }), expectKept);
    await fc.assert(property, { seed: SEED, numRuns: ROUNDS });
    const seen = await endStatementLog(notes.db, notes.name);
    expect([...seen].filter((shape) => !expected.has(shape))).toEqual([]);

    expect(await foreign()).toEqual(keysBefore);
    const own = await notes.valkey.keys(`{${notes.name}.*`);
    expect(own.filter((key) => !ALLOWED_KEYS.test(key))).toEqual([]);
    const others = (tables: Record<string, string>) => tables.bystander;
    expect(others(await checksums(notes.db))).toBe(others(tablesBefore));
  });

  it('a statement into which a value got is told from one that is whole', () => {
    const whole = shapeOf("SELECT a FROM note WHERE id IN ('x', 'it''s', 'y\\'z') AND n = 5");
    expect(shapeOf("SELECT a FROM note WHERE id IN ('q') AND n = -1e308")).toBe(whole);
    expect(shapeOf("SELECT a FROM note WHERE id IN ('q\\' OR 1=1 -- ') AND n = 5")).toBe(
      shapeOf("SELECT a FROM note WHERE id IN ('q') AND n = 5"),
    );
    expect(shapeOf("SELECT a FROM note WHERE id IN ('q') OR 1=1 -- ') AND n = 5")).not.toBe(whole);
  });
});
