/** The fastest way for rows into MySQL: `LOAD DATA` of the audit rows alone, and nothing else of what a flush does. */
import { Readable } from 'node:stream';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Servers } from '../lab/servers.ts';

export interface LoadFloor {
  /** Rows a second, each statement a transaction of its own. */
  readonly load: (mostMs: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const ROWS_A_STATEMENT = 5000;

/** Takes the rows that the last flush has written. */
export async function openLoadFloor({ connect }: Pick<Servers, 'connect'>): Promise<LoadFloor> {
  const connection = await connect();
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM flight_log LIMIT ?', [
    ROWS_A_STATEMENT,
  ]);
  if (rows.length < ROWS_A_STATEMENT) throw new Error('flight_log has too few rows to load');
  const text = Buffer.from(
    rows
      .map((row) => `${(Object.values(row) as (string | number | null)[]).map(asField).join('\t')}\n`)
      .join(''),
  );
  return {
    load: (mostMs) => loadFor(connection, text, mostMs),
    close: () => connection.end(),
  };
}

async function loadFor(connection: Connection, text: Buffer, mostMs: number): Promise<number> {
  const startMs = performance.now();
  let rows = 0;
  let spentMs = 0;
  while (spentMs < mostMs) {
    await connection.query({
      sql: "LOAD DATA LOCAL INFILE 'rows' INTO TABLE flight_log CHARACTER SET utf8mb4",
      infileStreamFactory: () => Readable.from([text]),
    });
    rows += ROWS_A_STATEMENT;
    spentMs = performance.now() - startMs;
  }
  return (1000 * rows) / spentMs;
}

function asField(value: string | number | null): string {
  return value === null ? '\\N' : String(value).replaceAll('\\', '\\\\');
}
