/**
 * What a load stores is what an INSERT of the same rows stores, or it is refused and INSERT decides: whatever the table is, with
 * its defaults, triggers and types, and whatever the rows hold. Each case is written both ways.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LoadCase, loadCase, loadCases } from './load-cases.ts';
import { mariadbLoadCases } from './load-cases-mariadb.ts';
import { queuedUpdate, writeUpdates } from './store-items.ts';
import { type MysqlEngine, type MysqlPlace, MysqlWidgets, plain } from './widgets.ts';
import type { SqlMapping, SqlValue } from '../src/store/sql-mapping.ts';

export function describeSameByLoad(engine: MysqlEngine, place: () => MysqlPlace): void {
  /** More than are worth a load. */
  const MANY = 120;
  const WIDGETS = 7;

  let db: MysqlWidgets;
  beforeAll(async () => {
    db = await MysqlWidgets.create(place(), WIDGETS, engine);
  });
  afterAll(() => db.drop());

  async function outcomeOf(
    { ddl, columns, rows, count = MANY, look = 'SELECT * FROM t' }: LoadCase,
    mayLoad: boolean,
  ): Promise<{ result: string; stored: unknown; isLoaded: boolean }> {
    const outside = await db.connect();
    await outside.query('DROP TABLE IF EXISTS t, other');
    for (const statement of ddl) await outside.query(statement);
    const mapping: SqlMapping = {
      ...engine.widgets,
      async write(writer) {
        const all = Array.from({ length: count }, (_, index) => rows(index)) as SqlValue[][];
        await (mayLoad ? writer : plain(writer)).insert('t', columns, all);
      },
    };
    const store = db.makeStore({ mapping, maxBatchBytes: 4_000_000 });
    await store.open();
    let result = 'stored';
    let isLoaded = false;
    try {
      await store.transaction(async (transaction) => {
        await transaction.savepoint();
        const ids = Array.from({ length: MANY }, (_, index) => String(1 + (index % WIDGETS)));
        await writeUpdates(
          store,
          transaction,
          ids.map((id, index) => queuedUpdate({ seq: index + 1, id })),
        );
        isLoaded = !transaction.statements.some((text) => text.startsWith('INSERT INTO `t`'));
      });
    } catch (error) {
      result = String(error);
    }
    const [stored] = await outside.query(look);
    await outside.end();
    await store.close();
    return { result, stored, isLoaded };
  }

  test.each([...loadCases, ...mariadbLoadCases].filter(({ only = engine.name }) => only === engine.name))(
    '4 and 9 the same by a load as by INSERT: $name',
    async (written) => {
      const inserted = await outcomeOf(written, false);
      const loaded = await outcomeOf(written, true);
      expect(loaded.result).toBe(inserted.result);
      expect(loaded.stored).toEqual(inserted.stored);
    },
  );

  test('and where it is known to be the same it is loaded', async () => {
    const ddl = [
      'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, b VARCHAR(9) NULL, c INT NULL)',
    ];
    const plain = loadCase('', ddl, 'a, b', (i) => [i, i % 2 === 0 ? null : 'x']);
    expect(await outcomeOf(plain, true)).toMatchObject({ result: 'stored', isLoaded: true });
  });
}
