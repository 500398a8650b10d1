/**
 * One seeding of a database at a time: two would both miss the same flights, and one of them would fail on
 * duplicate keys. The lock belongs to the connection, so it ends with its process, however that ends.
 */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { SeedLockedError } from './errors.ts';

/**
 * The lock's name, in SQL. Names of locks hold for the whole server and have 64 characters at the most, as names
 * of databases have: hence a digest of the database's name (by SHA2, as MySQL 9 has no MD5 or SHA1 by itself).
 */
export const seedLockName = "CONCAT('seed-flights.', LEFT(SHA2(DATABASE(), 256), 40))";

interface LockRow extends RowDataPacket {
  readonly locked: number | null;
}

/** Does `work` under the lock. Throws SeedLockedError when it was not to be had for `waitSeconds`. */
export async function withSeedLock<T>(
  connection: Connection,
  waitSeconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const [rows] = await connection.query<LockRow[]>(`SELECT GET_LOCK(${seedLockName}, ?) AS locked`, [
    waitSeconds,
  ]);
  if (rows[0]?.locked !== 1) throw new SeedLockedError(waitSeconds);
  try {
    return await work();
  } finally {
    // It fails only on a lost connection, and then the server has released the lock.
    await connection.query(`DO RELEASE_LOCK(${seedLockName})`).catch(() => undefined);
  }
}
