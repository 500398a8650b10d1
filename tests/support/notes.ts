/**
 * An entity whose ids are texts and whose fields have names that are something else to JavaScript. Its definition lets
 * everything pass: what is refused is refused by the engine, or by the database.
 */
import { randomBytes } from 'node:crypto';
import {
  type EntityDefinition,
  type FieldValues,
  openWriteBehindCache,
  parseSettings,
  type Row,
  type SqlMapping,
  type SqlValue,
  StoreDataError,
  type WriteBehindCache,
} from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { inject } from 'vitest';
import { makeAppUser } from './app-user.ts';
import { asSql } from './as-sql.ts';
import { silentLogger } from './world.ts';

/** Field to column. */
const COLUMNS: ReadonlyMap<string, string> = new Map([
  ['body', 'body'],
  ['constructor', 'builder'],
  ['__proto__', 'parent'],
  ['amount', 'amount'],
]);
export const FIELDS: readonly string[] = [...COLUMNS.keys()];
/** Characters in each text. */
export const MAX_TEXT = 60;

const definition: EntityDefinition<FieldValues, FieldValues> = {
  name: 'note',
  parseId: (id) => id as string,
  parseChanges: (changes) => changes as FieldValues,
};

const columns = [...COLUMNS.values()].join(', ');

const mapping: SqlMapping = {
  loadSql: `SELECT id, ${columns} FROM note WHERE id = ?`,
  lockSql: `SELECT id, ${columns} FROM note FORCE INDEX (PRIMARY) WHERE id IN (?) ORDER BY id FOR UPDATE`,
  idValue: (id) => id,
  rowId: (row) => String(row.id),
  toValue: (row) =>
    Object.fromEntries([...COLUMNS].map(([field, column]) => [field, row[column]])) as FieldValues,
  change(row, changes) {
    const after = { ...row };
    for (const [field, value] of Object.entries(changes)) {
      const column = COLUMNS.get(field);
      if (column === undefined) throw new StoreDataError(`note: nothing holds ${field}`);
      after[column] = value;
    }
    return after;
  },
  async write({ insert, run }, changes) {
    const names = [...COLUMNS.values()];
    const cells = (row: Row) => names.map((name) => row[name] as SqlValue);
    const log = changes.map(({ update, after }) => [update.id, update.user, update.comment, ...cells(after)]);
    await insert('note_log', ['id', 'user', 'comment', ...names], log);
    for (const [id, row] of new Map(changes.map(({ update, after }) => [update.id, after]))) {
      const assignments = [...COLUMNS.values()].map((name) => `${name} = ?`).join(', ');
      await run(`UPDATE note SET ${assignments} WHERE id = ?`, [...cells(row), id]);
    }
  },
};

const texts = ['body', 'builder', 'parent'].map((name) => `${name} VARCHAR(${String(MAX_TEXT)}) NULL`);
const TABLES = [
  `CREATE TABLE note (id VARCHAR(128) COLLATE utf8mb4_bin PRIMARY KEY, ${texts.join(', ')}, amount DOUBLE NULL)`,
  `CREATE TABLE note_log (n BIGINT AUTO_INCREMENT PRIMARY KEY, id VARCHAR(128) COLLATE utf8mb4_bin NOT NULL,
     user VARCHAR(100) NOT NULL, comment VARCHAR(200) NULL, ${texts.join(', ')}, amount DOUBLE NULL)`,
  'CREATE TABLE bystander (id INT PRIMARY KEY, text VARCHAR(20) NOT NULL)',
];

export interface Notes {
  readonly cache: WriteBehindCache<FieldValues, FieldValues>;
  /** Straight to the servers, past the engine. */
  readonly db: Connection;
  readonly valkey: Redis;
  readonly name: string;
  rows(sql: string, values?: unknown[]): Promise<readonly Row[]>;
  dispose(): Promise<void>;
}

export async function openNotes(ids: readonly string[]): Promise<Notes> {
  const name = `n_${randomBytes(6).toString('hex')}`;
  const [mysql, server] = [inject('mysql'), inject('valkey')];
  const db = await createConnection({ ...mysql, timezone: 'Z', charset: 'utf8mb4' });
  await db.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  await db.query(`USE ${name}`);
  for (const table of TABLES) await db.query(table);
  await db.query("INSERT INTO bystander VALUES (1, 'not concerned')");
  await db.query('INSERT INTO note (id) VALUES ?', [ids.map((id) => [id])]);
  const app = await makeAppUser(asSql(db), name, ['SELECT, UPDATE ON note', 'INSERT ON note_log']);
  const settings = parseSettings({
    DB_HOST: mysql.host,
    DB_PORT: String(mysql.port),
    ...app,
    DB_NAME: name,
    CACHE_HOST: server.host,
    CACHE_PORT: String(server.port),
    CACHE_NAMESPACE: name,
    QUEUE_PARTITIONS: '2',
  });
  const entity = { definition, mappings: { mysql: mapping } };
  const cache = await openWriteBehindCache(entity, settings, { logger: silentLogger });
  const valkey = new Redis(server.port, server.host);
  return {
    cache,
    db,
    valkey,
    name,
    async rows(sql, values = []) {
      return (await db.query<RowDataPacket[]>(sql, values))[0];
    },
    async dispose() {
      await cache.close();
      await db.query(`DROP DATABASE ${name}`);
      await db.query(`DROP USER ${name}`);
      await db.end();
      for (const key of await valkey.keys(`{${name}.*`)) await valkey.unlink(key);
      valkey.disconnect();
    },
  };
}
