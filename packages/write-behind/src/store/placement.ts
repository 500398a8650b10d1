/**
 * Where each item of a batch stands against the watermark. Pure; the heart of invariants 2, 3 and 4.
 *
 * An item of the watermark's epoch is new if its seq is greater. An epoch that was retired has its final seq: what is
 * beyond it was overtaken by a newer epoch and is abandoned, never stored late. An epoch never seen is taken over only
 * if the watermark still stands in the epoch that was read before the peek: otherwise the batch may come from a queue
 * that is no more, and would be stored after newer updates.
 */
import type { KnownItem, QueuedUpdate, UnreadableItem } from '../item.ts';
import type { Position } from '../position.ts';

export type PlacedItem = (
  | { readonly kind: 'NEW'; readonly item: QueuedUpdate }
  /** Dealt with before, by a batch whose ack did not arrive. */
  | { readonly kind: 'DONE'; readonly item: QueuedUpdate }
  | { readonly kind: 'ABANDONED'; readonly item: QueuedUpdate }
  /** Not ours or damaged: parked as its bytes. */
  | { readonly kind: 'UNREADABLE'; readonly item: UnreadableItem }
) & {
  /** The watermark once this item is dealt with. */
  readonly watermark: Position;
};

export type Placement =
  | { readonly kind: 'PLACED'; readonly items: readonly PlacedItem[] }
  /** The epoch moved since the peek: roll back and peek again. */
  | { readonly kind: 'EPOCH_MOVED' };

export interface PlacementInput {
  readonly items: readonly KnownItem[];
  readonly watermark: Position;
  readonly retired: ReadonlyMap<string, number>;
  /** The watermark's epoch, read before the peek. */
  readonly seenEpoch: string;
}

export function placeItems({ items, watermark, retired, seenEpoch }: PlacementInput): Placement {
  const mayTakeOver = watermark.epoch === seenEpoch;
  const finals = new Map(retired);
  const placed: PlacedItem[] = [];
  let at = watermark;
  for (const item of items) {
    if (item.kind === 'UNREADABLE') {
      // Its head may be as damaged as the rest: it moves nothing, and is told by its bytes alone.
      placed.push({ kind: 'UNREADABLE', item, watermark: at });
      continue;
    }
    const { epoch, seq } = item.position;
    if (epoch === at.epoch) {
      const isNew = seq > at.seq;
      if (isNew) at = item.position;
      placed.push({ kind: isNew ? 'NEW' : 'DONE', item, watermark: at });
      continue;
    }
    const finalSeq = finals.get(epoch);
    if (finalSeq !== undefined) {
      placed.push({ kind: seq <= finalSeq ? 'DONE' : 'ABANDONED', item, watermark: at });
      continue;
    }
    if (!mayTakeOver) return { kind: 'EPOCH_MOVED' };
    finals.set(at.epoch, at.seq);
    at = item.position;
    placed.push({ kind: 'NEW', item, watermark: at });
  }
  return { kind: 'PLACED', items: placed };
}

/** The epochs that end on the way from `from` along these items, each with its final position. */
export function retiredOnTheWay(from: Position, items: readonly PlacedItem[]): Position[] {
  const retired: Position[] = [];
  let at = from;
  for (const { watermark } of items) {
    // The empty epoch is where a partition begins; no item can be of it.
    if (watermark.epoch !== at.epoch && at.epoch !== '') retired.push(at);
    at = watermark;
  }
  return retired;
}
