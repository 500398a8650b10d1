/** What an SQL database knows of the number of partitions: the same steps on each, in its own words. */
import { StoreError } from '../errors.ts';
import type { OpenChange, Partitions } from '../repartition/ports.ts';
import type { Scope } from './engine.ts';

/** A row of `read-partition-change.sql`. */
export interface ChangeRow {
  readonly run: string;
  readonly fromPartitions: number;
  readonly toPartitions: number;
  readonly state: 'CLOSED' | 'COMMITTED' | 'LAPSED';
  readonly remainingMs: number;
}

/** One connection. */
interface Reader {
  rows<T extends object>(text: string, values?: readonly unknown[]): Promise<T[]>;
  run(text: string, values?: readonly unknown[]): Promise<number>;
}

interface Texts {
  readonly readPartitions: string;
  readonly readPartitionChange: string;
  readonly lapsePartitionChange: string;
}

interface Database {
  readonly texts: Texts;
  readonly isMissingTable: (error: unknown) => boolean;
}

/** How long writers wait for what comes after the commit: it takes milliseconds, unless the command was killed in it. */
const FINISHING_MS = 1000;

/** The number that holds now. `change` is there only while nobody may write: one whose time is over is given up here. */
export async function readPartitions(reader: Reader, scope: Scope, database: Database): Promise<Partitions> {
  const change = await readChange(reader, scope, database);
  const [row] = await reader.rows<{ partitions: number }>(database.texts.readPartitions, scope);
  if (!row) throw new StoreError('Nothing was ever queued here: QUEUE_PARTITIONS alone decides.');
  return { partitions: row.partitions, change };
}

async function readChange(
  reader: Reader,
  scope: Scope,
  { texts, isMissingTable }: Database,
): Promise<OpenChange | undefined> {
  const read = async () => {
    const [row] = await reader.rows<ChangeRow>(texts.readPartitionChange, scope);
    return row;
  };
  try {
    let row = await read();
    if (row?.state === 'CLOSED' && row.remainingMs <= 0) {
      await reader.run(texts.lapsePartitionChange, [...scope, row.run]);
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
