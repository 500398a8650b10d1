/** The store on MySQL and MariaDB. Its tables are made by `migrate`; the user's tables are the mapping's business. */
import type { Layout } from '../../buffer/partition-fence.ts';
import { StoreError } from '../../errors.ts';
import type { FieldValues } from '../../entity.ts';
import type { Position } from '../../position.ts';
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
import type { MysqlDialect } from './dialect.ts';
import { checkSettings, type ServerSettings } from './mysql-checks.ts';
import { isMissingTable, rightsFault } from './mysql-errors.ts';
import { readPartitions } from '../read-partitions.ts';
import { database } from './mysql-partitions.ts';
import { Loading } from './mysql-infile.ts';
import { MysqlPool } from './mysql-pool.ts';
import { MysqlTransaction } from './mysql-transaction.ts';
import { sql } from './sql.generated.ts';

export class MysqlStore implements StorePort {
  readonly #pool: MysqlPool;
  readonly #options: StoreOptions;
  readonly #dialect: MysqlDialect;
  readonly #scope: Scope;
  readonly #loading = new Loading();

  constructor(options: StoreOptions, dialect: MysqlDialect) {
    this.#options = options;
    this.#dialect = dialect;
    this.#scope = [options.namespace, options.entity];
    this.#pool = new MysqlPool(options.connection, dialect);
  }

  async migrate(): Promise<void> {
    await this.#pool.use(async (connection) => {
      for (const statement of sql.afterwrite) await connection.run(statement);
    });
  }

  async check(): Promise<StoreCheck> {
    return await this.#pool.use(async (connection) => {
      const [settings] = await connection.rows<ServerSettings>(this.#dialect.serverSettings);
      if (!settings) throw new StoreError(`${this.#dialect.title} did not tell its settings.`);
      this.#loading.set(settings.localInfile === 1);
      return checkSettings(settings, this.#options.maxBatchBytes, this.#dialect);
    });
  }

  async open(): Promise<OpenedStore> {
    const check = await this.check();
    try {
      const known = await this.#readOrMakeTables();
      const rows = known.length === 0 ? await this.#insertWatermarks() : known;
      return { ...check, storeId: checkPartitions(rows, this.#options).storeId };
    } catch (error) {
      throw rightsFault(`${this.#dialect.title}'s user ${this.#options.connection.user}`, error) ?? error;
    }
  }

  async readLayout(): Promise<Layout> {
    return await this.#pool.use(async (connection) => {
      const { partitions, change } = await readPartitions(connection, this.#scope, database);
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
    // No row has it, and as SQL NaN would be the name of a column.
    if (typeof key === 'number' && !Number.isFinite(key)) return { value: undefined, query };
    return await this.#pool.use(async (connection) => {
      const [row] = await connection.rows<Row>(query, [key]);
      return { value: row && mapping.toValue(row), query };
    });
  }

  change(row: Row, changes: FieldValues): Row {
    return this.#options.mapping.change(row, changes);
  }

  async readEpoch(partition: number): Promise<string> {
    const [row] = await this.#pool.use((connection) =>
      connection.rows<{ epoch: string }>(sql.readEpoch, [...this.#scope, partition]),
    );
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
    return await this.#pool.use(async (connection) => {
      await connection.run('START TRANSACTION');
      const { mapping, partitions } = this.#options;
      const result = await work(
        new MysqlTransaction(connection, { scope: this.#scope, mapping, partitions, loading: this.#loading }),
      );
      await connection.run('COMMIT');
      return result;
    });
  }

  async deadLetters({ afterLetterId, limit, of }: LettersPage): Promise<readonly DeadLetter[]> {
    const rows = await this.#pool.use((connection) =>
      of
        ? connection.rows<LetterRow>(sql.listLettersOf, [
            ...this.#scope,
            of.partition,
            of.entityId,
            afterLetterId,
            limit,
          ])
        : connection.rows<LetterRow>(sql.listLetters, [...this.#scope, afterLetterId, limit]),
    );
    return rows.map(toDeadLetter);
  }

  async positionState(partition: number, { epoch, seq }: Position): Promise<PositionState> {
    const values = [epoch, epoch, seq, ...this.#scope, partition];
    return await this.#pool.use(async (connection) => {
      const here = await connection.rows<PositionRow>(sql.positionState, values);
      const known = stateOf(here, { epoch, seq });
      if (known.state !== 'UNKNOWN') return known;
      const anywhere = [epoch, epoch, seq, ...this.#scope, epoch];
      return stateOf(await connection.rows<PositionRow>(sql.positionAnywhere, anywhere), { epoch, seq });
    });
  }

  async lastRetired(partition: number): Promise<Position | undefined> {
    const [row] = await this.#pool.use((connection) =>
      connection.rows<Position>(sql.lastRetired, [...this.#scope, partition]),
    );
    return row;
  }

  async recordLoss({ partition, kind, after, until }: NewLoss): Promise<boolean> {
    const range = [after?.epoch ?? '', after?.seq ?? 0, until.epoch, until.seq];
    const values = [...this.#scope, partition, kind, ...range];
    return (await this.#pool.use((connection) => connection.run(sql.recordLoss, values))) === 1;
  }

  async losses(limit: number): Promise<readonly Loss[]> {
    const rows = await this.#pool.use((connection) =>
      connection.rows<LossRow>(sql.listLosses, [...this.#scope, limit]),
    );
    return rows.map(toLoss);
  }

  async readAudit(id: string, query: AuditQuery): Promise<AuditPage> {
    const { mapping, entity } = this.#options;
    return await this.#pool.use(async (connection) => {
      if (!mapping.readAudit) throw new StoreError(`${entity} has no audit trail that can be read.`);
      return await mapping.readAudit((text, values) => connection.rows<Row>(text, values), id, query);
    });
  }

  async find(criteria: FieldValues): Promise<readonly FieldValues[]> {
    const { mapping, entity } = this.#options;
    return await this.#pool.use(async (connection) => {
      if (!mapping.find) throw new StoreError(`${entity} is found by its id only.`);
      return await mapping.find((text, values) => connection.rows<Row>(text, values), criteria);
    });
  }

  async ping(): Promise<void> {
    await this.#pool.use((connection) => connection.rows('SELECT 1'));
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
    return await this.#pool.use((connection) =>
      connection.rows<WatermarkRow>(sql.readWatermarks, this.#scope),
    );
  }

  /** Row 0 first: of two processes with different counts the second waits for it and then sees the first's count. */
  async #insertWatermarks(): Promise<WatermarkRow[]> {
    const { partitions, uniqueName } = this.#options;
    const row = (partition: number, storeId: string) => [...this.#scope, partition, partitions, storeId];
    await this.#pool.use(async (connection) => {
      await connection.run('START TRANSACTION');
      await connection.run(sql.insertWatermarks, [[row(0, uniqueName())]]);
      const rows = await connection.rows<WatermarkRow>(`${sql.readWatermarks} FOR UPDATE`, this.#scope);
      const [first] = rows;
      if (first?.partitions === partitions && partitions > 1) {
        const others = Array.from({ length: partitions - 1 }, (_, index) => row(index + 1, first.storeId));
        await connection.run(sql.insertWatermarks, [others]);
      }
      await connection.run('COMMIT');
    });
    return await this.#readWatermarkRows();
  }
}
