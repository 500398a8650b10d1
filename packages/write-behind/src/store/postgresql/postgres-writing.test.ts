/** What is particular to PostgreSQL in what a flush writes: what is checked when, what it holds, what is locked in which order. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  type PostgresStoreOptions,
  postgresWidgets,
  PostgresWidgets,
} from '../../../testing/postgres-widgets.ts';
import { type ItemSpec, queuedUpdate, writeUpdates } from '../../../testing/store-items.ts';
import type { FieldValues } from '../../entity.ts';
import { StoreDataError, StoreError } from '../../errors.ts';
import { commitBatch } from '../../flusher/commit-batch.ts';
import type { SqlMapping } from '../sql-mapping.ts';
import type { PostgresStore } from './postgres-store.ts';

let db: PostgresWidgets;
let stores: PostgresStore[] = [];
let namespaces = 0;

beforeAll(async () => {
  db = await PostgresWidgets.create(inject('postgresql'));
  await db.outside.query(`
    CREATE TABLE owner (id integer PRIMARY KEY);
    INSERT INTO owner VALUES (1), (2);
    CREATE TABLE owned (
      widget_id integer NOT NULL, owner_id integer NOT NULL REFERENCES owner DEFERRABLE INITIALLY DEFERRED
    );
    CREATE TABLE part (widget_id integer REFERENCES widget);`);
});
beforeEach(async () => {
  await db.outside.query('DELETE FROM owned; DELETE FROM part');
  await db.reset(5);
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  stores = [];
  await expect.poll(() => db.connections()).toBe(0);
});
afterAll(async () => {
  await db.drop();
});

async function open(options: PostgresStoreOptions = {}): Promise<PostgresStore> {
  const store = db.makeStore({ namespace: `n${String(namespaces++)}`, ...options });
  stores.push(store);
  await store.open();
  return store;
}

const commit = async (store: PostgresStore, specs: readonly ItemSpec[]) =>
  await commitBatch(store, {
    partition: 0,
    items: specs.map(queuedUpdate),
    seenEpoch: '',
    deadLetterLimit: 100,
  });

describe('constraints that wait for the end of the transaction', () => {
  /** `size` is the owner. */
  const mapping: SqlMapping = {
    ...postgresWidgets,
    async write(writer, changes) {
      await postgresWidgets.write(writer, changes);
      const rows = changes.map(({ after }) => [Number(after.widget_id), Number(after.size)]);
      await writer.insert('owned', ['widget_id', 'owner_id'], rows);
    },
  };

  test('9 are checked at the end of each write: who breaks one is parked, and the others are stored', async () => {
    const store = await open({ mapping });
    const specs = [1, 2, 99, 1, 98].map((size, index) => {
      return { seq: index + 1, id: String(index + 1), changes: { size } };
    });
    const outcome = await commit(store, specs);
    expect(outcome).toMatchObject({
      kind: 'COMMITTED',
      parked: [
        { entityId: '3', reason: 'REFUSED', error: expect.stringContaining('23503') as string },
        { entityId: '5', reason: 'REFUSED' },
      ],
    });
    expect(await db.rows('SELECT * FROM owned ORDER BY widget_id')).toEqual([
      { widget_id: 1, owner_id: 1 },
      { widget_id: 2, owner_id: 2 },
      { widget_id: 4, owner_id: 1 },
    ]);
    expect((await db.widgets()).map(({ size }) => size)).toEqual([1, 2, 0, 1, 0]);
  });

  test('wait for the end of a write, also for that of a second one in the same transaction', async () => {
    const makesItsOwner: SqlMapping = {
      ...mapping,
      async write(writer, changes) {
        await mapping.write(writer, changes);
        const owners = changes.map(({ after }) => Number(after.size));
        await writer.run('INSERT INTO owner SELECT unnest($1::int[])', [owners]);
      },
    };
    const store = await open({ mapping: makesItsOwner });
    await store.transaction(async (transaction) => {
      await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, changes: { size: 11 } })]);
      await transaction.savepoint();
      await writeUpdates(store, transaction, [queuedUpdate({ seq: 2, changes: { size: 12 } })]);
    });
    expect(await db.rows('SELECT owner_id FROM owned ORDER BY 1')).toEqual([
      { owner_id: 11 },
      { owner_id: 12 },
    ]);
    await db.outside.query('DELETE FROM owned; DELETE FROM owner WHERE id > 10');
  });
});

describe('values', () => {
  const CASES: readonly (readonly [string, FieldValues])[] = [
    ['a zero in a text', { note: 'a\0b' }],
    ['half of a pair of surrogates', { note: 'a\ud800' }],
    ['a fraction where a whole number goes', { size: 1.5 }],
    ['a text of a fraction where a whole number goes', { size: '1.5' }],
    ['a truth value where a number goes', { size: true }],
    ['a number beyond what a column holds', { size: 1e20 }],
    ['a number beyond what any column holds', { size: 1e300 }],
  ];

  test.each(CASES)('9 %s is refused and parked, by COPY and by INSERT', async (_what, changes) => {
    const store = await open();
    const special = { seq: 50, id: '2', changes };
    const many = Array.from({ length: 60 }, (_, index) => ({ seq: index + 1, id: '1' }));
    for (const [round, specs] of [[special], many.toSpliced(49, 1, special)].entries()) {
      const seqs = specs.map((spec) => ({ ...spec, seq: spec.seq + round * 100 }));
      const outcome = await commit(
        store,
        seqs.map((spec) => ({ ...spec, epoch: `e${String(round)}` })),
      );
      if (outcome.kind === 'EPOCH_MOVED') {
        const again = { partition: 0, items: seqs.map(queuedUpdate), seenEpoch: 'e0', deadLetterLimit: 100 };
        expect(await commitBatch(store, again)).toMatchObject({
          parked: [{ entityId: '2', reason: 'REFUSED' }],
        });
      } else expect(outcome).toMatchObject({ parked: [{ entityId: '2', reason: 'REFUSED' }] });
    }
    expect((await db.widgets())[1]).toMatchObject({ size: 0, note: null });
    const letters = await store.deadLetters({ afterLetterId: 0, limit: 10 });
    expect(letters.map(({ fields }) => fields)).toEqual([Object.keys(changes), Object.keys(changes)]);
  });

  const TEXTS = [
    '',
    ' ',
    'a  ',
    '\\N',
    '\\.',
    'a\tb\nc\rd\\e\\',
    '"\'{},NULL',
    'NULL',
    '\u0001\u007f',
    'Zoë 😀',
    '\b\f\v',
  ];

  test.each([1, 30])('every text arrives as it was, %i times', async (times) => {
    const store = await open();
    const updates = TEXTS.flatMap((note, index) =>
      Array.from({ length: times }, () =>
        queuedUpdate({ seq: index + 1, id: '1', changes: { note }, comment: note }),
      ),
    );
    await store.transaction(async (transaction) => {
      await transaction.savepoint();
      await writeUpdates(store, transaction, updates);
    });
    const log = await db.log();
    expect(log.map(({ comment, note_after: note }) => [comment, note])).toEqual(
      TEXTS.flatMap((text) => Array.from({ length: times }, () => [text, text])),
    );
    expect((await db.widgets())[0]!.note).toBe(TEXTS.at(-1));
  });
});

describe('rows', () => {
  test.each([3, 300, 3000])(
    '2: %i rows are locked in the order of their key, however they are found',
    async (count) => {
      await db.outside.query(`
      DELETE FROM widget;
      INSERT INTO widget SELECT id, 'w', 0, NULL FROM generate_series(1, 4000) AS id ORDER BY md5(id::text);
      ANALYZE widget`);
      const ids = Array.from({ length: count }, (_, index) => ((index * 2111) % 4000) + 1);
      const [plan] = await db.rows<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `EXPLAIN (FORMAT JSON) ${postgresWidgets.lockSql.replace('$1', `'{${ids.join()}}'`)}`,
      );
      const top = plan!['QUERY PLAN'][0].Plan;
      expect(top['Node Type']).toBe('LockRows');
      const [below] = top.Plans!;
      if (below!['Node Type'] === 'Index Scan') expect(below!['Index Name']).toBe('widget_pkey');
      else expect(below).toMatchObject({ 'Node Type': 'Sort', 'Sort Key': ['widget_id'] });
    },
  );

  test('that a flush has locked may be referred to meanwhile', async () => {
    const store = await open();
    await store.transaction(async (transaction) => {
      await writeUpdates(store, transaction, [queuedUpdate({ seq: 1, id: '1' })]);
      await db.outside.query('INSERT INTO part VALUES (1)');
    });
    expect((await db.widgets())[0]!.size).toBe(1);
  });

  test('of lists that overlap are locked by many without a deadlock, beside each other', async () => {
    const store = await open({ poolSize: 4 });
    const lists = [
      ['1', '2', '3', '4', '5'],
      ['5', '3', '1'],
      ['4', '2'],
      ['5', '4', '3', '2', '1'],
    ];
    const rounds = Array.from({ length: 100 }, (_, round) =>
      store.transaction((transaction) =>
        writeUpdates(
          store,
          transaction,
          lists[round % 4]!.map((id) => queuedUpdate({ seq: round + 1, id })),
        ),
      ),
    );
    await Promise.all(rounds);
    expect(await db.log()).toHaveLength(25 * 15);
  });
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly Plan[];
}

/** A way to the server of 10 ms in each direction, and how often whoever goes it has waited for an answer. */
async function slowWay() {
  let turns = 0;
  let isAnswered = true;
  const server = createServer((near) => {
    const far = connect(inject('postgresql').port, inject('postgresql').host);
    near.on('data', (bytes) => {
      if (isAnswered) turns++;
      isAnswered = false;
      setTimeout(() => far.write(bytes), 10);
    });
    far.on('data', (bytes) => {
      setTimeout(() => {
        isAnswered = true;
        near.write(bytes);
      }, 10);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('close', () => other.destroy());
      one.on('error', () => undefined);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, turns: () => turns, close: () => server.close() };
}

describe('a transaction', () => {
  test('is four round trips for a batch of any size', async () => {
    const way = await slowWay();
    const store = await open({ poolSize: 1, connection: { port: way.port } });
    const took: number[] = [];
    for (const [round, count] of [1, 10, 500].entries()) {
      const before = way.turns();
      const specs = Array.from({ length: count }, (_, index) => ({ seq: round * 1000 + index + 1 }));
      const items = specs.map(queuedUpdate);
      await commitBatch(store, {
        partition: 0,
        items,
        seenEpoch: round === 0 ? '' : 'e1',
        deadLetterLimit: 1,
      });
      took.push(way.turns() - before);
    }
    // The first one ends an epoch: whether that was retired before is asked.
    expect(took).toEqual([5, 4, 4]);
    way.close();
  });

  test('4 is not committed whose error was overlooked', async () => {
    const store = await open();
    const overlooked = store.transaction(async (transaction) => {
      await transaction.moveWatermark(0, { position: { epoch: 'e1', seq: 1 }, deadLetters: 0 });
      const wrong = writeUpdates(store, transaction, [queuedUpdate({ seq: 1, changes: { size: -1 } })]);
      await wrong.catch(() => undefined);
    });
    await expect(overlooked).rejects.toThrow(/was not committed/);
    await expect(overlooked).rejects.toThrow(StoreError);
    expect(await store.readEpoch(0)).toBe('');
  });

  test('3 fails with the error of a statement that nobody waited for', async () => {
    const store = await open();
    const position = { epoch: 'e'.repeat(33), seq: 1 };
    const failed = store.transaction(async (transaction) => {
      await writeUpdates(store, transaction, [queuedUpdate({ seq: 1 })]);
      await transaction.moveWatermark(0, { position, deadLetters: 0 });
    });
    await expect(failed).rejects.toMatchObject({ cause: { code: '22001' } });
    await expect(failed).rejects.toThrow(StoreDataError);
    expect(await db.log()).toEqual([]);
  });

  test('has one savepoint, however often it is set', async () => {
    const store = await open();
    const statements = await store.transaction(async (transaction) => {
      for (let count = 0; count < 3; count++) await transaction.savepoint();
      return transaction.statements;
    });
    const count = (word: string) => statements.filter((text) => text.startsWith(word)).length;
    expect([count('SAVEPOINT'), count('RELEASE')]).toEqual([3, 2]);
  });
});
