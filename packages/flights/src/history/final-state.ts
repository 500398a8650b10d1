/**
 * Reads what the servers hold, while they may be at work. The queue first, then everything of MySQL in one snapshot: an
 * update that leaves the queue meanwhile is in the snapshot, and its watermark, of the same moment, says so.
 */
import { type BufferPort, decodeItem } from '@afterwrite/write-behind/internal';
import { mysqlTls, type Settings } from '@afterwrite/write-behind';
import { type Connection, createConnection } from 'mysql2';
import { flightDefinition } from '../flight.ts';
import { fromDatetime } from '../times.ts';
import { contentOf, type Fact } from './facts.ts';
import { sql } from './sql.generated.ts';

export interface ReadStateOptions {
  readonly add: (fact: Fact) => void;
  readonly onUnreadable: () => void;
  readonly onProgress: (what: string, count: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** All of a partition's queue is read in one step: what leaves its head meanwhile would move the rest. */
const WHOLE_QUEUE = { rows: 100_000_000, bytes: 1 << 30 };
const PROGRESS_EVERY_ROWS = 20_000;

export async function readQueues(
  buffer: Pick<BufferPort, 'peek'>,
  partitions: number,
  options: ReadStateOptions,
): Promise<void> {
  let count = 0;
  for (let partition = 0; partition < partitions; partition++) {
    options.signal?.throwIfAborted();
    const { items } = await buffer.peek(partition, WHOLE_QUEUE);
    for (const item of items) addItem('QUEUED', item, options);
    count += items.length;
    options.onProgress('updates wait in the queue', count);
  }
}

function addItem(kind: 'QUEUED' | 'DEAD', bytes: Buffer, { add, onUnreadable }: ReadStateOptions): void {
  const item = decodeItem(bytes);
  if (item.kind !== 'UPDATE') {
    onUnreadable();
    return;
  }
  const { departure, arrival } = item.changes;
  const { id, user, comment, position } = item;
  const what = contentOf({ departure: String(departure), arrival: String(arrival), user, comment });
  add([kind, id, what, `${position.epoch}-${String(position.seq)}`]);
}

/** Reads MySQL; resolves with the last seq of each epoch that the database has dealt with, and the audit rows' number. */
export async function readStore(
  settings: Settings,
  options: ReadStateOptions,
): Promise<{ covered: Map<string, number>; trailRows: number }> {
  const connection = connect(settings);
  const scope = [settings.CACHE_NAMESPACE, flightDefinition.name];
  try {
    await run(connection, "SET time_zone = '+00:00', SESSION transaction_isolation = 'REPEATABLE-READ'");
    await run(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const rows = <Row>(text: string, values: unknown[] = []) =>
      stream<Row>(connection, text, values, options.signal);
    const covered = new Map<string, number>();
    for await (const [epoch, seq] of rows<[string, number]>(sql.readCovered, [...scope, ...scope])) {
      covered.set(epoch, Math.max(seq, covered.get(epoch) ?? 0));
    }
    for await (const [item] of rows<[Buffer]>(sql.readLetters, scope)) addItem('DEAD', item, options);
    let trailRows = 0;
    for await (const row of rows<TrailRow>(sql.readTrail)) {
      options.add(trailFact(row));
      if (++trailRows % PROGRESS_EVERY_ROWS === 0) options.onProgress('audit rows read', trailRows);
    }
    for await (const [id, departure, arrival] of rows<[number, string, string]>(sql.readRows)) {
      options.add(['ROW', String(id), timesOf(departure, arrival)]);
    }
    return { covered, trailRows };
  } finally {
    connection.destroy();
  }
}

type TrailRow = [
  flightId: number,
  departureOld: string,
  arrivalOld: string,
  departureNew: string,
  arrivalNew: string,
  user: string,
  comment: string | null,
];

function trailFact([id, departureOld, arrivalOld, departureNew, arrivalNew, user, comment]: TrailRow): Fact {
  const [departure, arrival] = [fromDatetime(departureNew), fromDatetime(arrivalNew)];
  const what = contentOf({ departure, arrival, user, comment });
  return ['TRAIL', String(id), what, timesOf(departureOld, arrivalOld), timesOf(departureNew, arrivalNew)];
}

function timesOf(departure: string, arrival: string): string {
  return `${fromDatetime(departure)} ${fromDatetime(arrival)}`;
}

/** A connection of its own, since the engine's ones give up on long statements. */
function connect(settings: Settings): Connection {
  return createConnection({
    host: settings.DB_HOST,
    port: settings.DB_PORT,
    database: settings.DB_NAME,
    user: settings.DB_USER,
    password: settings.DB_PASSWORD,
    ...mysqlTls(settings),
    connectTimeout: settings.DB_CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4_unicode_ci',
    timezone: 'Z',
    dateStrings: true,
  });
}

async function run(connection: Connection, text: string): Promise<void> {
  await connection.promise().query(text);
}

/** Rows as arrays, in the statement's order of columns. */
async function* stream<Row>(
  connection: Connection,
  text: string,
  values: unknown[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Row> {
  for await (const row of connection.query({ sql: text, values, rowsAsArray: true }).stream()) {
    signal?.throwIfAborted();
    yield row as Row;
  }
}
