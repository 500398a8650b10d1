/**
 * The engine's own test entity: it shows that nothing of the engine knows flights, and its columns refuse values in
 * several ways. A test file has a database of its own, and asserts at the end that no connection to it is left.
 */
import { randomBytes } from 'node:crypto';
import { type Connection, createConnection, escape, raw, type RowDataPacket } from 'mysql2/promise';
import type { EntityDefinition, FieldValues } from '../src/entity.ts';
import { StoreDataError, ValidationError } from '../src/errors.ts';
import type { DatabaseSettings, StoreOptions } from '../src/store/engine.ts';
import { mariadbDialect } from '../src/store/mariadb/mariadb.ts';
import type { MysqlDialect } from '../src/store/mysql/dialect.ts';
import { mysqlDialect } from '../src/store/mysql/mysql.ts';
import { MysqlStore } from '../src/store/mysql/mysql-store.ts';
import type { SqlMapping, SqlValue, SqlWriter } from '../src/store/sql-mapping.ts';
import type { Row, RowChange } from '../src/store/store.ts';
import type { StoreHarness, StoreHarnessOptions, WidgetLogRow } from './store-harness.ts';

// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface has no index signature
export type Widget = {
  readonly widget_id: number;
  /** At most 20 characters. */
  readonly name: string;
  /** A signed INT that must not be negative. */
  readonly size: number;
  /** At most 100 characters. */
  readonly note: string | null;
};

// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- as above
export type WidgetChanges = {
  readonly name?: string;
  readonly size?: number;
  readonly note?: string | null;
};

const CHANGEABLE: readonly string[] = ['name', 'size', 'note'];

/** Checks names of fields only: what values are refused is left to the database, so that tests can provoke it. */
export const widgetDefinition: EntityDefinition<Widget, WidgetChanges & FieldValues> = {
  name: 'widget',
  parseId(id) {
    const text = typeof id === 'number' ? String(id) : id;
    if (typeof text !== 'string' || !/^[1-9]\d{0,8}$/.test(text))
      throw new ValidationError('id', 'must be a positive whole number');
    return text;
  },
  parseChanges(changes) {
    if (typeof changes !== 'object' || changes === null)
      throw new ValidationError('changes', 'must be an object');
    const unknown = Object.keys(changes).find((name) => !CHANGEABLE.includes(name));
    if (unknown !== undefined) throw new ValidationError(unknown, 'is not a field that can be changed');
    return changes as WidgetChanges & FieldValues;
  },
};

const COLUMNS = 'widget_id, name, size, note';
const LOG_COLUMNS =
  'accepted_us, user, comment, widget_id, name_before, name_after, size_before, size_after, note_before, note_after';

/** `updateSql` takes rows, as `row` writes one. */
const widgetsMapping = (row: (values: string) => string, updateSql: string): SqlMapping => ({
  loadSql: `SELECT ${COLUMNS} FROM widget WHERE widget_id = ?`,
  lockSql: `SELECT ${COLUMNS} FROM widget FORCE INDEX (PRIMARY) WHERE widget_id IN (?) ORDER BY widget_id FOR UPDATE`,
  idValue: Number,
  rowId: (row) => String(row.widget_id),
  toValue: (row) => ({ ...row }) as FieldValues,
  change(row, changes) {
    for (const field of Object.keys(changes))
      if (!CHANGEABLE.includes(field)) throw new StoreDataError(`widget: nothing holds ${field}`);
    return { ...row, ...changes };
  },
  async write(writer, changes) {
    await writer.insert('widget_log', LOG_COLUMNS.split(', '), changes.map(logRow));
    const last = new Map(changes.map(({ update, after }) => [update.id, after]));
    const rows = [...last.values()].map(({ widget_id, name, size, note }) =>
      row([widget_id, name, size, note].map((value) => escape(value as string | number | null)).join(',')),
    );
    for (let start = 0; start < rows.length; start += writer.maxRows)
      await writer.run(updateSql, [raw(rows.slice(start, start + writer.maxRows).join(','))]);
  },
});

const UPDATED = `STRAIGHT_JOIN widget FORCE INDEX (PRIMARY) ON widget.widget_id = changed.widget_id
  SET widget.name = changed.name, widget.size = changed.size, widget.note = changed.note`;

export const mysqlWidgets = widgetsMapping(
  (values) => `ROW(${values})`,
  `UPDATE (VALUES ?) AS changed (${COLUMNS}) ${UPDATED}`,
);

/** Before 11.8 only a WITH can name the columns of VALUES, and it may stand only within brackets. */
export const mariadbWidgets = widgetsMapping(
  (values) => `(${values})`,
  `UPDATE (WITH changed (${COLUMNS}) AS (VALUES ?) SELECT * FROM changed) AS changed ${UPDATED}`,
);

/** One of the two engines that share a driver and most of the code. */
export interface MysqlEngine {
  readonly name: 'mysql' | 'mariadb';
  readonly dialect: MysqlDialect;
  readonly widgets: SqlMapping;
  /** Number of the error that says so. */
  readonly errno: { readonly check: number; readonly tooSlow: number };
  /** A SELECT of `what` that the server ends after a millisecond. */
  hurried(what: string): string;
  /** Expressions for what the session was set to. */
  readonly isolation: string;
  readonly longestMs: string;
  /** Sets more of a server that harms. */
  readonly harm: readonly string[];
}

export const mysqlEngine: MysqlEngine = {
  name: 'mysql',
  dialect: mysqlDialect,
  widgets: mysqlWidgets,
  errno: { check: 3819, tooSlow: 3024 },
  hurried: (what) => `SELECT /*+ MAX_EXECUTION_TIME(1) */ ${what}`,
  isolation: '@@SESSION.transaction_isolation',
  longestMs: '@@SESSION.max_execution_time',
  harm: [],
};
export const mariadbEngine: MysqlEngine = {
  name: 'mariadb',
  dialect: mariadbDialect,
  widgets: mariadbWidgets,
  errno: { check: 4025, tooSlow: 1969 },
  hurried: (what) => `SET STATEMENT max_statement_time = 0.001 FOR SELECT ${what}`,
  isolation: '@@SESSION.tx_isolation',
  longestMs: 'CAST(@@SESSION.max_statement_time * 1000 AS SIGNED)',
  harm: ['SET GLOBAL check_constraint_checks = OFF'],
};

function logRow({ update, before, after }: RowChange): SqlValue[] {
  return [
    update.acceptedUs,
    update.user,
    update.comment,
    after.widget_id as number,
    ...CHANGEABLE.flatMap((field) => [before[field] as SqlValue, after[field] as SqlValue]),
  ];
}

/** The same, but never loads: to compare with. */
export function plain(writer: SqlWriter): SqlWriter {
  return {
    ...writer,
    async insert(table, columns, rows) {
      const insert = `INSERT INTO \`${table}\` (${columns.join(', ')}) VALUES ?`;
      for (let start = 0; start < rows.length; start += writer.maxRows)
        await writer.run(insert, [rows.slice(start, start + writer.maxRows)]);
    },
  };
}

const TABLES = [
  `CREATE TABLE widget (
     widget_id INT NOT NULL PRIMARY KEY,
     name VARCHAR(20) NOT NULL,
     size INT NOT NULL CHECK (size >= 0),
     note VARCHAR(100) NULL
   )`,
  `CREATE TABLE widget_log (
     id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
     accepted_us BIGINT NOT NULL,
     user VARCHAR(100) NOT NULL,
     comment VARCHAR(200) NULL,
     widget_id INT NOT NULL,
     name_before VARCHAR(20) NOT NULL, name_after VARCHAR(20) NOT NULL,
     size_before INT NOT NULL, size_after INT NOT NULL,
     note_before VARCHAR(100) NULL, note_after VARCHAR(100) NULL
   )`,
];

export interface MysqlPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A database of a random name with the widget tables, and a connection past the store to look into it. */
export class MysqlWidgets implements StoreHarness {
  readonly database: string;
  readonly place: MysqlPlace;
  readonly engine: MysqlEngine;
  /** Past the store, as root; in no database, so that it does not count as a connection to this one. */
  readonly outside: Connection;
  /** Give back what a failed test still holds. */
  readonly #holders = new Set<() => Promise<void>>();

  private constructor(place: MysqlPlace, engine: MysqlEngine, outside: Connection, database: string) {
    this.place = place;
    this.engine = engine;
    this.outside = outside;
    this.database = database;
  }

  static async create(place: MysqlPlace, widgets = 0, engine = mysqlEngine): Promise<MysqlWidgets> {
    const outside = await createConnection({ ...place, timezone: 'Z', dateStrings: true });
    const harness = new MysqlWidgets(place, engine, outside, `widgets_${randomBytes(6).toString('hex')}`);
    // A test that failed while it held a lock must not make all others wait.
    await outside.query('SET innodb_lock_wait_timeout = 5, lock_wait_timeout = 5');
    await outside.query('CREATE DATABASE ?? CHARACTER SET utf8mb4', [harness.database]);
    const inside = await harness.connect();
    for (const table of TABLES) await inside.query(table);
    await inside.end();
    await harness.reset(widgets);
    return harness;
  }

  /** Another connection past the store, in this database. The caller ends it. */
  async connect(): Promise<Connection> {
    return await createConnection({
      ...this.place,
      database: this.database,
      timezone: 'Z',
      dateStrings: true,
    });
  }

  settings(overrides: Partial<DatabaseSettings> = {}): DatabaseSettings {
    return {
      ...this.place,
      database: this.database,
      tls: false,
      poolSize: 4,
      connectTimeoutMs: 5000,
      statementTimeoutMs: 20_000,
      idleTimeoutSeconds: 30,
      lockWaitSeconds: 5,
      ...overrides,
    };
  }

  makeStore(
    options: StoreHarnessOptions & {
      readonly connection?: Partial<DatabaseSettings>;
      readonly mapping?: SqlMapping;
      readonly maxBatchBytes?: number;
    } = {},
  ): MysqlStore {
    const { poolSize, lockWaitSeconds } = options;
    const given: StoreOptions = {
      uniqueName: () => randomBytes(8).toString('hex'),
      connection: this.settings({
        ...(poolSize === undefined ? {} : { poolSize }),
        ...(lockWaitSeconds === undefined ? {} : { lockWaitSeconds }),
        ...options.connection,
      }),
      entity: 'widget',
      namespace: options.namespace ?? '',
      partitions: options.partitions ?? 2,
      mapping: options.mapping ?? this.engine.widgets,
      maxBatchBytes: options.maxBatchBytes ?? 1_048_576,
    };
    return new MysqlStore(given, this.engine.dialect);
  }

  async reset(widgets: number): Promise<void> {
    for (const release of this.#holders) await release();
    await this.outside.query('DELETE FROM ??.widget', [this.database]);
    await this.outside.query('DELETE FROM ??.widget_log', [this.database]);
    if (widgets === 0) return;
    const rows = Array.from({ length: widgets }, (_, index) => [index + 1, `widget ${index + 1}`, 0, null]);
    await this.outside.query('INSERT INTO ??.widget VALUES ?', [this.database, rows]);
  }

  async rows<T extends object = Row>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    const [rows] = await this.outside.query<RowDataPacket[]>(text.replaceAll('$db', this.database), [
      ...values,
    ]);
    return rows.map((row) => ({ ...row }) as T);
  }

  async widgets(): Promise<Widget[]> {
    return await this.rows<Widget>(`SELECT ${COLUMNS} FROM $db.widget ORDER BY widget_id`);
  }

  async log(): Promise<WidgetLogRow[]> {
    return await this.rows<WidgetLogRow>('SELECT * FROM $db.widget_log ORDER BY id');
  }

  async holdWidget(id: number): Promise<() => Promise<void>> {
    const holder = await this.connect();
    await holder.beginTransaction();
    await holder.query('SELECT * FROM widget WHERE widget_id = ? FOR UPDATE', [id]);
    const release = async () => {
      this.#holders.delete(release);
      await holder.end();
    };
    this.#holders.add(release);
    return release;
  }

  async lockWaits(): Promise<number> {
    return (await this.waitingConnections()).length;
  }

  /** Of this database. From the monitor, because INNODB_TRX is stale while several look at it at once. */
  async waitingConnections(): Promise<number[]> {
    const [row] = await this.rows<{ Status: string }>('SHOW ENGINE INNODB STATUS');
    const ours = await this.connectionIds();
    const waiting = (row?.Status ?? '')
      .split('---TRANSACTION ')
      .filter((transaction) => /^LOCK WAIT /m.test(transaction))
      .map((transaction) => Number(/(?:MySQL|MariaDB) thread id (\d+)/.exec(transaction)?.[1]));
    return waiting.filter((id) => ours.includes(id));
  }

  async connections(): Promise<number> {
    return (await this.connectionIds()).length;
  }

  async connectionIds(): Promise<number[]> {
    const rows = await this.rows<{ id: number }>(
      'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ? ORDER BY ID',
      [this.database],
    );
    return rows.map(({ id }) => id);
  }

  async drop(): Promise<void> {
    for (const release of this.#holders) await release();
    await this.outside.query('DROP DATABASE IF EXISTS ??', [this.database]);
    await this.outside.end();
  }
}
