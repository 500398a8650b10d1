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
  openPorts,
  parseSettings,
  type SqlConnection,
  WriteBehindCache,
} from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { inject } from 'vitest';
import { makeAppUser } from './app-user.ts';
import { readCopy } from './memcached.ts';
import { cacheEnvironment, FIRST_PAIR, type Pair, queueServer } from './pair.ts';
import { makeTestDatabase, type TestDatabase } from './test-database.ts';
import { type Field, FIELDS, RESET, RIGHTS, widgetTables } from './widget-tables.ts';
import { silentLogger } from './world.ts';

export { type Field, FIELDS };

const definition: EntityDefinition<FieldValues, FieldValues> = {
  name: 'widget',
  parseId: String,
  parseChanges: (changes) => changes as FieldValues,
};

export class WidgetWorld {
  readonly ids: readonly string[];
  readonly cache: WriteBehindCache<FieldValues, FieldValues>;
  /** As another process has it, on ports of its own. */
  readonly cacheOn: (ports: CachePorts) => WriteBehindCache<FieldValues, FieldValues>;
  readonly ports: CachePorts;
  /** Straight to the servers, past the engine. */
  readonly sql: SqlConnection;
  readonly valkey: Redis;
  /** Of the one partition. */
  readonly tag: string;
  /** What memcached has of an entity, where it is the cache: `<tag> <value as JSON>`. */
  readonly readCopy: (id: string) => Promise<string | undefined>;
  readonly #database: TestDatabase;

  private constructor(
    open: { database: TestDatabase; ids: readonly string[]; ports: CachePorts } & Pick<
      WidgetWorld,
      'cache' | 'cacheOn' | 'valkey' | 'readCopy'
    >,
  ) {
    this.ids = open.ids;
    this.sql = open.database.sql;
    this.ports = open.ports;
    this.cache = open.cache;
    this.cacheOn = open.cacheOn;
    this.valkey = open.valkey;
    this.readCopy = open.readCopy;
    this.tag = `{${open.database.name}.widget.0}`;
    this.#database = open.database;
  }

  static async open(
    ids: readonly string[],
    changes: Readonly<Record<string, string>> = {},
    pair: Pair = FIRST_PAIR,
  ): Promise<WidgetWorld> {
    const name = `w_${randomBytes(6).toString('hex')}`;
    const server = inject(queueServer(pair.cache));
    const { tables, mapping } = widgetTables[pair.database];
    const database = await makeTestDatabase(pair.database, name);
    const { sql } = database;
    for (const table of tables) await sql.run(table);
    await sql.run('INSERT INTO cause VALUES (1)');
    await sql.insert(
      'widget',
      ['widget_id', 'name', 'size'],
      ids.map((id) => [Number(id), 'first', 0]),
    );
    const app = await makeAppUser(sql, name, RIGHTS);
    const settings = parseSettings({
      ...database.environment,
      ...app,
      ...cacheEnvironment(pair.cache),
      CACHE_NAMESPACE: name,
      QUEUE_PARTITIONS: '1',
      // Leases end only where a schedule says so.
      CACHE_FILL_LEASE_MS: '60000',
      ...changes,
    });
    const ports = await openPorts({ definition, mappings: { [pair.database]: mapping } }, settings, {
      logger: silentLogger,
    });
    const cacheOn = (own: CachePorts) => new WriteBehindCache(definition, own, cacheSettings(settings));
    const cache = cacheOn(ports);
    const valkey = new Redis(server.port, server.host);
    const copyOf = async (id: string) => await readCopy(inject('memcached'), `${name}.widget:${id}`);
    return new WidgetWorld({ database, ids, ports, cache, cacheOn, valkey, readCopy: copyOf });
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

  /** See `TestDatabase.batch`. */
  async batch(statements: readonly string[]): ReturnType<TestDatabase['batch']> {
    return await this.#database.batch(statements);
  }

  async refuse(broken: boolean): Promise<void> {
    await this.sql.run('UPDATE cause SET broken = ?', [broken ? 1 : 0]);
  }

  async reset(): Promise<void> {
    await this.valkey.unlink(`${this.tag}:breaker`);
    await this.valkey.unlink(...this.keys());
    await this.batch(['START TRANSACTION', ...RESET, 'COMMIT']);
  }

  async dispose(): Promise<void> {
    await this.cache.close();
    await this.#database.drop(this.#database.name);
    const keys = await this.valkey.keys(`${this.tag}:*`);
    if (keys.length > 0) await this.valkey.unlink(...keys);
    this.valkey.disconnect();
  }
}
