/**
 * Where each item of a batch stands against the watermark. Pure; the heart of invariants 2, 3 and 4.
 *
 * An item of the watermark's epoch is new if its seq is greater. An epoch that was retired has its final seq: what is
 * beyond it was overtaken by a newer epoch and is abandoned, never stored late. An epoch never seen is taken over only
 * if the watermark still stands in the epoch that was read before the peek: otherwise the batch may come from a queue
 * that is no more, and would be stored after newer updates.
 */
import type { QueueItem, QueuedUpdate, UnreadableItem } from '../item.ts';
import type { Position } from '../position.ts';

export type PlacedItem = (
  | { readonly kind: 'NEW'; readonly item: QueuedUpdate }
  /** Dealt with before, by a batch whose ack did not arrive. */
  | { readonly kind: 'DONE'; readonly item: QueueItem }
  | { readonly kind: 'ABANDONED'; readonly item: QueuedUpdate }
  /** To be parked as bytes; `position` only where its head can be believed: see `seqsBehind`. */
  | { readonly kind: 'UNREADABLE'; readonly item: UnreadableItem; readonly position: Position | undefined }
) & {
  /** The watermark once this item is dealt with. */
  readonly watermark: Position;
};

export type Placement =
  | { readonly kind: 'PLACED'; readonly items: readonly PlacedItem[] }
  /** The epoch moved since the peek: roll back and peek again. */
  | { readonly kind: 'EPOCH_MOVED' };

export interface PlacementInput {
  readonly items: readonly QueueItem[];
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
  const behind = seqsBehind(items);
  for (const [index, item] of items.entries()) {
    if (item.kind === 'UNREADABLE') {
      // Its head may be as damaged as the rest: it must not end an epoch.
      const head = item.head?.position.epoch === at.epoch ? item.head.position : undefined;
      const isDone = head !== undefined && head.seq <= at.seq;
      const position = head && head.seq < (behind[index] ?? 0) ? head : undefined;
      if (position && !isDone) at = position;
      placed.push(
        isDone
          ? { kind: 'DONE', item, watermark: at }
          : { kind: 'UNREADABLE', item, position, watermark: at },
      );
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

/**
 * For each unreadable item the seq of the next readable one of its epoch, if there is one: what its own must be below
 * to be believed. A damaged seq that is too great would take the watermark past updates that are yet to come, and they
 * would be dropped as dealt with.
 */
function seqsBehind(items: readonly QueueItem[]): (number | undefined)[] {
  const next = new Map<string, number>();
  const behind = items.toReversed().map((item) => {
    if (item.kind === 'UNREADABLE') return item.head && next.get(item.head.position.epoch);
    next.set(item.position.epoch, item.position.seq);
    return undefined;
  });
  return behind.reverse();
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
