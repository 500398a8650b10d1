/** What the store knows of the number of partitions, and the steps by which that changes: see `repartition/`. */
import { RepartitionError, StoreError } from '../../errors.ts';
import {
  type OpenChange,
  type PartitionChange,
  type Partitions,
  sealedEpoch,
} from '../../repartition/ports.ts';
import type { DatabaseSettings, OpenPartitions, Scope } from '../engine.ts';
import type { MysqlDialect } from './dialect.ts';
import { isMissingTable } from './mysql-errors.ts';
import { type MysqlConnection, MysqlPool } from './mysql-pool.ts';
import { sql } from './sql.generated.ts';

interface ChangeRow {
  readonly run: string;
  readonly fromPartitions: number;
  readonly toPartitions: number;
  readonly state: 'CLOSED' | 'COMMITTED' | 'LAPSED';
  readonly remainingMs: number;
}

/** How long writers wait for what comes after the commit: it takes milliseconds, unless the command was killed in it. */
const FINISHING_MS = 1000;
/** The server forgets an idle connection, and with it the lock that keeps a second command out. */
const LOCK_IDLE_SECONDS = 86_400;

/** The number that holds now. `change` is there only while nobody may write: one whose time is over is given up here. */
export async function readPartitions(connection: MysqlConnection, scope: Scope): Promise<Partitions> {
  const change = await readChange(connection, scope);
  const [row] = await connection.rows<{ partitions: number }>(sql.readPartitions, scope);
  if (!row) throw new StoreError('Nothing was ever queued here: QUEUE_PARTITIONS alone decides.');
  return { partitions: row.partitions, change };
}

async function readChange(connection: MysqlConnection, scope: Scope): Promise<OpenChange | undefined> {
  const read = async () => {
    const [row] = await connection.rows<ChangeRow>(sql.readPartitionChange, scope);
    return row;
  };
  try {
    let row = await read();
    if (row?.state === 'CLOSED' && row.remainingMs <= 0) {
      await connection.run(sql.lapsePartitionChange, [...scope, row.run]);
      row = await read();
    }
    if (!row || row.state === 'LAPSED') return undefined;
    const { run, fromPartitions: from, toPartitions: to } = row;
    const isCommitted = row.state === 'COMMITTED';
    return { run, from, to, isCommitted, remainingMs: isCommitted ? FINISHING_MS : row.remainingMs };
  } catch (error) {
    // The table came with the command; where nobody ever ran it, nothing is under way.
    if (isMissingTable(error)) return undefined;
    throw error;
  }
}

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
    return await this.#pool.use((connection) => readPartitions(connection, this.#scope));
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
