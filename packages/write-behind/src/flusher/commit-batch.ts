/**
 * One batch, one transaction: lock the watermark, skip what it covers, change the rows, write one audit row an update,
 * park what the data forbids, move the watermark, commit. However often and by whomever a batch is committed again,
 * each update is dealt with once (invariant 4), because the watermark moves in the transaction that changes the rows.
 */
import { LimitError, NewerFormatError } from '../errors.ts';
import { ITEM_FORMAT, type KnownItem, type QueueItem, type QueuedUpdate } from '../item.ts';
import type { Position } from '../position.ts';
import { type PlacedItem, placeItems, retiredOnTheWay } from '../store/placement.ts';
import type { NewDeadLetter, StorePort, StoreTransaction, Watermark } from '../store/store.ts';
import { type Applied, applyUpdates } from './apply.ts';

export interface Batch {
  readonly partition: number;
  readonly items: readonly QueueItem[];
  /** The watermark's epoch, read before the items were peeked. */
  readonly seenEpoch: string;
  /** Dead letters that the partition may hold. */
  readonly deadLetterLimit: number;
}

export type BatchOutcome =
  | {
      readonly kind: 'COMMITTED';
      /** Updates stored by this transaction. */
      readonly stored: readonly QueuedUpdate[];
      /** Items found dealt with by an earlier one. */
      readonly skipped: number;
      readonly parked: readonly NewDeadLetter[];
      /** What the buffer may drop now. */
      readonly covered: ReadonlyMap<string, number>;
      readonly distrusted: ReadonlySet<string>;
      readonly parkedBytes: readonly Buffer[];
      readonly watermark: Position;
      readonly statements: readonly string[];
    }
  /** Nothing was changed: the epoch moved since the peek, so the batch may be of a queue that is no more. */
  | { readonly kind: 'EPOCH_MOVED'; readonly watermark: Position; readonly statements: readonly string[] };

export async function commitBatch(store: StorePort, batch: Batch): Promise<BatchOutcome> {
  const items = knownPrefix(batch);
  return await store.transaction(async (transaction) => {
    const watermark = await transaction.lockWatermark(batch.partition);
    const retired = await readRetired(transaction, batch.partition, items, watermark.position.epoch);
    const placement = placeItems({
      items,
      watermark: watermark.position,
      retired,
      seenEpoch: batch.seenEpoch,
    });
    if (placement.kind === 'EPOCH_MOVED') {
      return { kind: 'EPOCH_MOVED', watermark: watermark.position, statements: transaction.statements };
    }
    const updates = placement.items.filter((placed) => placed.kind === 'NEW').map(({ item }) => item);
    const applied: Applied =
      updates.length === 0
        ? { refused: new Map(), settled: 0 }
        : await applyUpdates(store, transaction, updates);
    const settled = settledPrefix(placement.items, updates[applied.settled]);
    const parked = lettersOf(settled, applied);
    const position = settled.at(-1)?.watermark ?? watermark.position;
    const stored = updates.slice(0, applied.settled).filter((update) => !applied.refused.has(update));

    if (watermark.deadLetters > 0) await transaction.supersede(batch.partition, fieldsByEntity(stored));
    const deadLetters = await park(transaction, batch, watermark, parked);
    const ended = retiredOnTheWay(watermark.position, settled);
    if (ended.length > 0) await transaction.retire(batch.partition, ended);
    if (position !== watermark.position || deadLetters !== watermark.deadLetters) {
      await transaction.moveWatermark(batch.partition, { position, deadLetters });
    }
    return {
      kind: 'COMMITTED',
      stored,
      skipped: settled.filter(({ kind }) => kind === 'DONE').length,
      parked,
      ...acknowledged(settled, parked),
      watermark: position,
      statements: transaction.statements,
    };
  });
}

/**
 * The items before the first one that newer code wrote. What lies behind that one waits with it, so that nothing is stored
 * out of order; where it is the first, the partition stops.
 */
function knownPrefix({ partition, items }: Batch): readonly KnownItem[] {
  const known: KnownItem[] = [];
  for (const item of items) {
    if (item.kind !== 'NEWER') known.push(item);
    else if (known.length > 0) break;
    else throw new NewerFormatError(item.format, ITEM_FORMAT, { partition });
  }
  return known;
}

async function readRetired(
  transaction: StoreTransaction,
  partition: number,
  items: readonly KnownItem[],
  current: string,
) {
  const epochs = new Set<string>();
  for (const item of items) {
    if (item.kind === 'UPDATE' && item.position.epoch !== current) epochs.add(item.position.epoch);
  }
  return epochs.size === 0
    ? new Map<string, number>()
    : await transaction.readRetired(partition, [...epochs]);
}

function settledPrefix(
  items: readonly PlacedItem[],
  firstUnsettled: QueuedUpdate | undefined,
): readonly PlacedItem[] {
  if (firstUnsettled === undefined) return items;
  return items.slice(
    0,
    items.findIndex(({ item }) => item === firstUnsettled),
  );
}

/** The letters of a settled batch, each with the fields that later updates of the same batch have set since. */
function lettersOf(settled: readonly PlacedItem[], applied: Applied): NewDeadLetter[] {
  const letters: NewDeadLetter[] = [];
  const isClean = ({ kind }: PlacedItem) => kind === 'NEW' || kind === 'DONE';
  if (applied.refused.size === 0 && settled.every(isClean)) return letters;
  const setLater = new Map<string, Set<string>>();
  for (const placed of settled.toReversed()) {
    if (placed.kind === 'NEW') {
      const { item } = placed;
      const fields = Object.keys(item.changes);
      const later = setLater.get(item.id) ?? new Set();
      const refusal = applied.refused.get(item);
      if (refusal) {
        const superseded = fields.filter((field) => later.has(field));
        letters.push({ ...updateLetter(item, fields), superseded, ...refusal });
      } else {
        for (const field of fields) later.add(field);
        setLater.set(item.id, later);
      }
    } else if (placed.kind === 'ABANDONED') {
      const fields = Object.keys(placed.item.changes);
      const error = `Epoch ${placed.item.position.epoch} had ended before this update came: newer ones were stored.`;
      letters.push({ ...updateLetter(placed.item, fields), superseded: fields, reason: 'ABANDONED', error });
    } else if (placed.kind === 'UNREADABLE') {
      const { bytes, head, reason: error } = placed.item;
      // What its head shows, believed or not: who asks after that position finds the letter.
      const position = Number.isSafeInteger(head?.position.seq) ? head?.position : undefined;
      const what = { position, entityId: head?.id, item: bytes, fields: [], superseded: [] };
      letters.push({ ...what, reason: 'UNREADABLE', error });
    }
  }
  return letters.reverse();
}

function updateLetter(item: QueuedUpdate, fields: readonly string[]) {
  return { position: item.position, entityId: item.id, item: item.bytes, fields };
}

async function park(
  transaction: StoreTransaction,
  { partition, deadLetterLimit }: Batch,
  watermark: Watermark,
  letters: readonly NewDeadLetter[],
): Promise<number> {
  if (letters.length === 0) return watermark.deadLetters;
  const count = await transaction.park(partition, letters);
  if (count > deadLetterLimit) {
    throw new LimitError(
      'DEAD_LETTER_LIMIT',
      deadLetterLimit,
      `Partition ${String(partition)} would hold ${String(count)} dead letters: its flush stops, and nothing is lost. ` +
        'See why so many updates are refused, then redrive or remove some.',
    );
  }
  return count;
}

function fieldsByEntity(updates: readonly QueuedUpdate[]): Map<string, Set<string>> {
  const fields = new Map<string, Set<string>>();
  for (const { id, changes } of updates) {
    const set = fields.get(id) ?? new Set();
    for (const field of Object.keys(changes)) set.add(field);
    fields.set(id, set);
  }
  return fields;
}

/** What the ack of a settled batch says. */
function acknowledged(settled: readonly PlacedItem[], parked: readonly NewDeadLetter[]) {
  const covered = new Map<string, number>();
  const distrusted = new Set<string>();
  const parkedBytes: Buffer[] = [];
  for (const placed of settled) {
    if (placed.kind === 'UNREADABLE') {
      parkedBytes.push(placed.item.bytes);
      continue;
    }
    const { epoch, seq } = placed.item.position;
    covered.set(epoch, Math.max(seq, covered.get(epoch) ?? 0));
    // Dealt with before may mean parked: its value must not be trusted either.
    if (placed.kind === 'DONE') distrusted.add(placed.item.id);
  }
  for (const { entityId } of parked) if (entityId !== undefined) distrusted.add(entityId);
  return { covered, distrusted, parkedBytes };
}
