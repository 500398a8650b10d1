/** What the store knows of the number of partitions, and the steps by which that changes: see `repartition/`. */
import { partitionOf } from '../../buffer/keys.ts';
import { RepartitionError } from '../../errors.ts';
import { type PartitionChange, type Partitions, sealedEpoch } from '../../repartition/ports.ts';
import type { DatabaseSettings, OpenPartitions, Scope } from '../engine.ts';
import { type ChangeRow, readPartitions } from '../read-partitions.ts';
import type { PostgresClient } from './postgres-client.ts';
import { isMissingTable } from './postgres-errors.ts';
import { migrateTables } from './postgres-migrate.ts';
import { PostgresPool } from './postgres-pool.ts';
import { sql } from './sql.generated.ts';

/** The server forgets an idle session, and with it the lock that keeps a second command out. */
const LOCK_IDLE = '1d';
/** Of this database alone. */
const LOCK_KEY = "hashtextextended('afterwrite repartition ' || $1 || '/' || $2, 0)";

/** For `readPartitions`. */
export const database = { texts: sql, isMissingTable };

export class PostgresPartitions implements OpenPartitions {
  readonly #pool: PostgresPool;
  readonly #scope: Scope;

  constructor(connection: DatabaseSettings, scope: Scope) {
    this.#pool = new PostgresPool({ ...connection, poolSize: 2 });
    this.#scope = scope;
  }

  async migrate(): Promise<void> {
    await this.#pool.use((client) => migrateTables(client, sql.afterwrite));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.#pool.use(async (client) => {
      const [before] = await client.rows<{ idle: string }>(
        "SELECT current_setting('idle_session_timeout') AS idle, set_config('idle_session_timeout', $1, false)",
        [LOCK_IDLE],
      );
      const [row] = await client.rows<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS locked`,
        this.#scope,
      );
      if (row?.locked !== true) throw new RepartitionError('another command is at it');
      try {
        return await work();
      } finally {
        // It fails only on a lost connection, and then the server has released the lock.
        await client
          .run(`SELECT pg_advisory_unlock(${LOCK_KEY})`, this.#scope)
          .then(() => client.run("SELECT set_config('idle_session_timeout', $1, false)", [before?.idle]))
          .catch(() => undefined);
      }
    });
  }

  async read(): Promise<Partitions> {
    return await this.#pool.use((client) => readPartitions(client, this.#scope, database));
  }

  async begin({ run, from, to }: PartitionChange, limitMs: number): Promise<boolean> {
    return await this.#pool.use(async (client) => {
      client.send('START TRANSACTION');
      const [first] = await client.rows<{ partitions: number }>(sql.lockWatermarks, this.#scope);
      const [row] = await client.rows<ChangeRow>(sql.readPartitionChange, this.#scope);
      const mayBegin = first?.partitions === from && row?.state !== 'COMMITTED';
      if (mayBegin) client.send(sql.beginPartitionChange, [...this.#scope, run, from, to, limitMs]);
      await client.commit();
      return mayBegin;
    });
  }

  async commit({ run, from, to }: PartitionChange): Promise<boolean> {
    const scope = this.#scope;
    return await this.#pool.use(async (client) => {
      client.send('START TRANSACTION');
      const change = [...scope, run];
      // Before its own row, as `begin` does.
      const [first] = await client.rows<{ storeId: string }>(sql.lockWatermarks, scope);
      const [row] = await client.rows<{ state: string; isInTime: boolean }>(sql.lockPartitionChange, change);
      if (row?.state !== 'CLOSED' || !row.isInTime) {
        await client.run('ROLLBACK');
        return false;
      }
      client.send(sql.retireAllEpochs, scope);
      const all = Array.from({ length: Math.max(from, to) }, (_, partition) => partition);
      client.send(sql.insertWatermarks, [...scope, all, to, first?.storeId]);
      client.send(sql.renewWatermarks, [...scope, to, sealedEpoch(run)]);
      await this.#moveLetters(client, to);
      client.send(sql.countAllLetters, scope);
      client.send(sql.commitPartitionChange, change);
      await client.commit();
      return true;
    });
  }

  /** Where the updates of their entities go is found here: not every version of the server knows CRC-32. */
  async #moveLetters(client: PostgresClient, to: number): Promise<void> {
    const rows = await client.rows<{ entityId: string }>(sql.entitiesOfLetters, this.#scope);
    const ids = rows.map(({ entityId }) => entityId);
    const targets = ids.map((id) => partitionOf(id, to));
    client.send(sql.moveLetters, [...this.#scope, to, ids, targets]);
  }

  async abandon({ run }: PartitionChange): Promise<void> {
    await this.#end(run, false);
  }

  async end({ run }: PartitionChange): Promise<void> {
    await this.#end(run, true);
  }

  async #end(run: string, isCommitted: boolean): Promise<void> {
    const values = [...this.#scope, run, isCommitted];
    await this.#pool.use((client) => client.run(sql.endPartitionChange, values));
  }
}
