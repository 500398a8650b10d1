/** What the store knows of the number of partitions, and the steps by which that changes: see `repartition/`. */
import { RepartitionError } from '../../errors.ts';
import { type PartitionChange, type Partitions, sealedEpoch } from '../../repartition/ports.ts';
import type { DatabaseSettings, OpenPartitions, Scope } from '../engine.ts';
import { type ChangeRow, readPartitions } from '../read-partitions.ts';
import type { MysqlDialect } from './dialect.ts';
import { isMissingTable } from './mysql-errors.ts';
import { MysqlPool } from './mysql-pool.ts';
import { sql } from './sql.generated.ts';

/** The server forgets an idle connection, and with it the lock that keeps a second command out. */
const LOCK_IDLE_SECONDS = 86_400;

/** For `readPartitions`. */
export const database = { texts: sql, isMissingTable };

export class MysqlPartitions implements OpenPartitions {
  readonly #pool: MysqlPool;
  readonly #scope: Scope;

  constructor(connection: DatabaseSettings, scope: Scope, dialect: MysqlDialect) {
    this.#pool = new MysqlPool({ ...connection, poolSize: 2 }, dialect);
    this.#scope = scope;
  }

  async migrate(): Promise<void> {
    await this.#pool.use(async (connection) => {
      for (const statement of sql.afterwrite) await connection.run(statement);
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.#pool.use(async (connection) => {
      // Names of locks hold for the whole server, and have 64 characters at the most.
      const name = "CONCAT('afterwrite.', LEFT(SHA2(CONCAT_WS('/', DATABASE(), ?, ?), 256), 40))";
      await connection.run('SET SESSION wait_timeout = ?', [LOCK_IDLE_SECONDS]);
      const [row] = await connection.rows<{ locked: number }>(
        `SELECT GET_LOCK(${name}, 0) AS locked`,
        this.#scope,
      );
      if (row?.locked !== 1) throw new RepartitionError('another command is at it');
      try {
        return await work();
      } finally {
        // It fails only on a lost connection, and then the server has released the lock.
        await connection.run(`DO RELEASE_LOCK(${name})`, this.#scope).catch(() => undefined);
      }
    });
  }

  async read(): Promise<Partitions> {
    return await this.#pool.use((connection) => readPartitions(connection, this.#scope, database));
  }

  async begin({ run, from, to }: PartitionChange, limitMs: number): Promise<boolean> {
    return await this.#pool.use(async (connection) => {
      await connection.run('START TRANSACTION');
      const [first] = await connection.rows<{ partitions: number }>(sql.lockWatermarks, this.#scope);
      const [row] = await connection.rows<ChangeRow>(sql.readPartitionChange, this.#scope);
      const mayBegin = first?.partitions === from && row?.state !== 'COMMITTED';
      if (mayBegin) {
        const values = [...this.#scope, run, from, to, Math.round(limitMs * 1000)];
        await connection.run(sql.beginPartitionChange, values);
      }
      await connection.run('COMMIT');
      return mayBegin;
    });
  }

  async commit({ run, from, to }: PartitionChange): Promise<boolean> {
    const scope = this.#scope;
    return await this.#pool.use(async (connection) => {
      await connection.run('START TRANSACTION');
      const change = [...scope, run];
      // Before its own row, as `begin` does.
      const marks = await connection.rows<{ storeId: string }>(sql.lockWatermarks, scope);
      const [row] = await connection.rows<{ state: string; isInTime: number }>(
        sql.lockPartitionChange,
        change,
      );
      if (row?.state !== 'CLOSED' || row.isInTime !== 1) {
        await connection.run('ROLLBACK');
        return false;
      }
      await connection.run(sql.retireAllEpochs, scope);
      const rows = Array.from({ length: Math.max(from, to) }, (_, partition) => [
        ...scope,
        partition,
        to,
        marks[0]?.storeId,
      ]);
      await connection.run(sql.insertWatermarks, [rows]);
      await connection.run(sql.renewWatermarks, [to, sealedEpoch(run), ...scope]);
      await connection.run(sql.moveLetters, [to, to, ...scope]);
      await connection.run(sql.countAllLetters, scope);
      await connection.run(sql.commitPartitionChange, change);
      await connection.run('COMMIT');
      return true;
    });
  }

  async abandon({ run }: PartitionChange): Promise<void> {
    await this.#end(run, false);
  }

  async end({ run }: PartitionChange): Promise<void> {
    await this.#end(run, true);
  }

  async #end(run: string, isCommitted: boolean): Promise<void> {
    const values = [...this.#scope, run, isCommitted];
    await this.#pool.use((connection) => connection.run(sql.endPartitionChange, values));
  }
}
