/** The store on PostgreSQL 14 and later. Its tables are made by `migrate`; the user's tables are the mapping's business. */
import type { Layout } from '../../buffer/partition-fence.ts';
import type { FieldValues } from '../../entity.ts';
import { StoreError } from '../../errors.ts';
import type { Position } from '../../position.ts';
import type { Scope, StoreOptions } from '../engine.ts';
import {
  checkPartitions,
  fromDatetime,
  type LetterRow,
  type LossRow,
  type PositionRow,
  stateOf,
  toDeadLetter,
  toLoss,
  type WatermarkRow,
} from '../rows.ts';
import type {
  AuditPage,
  AuditQuery,
  DeadLetter,
  LettersPage,
  LoadedRow,
  Loss,
  NewLoss,
  OpenedStore,
  PositionState,
  Row,
  StoreCheck,
  StorePort,
  StoreTransaction,
  WatermarkStatus,
} from '../store.ts';
import { checkSettings, type ServerSettings } from './postgres-checks.ts';
import { Copying } from './postgres-copy.ts';
import { isMissingTable, rightsFault } from './postgres-errors.ts';
import { migrateTables } from './postgres-migrate.ts';
import { readPartitions } from '../read-partitions.ts';
import { database } from './postgres-partitions.ts';
import { PostgresPool } from './postgres-pool.ts';
import { canBeKey, PostgresTransaction } from './postgres-transaction.ts';
import { sql } from './sql.generated.ts';

export class PostgresStore implements StorePort {
  readonly #pool: PostgresPool;
  readonly #options: StoreOptions;
  readonly #scope: Scope;
  readonly #copying = new Copying();

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#scope = [options.namespace, options.entity];
    this.#pool = new PostgresPool(options.connection);
  }

  async migrate(): Promise<void> {
    await this.#pool.use((client) => migrateTables(client, sql.afterwrite));
  }

  async check(): Promise<StoreCheck> {
    const [settings] = await this.#rows<ServerSettings>(sql.serverSettings, []);
    if (!settings) throw new StoreError('PostgreSQL did not tell its settings.');
    return checkSettings(settings);
  }

  async open(): Promise<OpenedStore> {
    const check = await this.check();
    try {
      const known = await this.#readOrMakeTables();
      const rows = known.length === 0 ? await this.#insertWatermarks() : known;
      return { ...check, storeId: checkPartitions(rows, this.#options).storeId };
    } catch (error) {
      throw rightsFault(this.#options.connection.user, error) ?? error;
    }
  }

  async readLayout(): Promise<Layout> {
    return await this.#pool.use(async (client) => {
      const { partitions, change } = await readPartitions(client, this.#scope, database);
      return { partitions, change: change && { to: change.to, remainingMs: change.remainingMs } };
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async load(id: string): Promise<LoadedRow> {
    const { mapping } = this.#options;
    const query = mapping.loadSql;
    const key = mapping.idValue(id);
    if (!canBeKey(key)) return { value: undefined, query };
    const [row] = await this.#rows<Row>(query, [key]);
    return { value: row && mapping.toValue(row), query };
  }

  change(row: Row, changes: FieldValues): Row {
    return this.#options.mapping.change(row, changes);
  }

  async readEpoch(partition: number): Promise<string> {
    const [row] = await this.#rows<{ epoch: string }>(sql.readEpoch, [...this.#scope, partition]);
    if (!row) throw new StoreError(`afterwrite_watermarks has no row for partition ${String(partition)}.`);
    return row.epoch;
  }

  async readWatermarks(): Promise<readonly WatermarkStatus[]> {
    const rows = await this.#readWatermarkRows();
    return rows.map(({ epoch, seq, deadLetters, movedAt }) => {
      return { position: { epoch, seq }, deadLetters, movedAt: fromDatetime(movedAt) };
    });
  }

  async transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    // An error leaves `use` by destroying the connection: the server rolls back what was open on it.
    return await this.#pool.use(async (client) => {
      client.send('START TRANSACTION');
      const { mapping, partitions } = this.#options;
      const result = await work(
        new PostgresTransaction(client, { scope: this.#scope, mapping, partitions, copying: this.#copying }),
      );
      await client.commit();
      return result;
    });
  }

  async deadLetters({ afterLetterId, limit, of }: LettersPage): Promise<readonly DeadLetter[]> {
    if (of && !canBeKey(of.entityId)) return [];
    const rows = await (of
      ? this.#rows<LetterRow>(sql.listLettersOf, [
          ...this.#scope,
          of.partition,
          of.entityId,
          afterLetterId,
          limit,
        ])
      : this.#rows<LetterRow>(sql.listLetters, [...this.#scope, afterLetterId, limit]));
    return rows.map(toDeadLetter);
  }

  async positionState(partition: number, { epoch, seq }: Position): Promise<PositionState> {
    const here = await this.#rows<PositionRow>(sql.positionState, [...this.#scope, epoch, seq, partition]);
    const known = stateOf(here, { epoch, seq });
    if (known.state !== 'UNKNOWN') return known;
    return stateOf(await this.#rows(sql.positionAnywhere, [...this.#scope, epoch, seq]), { epoch, seq });
  }

  async lastRetired(partition: number): Promise<Position | undefined> {
    const [row] = await this.#rows<Position>(sql.lastRetired, [...this.#scope, partition]);
    return row;
  }

  async recordLoss({ partition, kind, after, until }: NewLoss): Promise<boolean> {
    const range = [after?.epoch ?? '', after?.seq ?? 0, until.epoch, until.seq];
    const values = [...this.#scope, partition, kind, ...range];
    return (await this.#pool.use((client) => client.run(sql.recordLoss, values))) === 1;
  }

  async losses(limit: number): Promise<readonly Loss[]> {
    return (await this.#rows<LossRow>(sql.listLosses, [...this.#scope, limit])).map(toLoss);
  }

  async readAudit(id: string, query: AuditQuery): Promise<AuditPage> {
    const { mapping, entity } = this.#options;
    return await this.#pool.use(async (client) => {
      if (!mapping.readAudit) throw new StoreError(`${entity} has no audit trail that can be read.`);
      return await mapping.readAudit((text, values) => client.rows<Row>(text, values), id, query);
    });
  }

  async find(criteria: FieldValues): Promise<readonly FieldValues[]> {
    const { mapping, entity } = this.#options;
    return await this.#pool.use(async (client) => {
      if (!mapping.find) throw new StoreError(`${entity} is found by its id only.`);
      return await mapping.find((text, values) => client.rows<Row>(text, values), criteria);
    });
  }

  async ping(): Promise<void> {
    await this.#rows('SELECT 1', []);
  }

  async #rows<T extends object>(text: string, values: readonly unknown[]): Promise<T[]> {
    return await this.#pool.use((client) => client.rows<T>(text, values));
  }

  /** Also a table that a newer version of the engine has added is made. */
  async #readOrMakeTables(): Promise<WatermarkRow[]> {
    try {
      await this.losses(0);
      return await this.#readWatermarkRows();
    } catch (error) {
      if (!isMissingTable(error)) throw error;
      await this.migrate();
      return await this.#readWatermarkRows();
    }
  }

  async #readWatermarkRows(): Promise<WatermarkRow[]> {
    return await this.#rows<WatermarkRow>(sql.readWatermarks, this.#scope);
  }

  /** Row 0 first: of two processes with different counts the second waits for it and then sees the first's count. */
  async #insertWatermarks(): Promise<WatermarkRow[]> {
    const { partitions, uniqueName } = this.#options;
    await this.#pool.use(async (client) => {
      client.send('START TRANSACTION');
      client.send(sql.insertWatermarks, [...this.#scope, [0], partitions, uniqueName()]);
      const [first] = await client.rows<WatermarkRow>(sql.lockWatermarks, this.#scope);
      if (first?.partitions === partitions) {
        const others = Array.from({ length: partitions - 1 }, (_, index) => index + 1);
        client.send(sql.insertWatermarks, [...this.#scope, others, partitions, first.storeId]);
      }
      await client.commit();
    });
    return await this.#readWatermarkRows();
  }
}
