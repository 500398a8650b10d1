/**
 * Reads what the servers hold, while they may be at work. The queue first, then everything of the database in one snapshot: an
 * update that leaves the queue meanwhile is in the snapshot, and its watermark, of the same moment, says so.
 */
import { type BufferPort, decodeItem } from '@afterwrite/write-behind/internal';
import { connectDatabase, type Settings } from '@afterwrite/write-behind';
import { flightsIn } from '../databases/index.ts';
import { flightDefinition } from '../flight.ts';
import { fromDatetime } from '../times.ts';
import { contentOf, type Fact, type TrailFact } from './facts.ts';

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

/** Reads the database; resolves with the last seq of each epoch that it has dealt with, and the audit rows' number. */
export async function readStore(
  settings: Settings,
  options: ReadStateOptions,
): Promise<{ covered: Map<string, number>; trailRows: number }> {
  const { signal } = options;
  // A connection of its own, since the engine's ones give up on long statements.
  const connection = await connectDatabase(settings);
  const destroy = () => {
    connection.destroy();
  };
  signal?.addEventListener('abort', destroy);
  const scope = [settings.CACHE_NAMESPACE, flightDefinition.name];
  const { texts } = flightsIn[connection.engine];
  try {
    return await connection.snapshot(async () => {
      const covered = new Map<string, number>();
      const read = connection.stream<[string, number]>(texts.readCovered, [...scope, ...scope]);
      for await (const [epoch, seq] of read) covered.set(epoch, Math.max(seq, covered.get(epoch) ?? 0));
      for await (const [item] of connection.stream<[Buffer]>(texts.readLetters, scope)) {
        addItem('DEAD', item, options);
      }
      let trailRows = 0;
      for await (const row of connection.stream<TrailRow>(texts.readTrail)) {
        options.add(trailFact(row));
        if (++trailRows % PROGRESS_EVERY_ROWS === 0) options.onProgress('audit rows read', trailRows);
      }
      for await (const row of connection.stream<[number, string, string]>(texts.readRows)) {
        const [id, departure, arrival] = row;
        options.add(['ROW', String(id), timesOf(departure, arrival)]);
      }
      return { covered, trailRows };
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', destroy);
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
  /** Only where the database keeps no order within a transaction. */
  group?: string,
];

function trailFact(row: TrailRow): TrailFact {
  const [id, departureOld, arrivalOld, departureNew, arrivalNew, user, comment, group] = row;
  const [departure, arrival] = [fromDatetime(departureNew), fromDatetime(arrivalNew)];
  const what = contentOf({ departure, arrival, user, comment });
  const [before, after] = [timesOf(departureOld, arrivalOld), timesOf(departureNew, arrivalNew)];
  return group === undefined
    ? ['TRAIL', String(id), what, before, after]
    : ['TRAIL', String(id), what, before, after, group];
}

function timesOf(departure: string, arrival: string): string {
  return `${fromDatetime(departure)} ${fromDatetime(arrival)}`;
}
