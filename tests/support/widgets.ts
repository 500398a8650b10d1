/**
 * A place of its own for an entity of several fields: a database, a namespace in Valkey, the engine's ports on both.
 * Updates whose comment begins with `bad` are refused by the database until the cause is mended, and again once it is
 * broken.
 */
import { randomBytes } from 'node:crypto';
import {
  type CachePorts,
  cacheSettings,
  type EntityDefinition,
  type FieldValues,
  type MysqlMapping,
  openPorts,
  parseSettings,
  WriteBehindCache,
} from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { type Connection, createConnection } from 'mysql2/promise';
import { inject } from 'vitest';
import { makeAppUser } from './app-user.ts';
import { silentLogger } from './world.ts';

export const FIELDS = ['name', 'size', 'note'] as const;
export type Field = (typeof FIELDS)[number];

const definition: EntityDefinition<FieldValues, FieldValues> = {
  name: 'widget',
  parseId: String,
  parseChanges: (changes) => changes as FieldValues,
};

const COLUMNS = `widget_id, ${FIELDS.join(', ')}`;

const mapping: MysqlMapping = {
  loadSql: `SELECT ${COLUMNS} FROM widget WHERE widget_id = ?`,
  lockSql: `SELECT ${COLUMNS} FROM widget WHERE widget_id IN (?) ORDER BY widget_id FOR UPDATE`,
  idValue: Number,
  rowId: (row) => String(row.widget_id),
  toValue: (row) => ({ ...row }) as FieldValues,
  change: (row, changes) => ({ ...row, ...changes }),
  async write(run, changes) {
    const log = changes.map(({ update }) => [update.comment]);
    await run('INSERT INTO widget_log (uid) VALUES ?', [log]);
    for (const row of new Map(changes.map(({ update, after }) => [update.id, after])).values()) {
      const { widget_id: id, name, size, note } = row;
      await run('UPDATE widget SET name = ?, size = ?, note = ? WHERE widget_id = ?', [name, size, note, id]);
    }
  },
};

const TABLES = [
  'CREATE TABLE widget (widget_id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, size INT NOT NULL, note VARCHAR(100))',
  'CREATE TABLE widget_log (id BIGINT AUTO_INCREMENT PRIMARY KEY, uid VARCHAR(20) NOT NULL)',
  'CREATE TABLE cause (broken BOOLEAN NOT NULL)',
  `CREATE TRIGGER refuse BEFORE INSERT ON widget_log FOR EACH ROW
   BEGIN
     IF NEW.uid LIKE 'bad%' AND (SELECT MAX(broken) FROM cause) THEN
       SIGNAL SQLSTATE '23000' SET MESSAGE_TEXT = 'refused until the cause is mended';
     END IF;
   END`,
];

const RIGHTS = ['SELECT, UPDATE ON widget', 'INSERT ON widget_log'];

/** What a run leaves behind, in the order in which it can be removed, and what the next one starts from. */
const RESET = `
  DELETE FROM widget_log;
  DELETE FROM afterwrite_dead_letters;
  DELETE FROM afterwrite_retired_epochs;
  DELETE FROM afterwrite_losses;
  UPDATE afterwrite_watermarks SET epoch = '', seq = 0, dead_letters = 0;
  UPDATE widget SET name = 'first', size = 0, note = NULL;
  UPDATE cause SET broken = TRUE;
`;

export class WidgetWorld {
  readonly ids: readonly string[];
  readonly cache: WriteBehindCache<FieldValues, FieldValues>;
  /** As another process has it, on ports of its own. */
  readonly cacheOn: (ports: CachePorts) => WriteBehindCache<FieldValues, FieldValues>;
  readonly ports: CachePorts;
  /** Straight to the servers, past the engine. */
  readonly db: Connection;
  readonly valkey: Redis;
  /** Of the one partition. */
  readonly tag: string;
  readonly #name: string;

  private constructor(
    open: { name: string; ids: readonly string[]; db: Connection; ports: CachePorts } & Pick<
      WidgetWorld,
      'cache' | 'cacheOn' | 'valkey'
    >,
  ) {
    this.ids = open.ids;
    this.db = open.db;
    this.ports = open.ports;
    this.cache = open.cache;
    this.cacheOn = open.cacheOn;
    this.valkey = open.valkey;
    this.tag = `{${open.name}.widget.0}`;
    this.#name = open.name;
  }

  static async open(
    ids: readonly string[],
    changes: Readonly<Record<string, string>> = {},
  ): Promise<WidgetWorld> {
    const name = `w_${randomBytes(6).toString('hex')}`;
    const [mysql, server] = [inject('mysql'), inject('valkey')];
    const db = await createConnection({ ...mysql, timezone: 'Z', multipleStatements: true });
    await db.query(`CREATE DATABASE ${name}; USE ${name}`);
    for (const table of TABLES) await db.query(table);
    await db.query('INSERT INTO cause VALUES (TRUE)');
    await db.query(
      "INSERT INTO widget SELECT n, 'first', 0, NULL FROM JSON_TABLE(?, '$[*]' COLUMNS (n INT PATH '$')) AS ids",
      [JSON.stringify(ids.map(Number))],
    );
    const app = await makeAppUser(db, name, RIGHTS);
    const settings = parseSettings({
      DB_HOST: mysql.host,
      DB_PORT: String(mysql.port),
      ...app,
      DB_NAME: name,
      CACHE_HOST: server.host,
      CACHE_PORT: String(server.port),
      CACHE_NAMESPACE: name,
      QUEUE_PARTITIONS: '1',
      // Leases end only where a schedule says so.
      CACHE_FILL_LEASE_MS: '60000',
      ...changes,
    });
    const ports = await openPorts({ definition, mysql: mapping }, settings, { logger: silentLogger });
    const cacheOn = (own: CachePorts) => new WriteBehindCache(definition, own, cacheSettings(settings));
    const cache = cacheOn(ports);
    const valkey = new Redis(server.port, server.host);
    return new WidgetWorld({ name, ids, db, ports, cache, cacheOn, valkey });
  }

  entityKey(id: string): string {
    return `${this.tag}:${id}`;
  }

  leaseKey(id: string): string {
    return `${this.tag}:fill:${id}`;
  }

  /** All that a failover can take away: the queue, what belongs to it, and what is cached. */
  keys(): string[] {
    const own = ['queue', 'seq', 'pending'].map((name) => `${this.tag}:${name}`);
    return [...own, ...this.ids.flatMap((id) => [this.entityKey(id), this.leaseKey(id)])];
  }

  async refuse(broken: boolean): Promise<void> {
    await this.db.query('UPDATE cause SET broken = ?', [broken]);
  }

  async reset(): Promise<void> {
    await this.valkey.unlink(`${this.tag}:breaker`);
    await this.valkey.unlink(...this.keys());
    await this.db.query(`START TRANSACTION; ${RESET} COMMIT`);
  }

  async dispose(): Promise<void> {
    await this.cache.close();
    await this.db.query(`DROP DATABASE ${this.#name}; DROP USER ${this.#name}`);
    await this.db.end();
    const keys = await this.valkey.keys(`${this.tag}:*`);
    if (keys.length > 0) await this.valkey.unlink(...keys);
    this.valkey.disconnect();
  }
}
