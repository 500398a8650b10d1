/** Audit rows of a large write go by LOAD DATA LOCAL INFILE: they must be what INSERT makes of them, or be refused as by it. */
import fc from 'fast-check';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { queuedUpdate, writeUpdates } from './store-items.ts';
import { type MysqlEngine, type MysqlPlace, MysqlWidgets, plain } from './widgets.ts';
import { StoreDataError, StoreUnavailableError } from '../src/errors.ts';
import type { QueuedUpdate } from '../src/item.ts';
import type { SqlMapping, SqlValue } from '../src/store/sql-mapping.ts';
import { infileChunks, infileStream, Loading } from '../src/store/mysql/mysql-infile.ts';
import type { MysqlStore } from '../src/store/mysql/mysql-store.ts';

export function describeLoading(engine: MysqlEngine, place: () => MysqlPlace): void {
  /** More than are worth a load. */
  const MANY = 120;
  const WIDGETS = 7;
  /** One character more than fits. */
  const comment = 'x'.repeat(201);

  let db: MysqlWidgets;
  let stores: MysqlStore[] = [];

  beforeAll(async () => {
    db = await MysqlWidgets.create(place(), WIDGETS, engine);
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
    await db.reset(WIDGETS);
  });
  afterAll(() => db.drop());

  async function open(mapping: SqlMapping = engine.widgets): Promise<MysqlStore> {
    const store = db.makeStore({ mapping });
    stores.push(store);
    await store.open();
    return store;
  }

  /** Writes them as a flush does, and gives the statements that it took; in full where the write succeeds. */
  async function write(store: MysqlStore, updates: readonly QueuedUpdate[]): Promise<string[]> {
    return await store.transaction(async (transaction) => {
      await transaction.savepoint();
      await writeUpdates(store, transaction, updates);
      return transaction.statements.map((statement) => statement.trim().split(/\s+/).slice(0, 2).join(' '));
    });
  }

  const withoutLoad: SqlMapping = {
    ...engine.widgets,
    write: (writer, changes) => engine.widgets.write(plain(writer), changes),
  };

  function many(special: Readonly<Record<number, Partial<Parameters<typeof queuedUpdate>[0]>>> = {}) {
    return Array.from({ length: MANY }, (_, index) =>
      queuedUpdate({ seq: index + 1, id: String(1 + (index % WIDGETS)), ...special[index] }),
    );
  }

  describe('4 a text arrives by LOAD DATA as it does by INSERT', () => {
    const hard = [
      '\t',
      '\n',
      '\r',
      '\\',
      '\0',
      '\\N',
      'N',
      'NULL',
      "'",
      '"',
      '\u{1F600}',
      'é',
      '\u001A',
      '\b',
      ' ',
      ',',
    ];
    const awkward = fc.oneof(
      fc.array(fc.constantFrom(...hard), { maxLength: 20 }).map((parts) => parts.join('')),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const update = fc.record({
      comment: fc.option(awkward),
      user: awkward,
      note: fc.option(awkward),
      name: awkward.map((name) => Array.from(name).slice(0, 20).join('')),
      size: fc.nat(2 ** 31 - 1),
    });

    test('whatever is in it, old and new values and nulls included', async () => {
      const [loading, inserting] = [await open(), await open(withoutLoad)];
      await fc.assert(
        fc.asyncProperty(fc.array(update, { minLength: MANY, maxLength: MANY }), async (list) => {
          const updates = list.map(({ comment, user, ...changes }, index) =>
            queuedUpdate({ seq: index + 1, id: String(1 + (index % WIDGETS)), comment, user, changes }),
          );
          const found = [];
          for (const store of [loading, inserting]) {
            await db.reset(WIDGETS);
            const statements = await write(store, updates);
            // Spaces that a column drops at its end are a warning, after which the plain statements decide.
            expect(statements).toContain(store === loading ? 'LOAD DATA' : 'INSERT INTO');
            found.push(
              (await db.log()).map((row) => ({ ...row, id: 0 })),
              await db.widgets(),
            );
          }
          expect(found.slice(0, 2)).toEqual(found.slice(2));
          expect(found[0]).toHaveLength(MANY);
        }),
        { numRuns: 15 },
      );
    });

    test('without the plain statements, for each of what the format gives a meaning', async () => {
      const texts = hard.flatMap((each) => [`${each}.`, `.${each}.`, `${each}${each}.`]);
      const updates = many(
        Object.fromEntries(texts.map((each, index) => [index, { comment: each, user: each }])),
      );
      expect(await write(await open(), updates)).not.toContain('INSERT INTO');
      expect((await db.log()).slice(0, texts.length).map(({ user, comment }) => [user, comment])).toEqual(
        texts.map((each) => [each, each]),
      );
    });

    test('in more than one portion', async () => {
      const rows = Array.from({ length: 20_000 }, (_, index): SqlValue[] => [index, 'é'.repeat(100), null]);
      const chunks = infileChunks(rows);
      expect(chunks.length).toBeGreaterThan(1);
      for (const chunk of chunks) expect(chunk.length).toBeLessThan(16_000_000);
      expect(Buffer.concat(chunks).toString().split('\n')).toEqual([
        ...rows.map(([index, value]) => `${String(index)}\t${String(value)}\t\\N`),
        '',
      ]);
    });
  });

  describe('9 and 10 what LOAD DATA would only warn of', () => {
    test.each<[string, Partial<Parameters<typeof queuedUpdate>[0]>]>([
      ['a text that is too long', { comment }],
      ['a number that is out of range', { changes: { size: 2 ** 31 } }],
      ['a text for a number', { changes: { size: 'seven' } }],
      ['a null where none may be', { changes: { name: null } }],
    ])('is refused: %s', async (_what, special) => {
      const [loading, inserting] = [await open(), await open(withoutLoad)];
      const refusals = [];
      for (const store of [loading, inserting]) {
        const refused: unknown = await write(store, many({ 57: special })).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(StoreDataError);
        refusals.push((refused as Error).message);
      }
      expect(refusals[0]).toBe(refusals[1]);
      expect(await db.log()).toEqual([]);
    });

    test('is undone to the savepoint and written once where the plain statements take it', async () => {
      // A warning to both: what a column drops at the end of a text are spaces.
      const note = 'n'.repeat(100);
      const statements = await write(await open(), many({ 3: { changes: { note: `${note}  ` } } }));
      expect(statements.slice(3, 6)).toEqual(['LOAD DATA', 'ROLLBACK TO', 'INSERT INTO']);
      expect(await db.log()).toHaveLength(MANY);
      expect((await db.widgets())[3]!.note).toBe(note);
    });

    test('and a row that it leaves out for its key', async () => {
      const outside = await db.connect();
      await outside.query('CREATE TABLE once (uid INT PRIMARY KEY)');
      await outside.end();
      const mapping: SqlMapping = {
        ...engine.widgets,
        async write(writer, changes) {
          const rows = changes.map(({ update }) => [update.acceptedUs % (MANY - 1)]);
          await writer.insert('once', ['uid'], rows);
        },
      };
      await expect(write(await open(mapping), many())).rejects.toThrow(/1062/);
    });
  });

  describe('4 plain statements', () => {
    const kinds = async (store: MysqlStore, work: (load: () => Promise<void>) => Promise<void>) => {
      let statements: readonly string[] = [];
      await store.transaction(async (transaction) => {
        ({ statements } = transaction);
        await work(() => writeUpdates(store, transaction, many()));
      });
      return statements.map((statement) => statement.split(' ', 1)[0]).filter((kind) => kind !== 'SELECT');
    };

    test('are used where there is no savepoint to go back to, or one was used up', async () => {
      const store = await open();
      const plain = ['INSERT', 'UPDATE'];
      expect(await kinds(store, (load) => load())).toEqual(['START', ...plain, 'COMMIT']);
      const twice = await kinds(store, async (load) => {
        await store.transaction(async (transaction) => {
          await transaction.savepoint();
          await writeUpdates(store, transaction, many());
          await writeUpdates(store, transaction, many());
          expect(transaction.statements.filter((each) => each.startsWith('LOAD'))).toHaveLength(1);
        });
        await load();
      });
      expect(twice).toEqual(['START', ...plain, 'COMMIT']);
    });

    test('are used for few rows', async () => {
      expect(await write(await open(), many().slice(0, 10))).not.toContain('LOAD DATA');
    });

    test('follow for the rest of a transaction in which a load was refused', async () => {
      const store = await open();
      await store.transaction(async (transaction) => {
        for (let attempt = 0; attempt < 3; attempt++) {
          await transaction.savepoint();
          const refused = writeUpdates(store, transaction, many({ 9: { comment } }));
          await expect(refused).rejects.toThrow(StoreDataError);
          await transaction.rollbackToSavepoint();
        }
        expect(transaction.statements.filter((each) => each.startsWith('LOAD'))).toHaveLength(1);
      });
      expect(await write(store, many())).toContain('LOAD DATA');
    });

    test('10 follow where a load lost the connection, so that the next attempt gets through', async () => {
      // As something between us and the server that does not know the statement.
      let isFirst = true;
      const mapping: SqlMapping = {
        ...engine.widgets,
        async write(writer, changes) {
          if (isFirst) {
            for (const id of await db.connectionIds()) await db.outside.query('KILL ?', [id]);
          }
          isFirst = false;
          await engine.widgets.write(writer, changes);
        },
      };
      const store = await open(mapping);
      await expect(write(store, many())).rejects.toThrow(StoreUnavailableError);
      const [again] = await Promise.allSettled([write(store, many())]);
      expect(again).toMatchObject({ status: 'fulfilled' });
      expect((again as PromiseFulfilledResult<string[]>).value).not.toContain('LOAD DATA');
      expect(await db.log()).toHaveLength(MANY);
    });
  });

  describe('10 a load that only came at a bad time', () => {
    test('is tried again by the next write: a lock wait says nothing of loads', async () => {
      const holder = await db.connect();
      await holder.query('CREATE TABLE IF NOT EXISTS held (uid INT PRIMARY KEY)');
      let isHeld = true;
      const mapping: SqlMapping = {
        ...engine.widgets,
        async write(writer, changes) {
          if (isHeld) await writer.insert('held', ['uid'], [[1]]);
          await engine.widgets.write(writer, changes);
        },
      };
      const store = db.makeStore({ mapping, lockWaitSeconds: 1 });
      stores.push(store);
      await store.open();
      await holder.beginTransaction();
      await holder.query('INSERT INTO held VALUES (1)');
      await expect(write(store, many())).rejects.toThrow(/lock wait/);
      await holder.rollback();
      isHeld = false;
      expect(await write(store, many())).toContain('LOAD DATA');
      await holder.end();
    });
  });

  describe('Loading', () => {
    test('is off until the server says so, and tries again long after a failure', () => {
      const loading = new Loading();
      expect(loading.mayLoad()).toBe(false);
      loading.set(true);
      expect(loading.mayLoad()).toBe(true);
      loading.pause();
      const tried = Array.from({ length: 1001 }, () => loading.mayLoad());
      expect(tried.indexOf(true)).toBe(1000);
      loading.pause();
      loading.set(true);
      expect(loading.mayLoad()).toBe(false);
      loading.set(false);
      loading.set(true);
      expect(loading.mayLoad()).toBe(true);
      loading.set(false);
      expect(loading.mayLoad()).toBe(false);
    });
  });

  describe('a file', () => {
    test('is never given, whatever name the server asks for', async () => {
      await expect(text(infileStream([Buffer.from('1\n')])('/etc/passwd'))).rejects.toThrow('it gets none');
    });
  });
}
