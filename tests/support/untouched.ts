/** Everything that calls could have written, as one value that can be compared: keys with their bytes, tables with checksums. */
import type { Redis } from 'iovalkey';
import type { Connection, RowDataPacket } from 'mysql2/promise';

export interface Written {
  /** Keys of this namespace, each with what it holds. */
  readonly own: Readonly<Record<string, string>>;
  /** All other keys of the server. */
  readonly foreign: readonly string[];
  readonly tables: Readonly<Record<string, string>>;
}

export async function readWritten(valkey: Redis, db: Connection, namespace: string): Promise<Written> {
  const keys = (await valkey.keys('*')).sort();
  const own = keys.filter((key) => key.startsWith(`{${namespace}.`));
  const dumps = await Promise.all(own.map((key) => valkey.dumpBuffer(key)));
  return {
    own: Object.fromEntries(own.map((key, index) => [key, dumps[index]?.toString('base64') ?? 'gone'])),
    foreign: keys.filter((key) => !own.includes(key)),
    tables: await checksums(db),
  };
}

export async function checksums(db: Connection): Promise<Record<string, string>> {
  const [names] = await db.query<RowDataPacket[]>('SHOW TABLES');
  const sums: Record<string, string> = {};
  for (const row of names) {
    const name = String(Object.values(row)[0]);
    const [answer] = await db.query<RowDataPacket[]>('CHECKSUM TABLE ??', [name]);
    sums[name] = String(answer[0]?.Checksum);
  }
  return sums;
}
