/** The engine's own test entity (`widgets.ts`) in PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { FieldValues } from '../src/entity.ts';
import { StoreDataError } from '../src/errors.ts';
import type { DatabaseSettings } from '../src/store/engine.ts';
import { clientConfig } from '../src/store/postgresql/postgres-client.ts';
import { PostgresStore } from '../src/store/postgresql/postgres-store.ts';
import type { SqlMapping, SqlValue } from '../src/store/sql-mapping.ts';
import type { Row, RowChange } from '../src/store/store.ts';
import type { StoreHarness, StoreHarnessOptions, WidgetLogRow } from './store-harness.ts';
import type { Widget } from './widgets.ts';

const CHANGEABLE: readonly string[] = ['name', 'size', 'note'];
const COLUMNS = 'widget_id, name, size, note';
const LOG_COLUMNS = [
  ...['accepted_us', 'user', 'comment', 'widget_id'],
  ...CHANGEABLE.flatMap((field) => [`${field}_before`, `${field}_after`]),
];

export const postgresWidgets: SqlMapping = {
  loadSql: `SELECT ${COLUMNS} FROM widget WHERE widget_id = $1::bigint`,
  lockSql: `SELECT ${COLUMNS} FROM widget WHERE widget_id = ANY ($1::bigint[]) ORDER BY widget_id FOR NO KEY UPDATE`,
  idValue: Number,
  rowId: (row) => String(row.widget_id),
  toValue: (row) => ({ ...row }) as FieldValues,
  change(row, changes) {
    for (const field of Object.keys(changes))
      if (!CHANGEABLE.includes(field)) throw new StoreDataError(`widget: nothing holds ${field}`);
    return { ...row, ...changes };
  },
  async write(writer, changes) {
    await writer.insert('widget_log', LOG_COLUMNS, changes.map(logRow));
    const last = [...new Map(changes.map(({ update, after }) => [update.id, after])).values()];
    for (let start = 0; start < last.length; start += writer.maxRows) {
      const some = last.slice(start, start + writer.maxRows);
      await writer.run(
        `UPDATE widget SET name = changed.name, size = changed.size, note = changed.note
         FROM unnest($1::int[], $2::varchar[], $3::int[], $4::varchar[]) AS changed (${COLUMNS})
         WHERE widget.widget_id = changed.widget_id`,
        COLUMNS.split(', ').map((column) => some.map((row) => row[column])),
        some.length,
      );
    }
  },
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

const TABLES = `
  CREATE TABLE widget (
    widget_id integer PRIMARY KEY,
    name varchar(20) NOT NULL,
    size integer NOT NULL CHECK (size >= 0),
    note varchar(100)
  );
  CREATE TABLE widget_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    accepted_us bigint NOT NULL,
    "user" varchar(100) NOT NULL,
    comment varchar(200),
    widget_id integer NOT NULL,
    name_before varchar(20) NOT NULL, name_after varchar(20) NOT NULL,
    size_before integer NOT NULL, size_after integer NOT NULL,
    note_before varchar(100), note_after varchar(100)
  )`;

export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface PostgresStoreOptions extends StoreHarnessOptions {
  readonly connection?: Partial<DatabaseSettings>;
  readonly mapping?: SqlMapping;
}

/** Which connections are the harness's. */
const OUTSIDE = 'harness';

/** A database of a random name with the widget tables, and a connection past the store to look into it. */
export class PostgresWidgets implements StoreHarness {
  readonly database: string;
  place: PostgresPlace;
  /** Past the store, as the administrator, in this database. */
  outside: Client;
  /** Give back what a failed test still holds. */
  readonly #holders = new Set<() => Promise<void>>();

  private constructor(place: PostgresPlace, outside: Client, database: string) {
    this.place = place;
    this.outside = outside;
    this.database = database;
  }

  static async create(place: PostgresPlace, widgets = 0, options = ''): Promise<PostgresWidgets> {
    const database = `widgets_${randomBytes(6).toString('hex')}`;
    const admin = await connect(place, 'postgres');
    await admin.query(`CREATE DATABASE ${database} ${options}`);
    await admin.end();
    const harness = new PostgresWidgets(place, await connect(place, database), database);
    // A test that failed while it held a lock must not make all others wait.
    await harness.outside.query("SET lock_timeout = '5s'");
    await harness.outside.query(TABLES);
    await harness.reset(widgets);
    return harness;
  }

  /** Another connection past the store, in this database. The caller ends it. */
  async connect(): Promise<Client> {
    return await connect(this.place, this.database);
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

  makeStore(options: PostgresStoreOptions = {}): PostgresStore {
    const { poolSize, lockWaitSeconds } = options;
    return new PostgresStore({
      uniqueName: () => randomBytes(8).toString('hex'),
      connection: this.settings({
        ...(poolSize === undefined ? {} : { poolSize }),
        ...(lockWaitSeconds === undefined ? {} : { lockWaitSeconds }),
        ...options.connection,
      }),
      entity: 'widget',
      namespace: options.namespace ?? '',
      partitions: options.partitions ?? 2,
      mapping: options.mapping ?? postgresWidgets,
      maxBatchBytes: 1_048_576,
    });
  }

  async reset(widgets: number): Promise<void> {
    for (const release of this.#holders) await release();
    await this.outside.query('DELETE FROM widget; DELETE FROM widget_log');
    await this.outside.query(
      "INSERT INTO widget SELECT id, 'widget ' || id, 0, NULL FROM generate_series(1, $1::int) AS id",
      [widgets],
    );
  }

  async rows<T extends object = Row>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.outside.query<T>(text, [...values])).rows;
  }

  async widgets(): Promise<Widget[]> {
    return await this.rows<Widget>(`SELECT ${COLUMNS} FROM widget ORDER BY widget_id`);
  }

  async log(): Promise<WidgetLogRow[]> {
    return await this.rows<WidgetLogRow>('SELECT * FROM widget_log ORDER BY id');
  }

  async holdWidget(id: number): Promise<() => Promise<void>> {
    const holder = await this.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM widget WHERE widget_id = $1 FOR UPDATE', [id]);
    const release = async () => {
      this.#holders.delete(release);
      await holder.end();
    };
    this.#holders.add(release);
    return release;
  }

  async lockWaits(): Promise<number> {
    return (await this.#sessions("AND wait_event_type = 'Lock'")).length;
  }

  async connections(): Promise<number> {
    return (await this.sessions()).length;
  }

  /** Of stores. */
  async sessions(): Promise<number[]> {
    return await this.#sessions('');
  }

  async waitingSessions(): Promise<number[]> {
    return await this.#sessions("AND wait_event_type = 'Lock'");
  }

  async #sessions(condition: string): Promise<number[]> {
    const rows = await this.rows<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity
       WHERE datname = $1 AND application_name <> $2 AND backend_type = 'client backend' ${condition} ORDER BY pid`,
      [this.database, OUTSIDE],
    );
    return rows.map(({ pid }) => pid);
  }

  async drop(): Promise<void> {
    for (const release of this.#holders) await release();
    await this.outside.end();
    const admin = await connect(this.place, 'postgres');
    await admin.query(`DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`);
    await admin.end();
  }
}

async function connect(place: PostgresPlace, database: string): Promise<Client> {
  const limits = { connectTimeoutMs: 5000, statementTimeoutMs: 20_000, idleTimeoutSeconds: 30 };
  const settings = { ...place, ...limits, database, tls: false, poolSize: 1, lockWaitSeconds: 5 };
  const client = new Client({ ...clientConfig(settings), application_name: OUTSIDE, pipeline: false });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
