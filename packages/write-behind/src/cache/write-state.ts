/** What became of one accepted update, told by its position. */
import type { BufferPort } from '../buffer/buffer.ts';
import { decodeItem } from '../item.ts';
import type { Position } from '../position.ts';
import type { DeadLetterReason, StorePort } from '../store/store.ts';

export type WriteState =
  /** It waits in the queue. */
  | { readonly state: 'PENDING' }
  /** The store has it. */
  | { readonly state: 'STORED' }
  /** The store refuses it: see `deadLetters`. */
  | { readonly state: 'DEAD'; readonly letterId: number; readonly reason: DeadLetterReason }
  /** Neither here nor there: the buffer lost it before it was stored, or it never was. */
  | { readonly state: 'LOST' };

/** Queue items looked through for one that the pending index does not vouch for. */
const MAX_ITEMS = 100_000;

export async function readWriteState(
  buffer: BufferPort,
  store: StorePort,
  id: string,
  position: Position,
): Promise<WriteState> {
  const partition = buffer.partitionOf(id);
  const first = await store.positionState(partition, position);
  if (first.state !== 'UNKNOWN') return first;
  const { items } = await buffer.pendingItems(id, MAX_ITEMS);
  const waits = items.map(decodeItem).some((item) => {
    const at = item.kind === 'UPDATE' ? item.position : item.head?.position;
    return at?.epoch === position.epoch && at.seq === position.seq;
  });
  if (waits) return { state: 'PENDING' };
  // A flush may have taken it between the two looks.
  const second = await store.positionState(partition, position);
  return second.state === 'UNKNOWN' ? { state: 'LOST' } : second;
}
