/**
 * Stores a dead letter after its cause was mended: in the store and not through the queue, so that newer updates that
 * still wait come after it. Two steps, so that a crash between them leaves nothing stale for long: the row is changed
 * and the letter marked in one transaction; then the cache is told; then the letter goes. Whoever redrives next
 * completes what is marked.
 */
import type { BufferPort } from '../buffer/buffer.ts';
import { applyUpdates } from '../flusher/apply.ts';
import { decodeItem, type QueuedUpdate } from '../item.ts';
import { type Observer, tell } from '../observer.ts';
import type { Logger, Runtime } from '../runtime.ts';
import type { StorePort, StoreTransaction } from '../store/store.ts';
import type { RedriveOutcome } from './results.ts';

type Step =
  | RedriveOutcome
  /** `update`: what this transaction stored; undefined where an earlier one had. */
  | {
      readonly letterId: number;
      readonly kind: 'STORED';
      readonly entityId: string;
      readonly update?: QueuedUpdate;
    };

interface RedrivePorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly observer?: Observer | undefined;
}

export async function redriveLetter(
  ports: RedrivePorts,
  letter: { readonly letterId: number; readonly partition: number },
): Promise<RedriveOutcome> {
  const { buffer, store, runtime } = ports;
  const { letterId, partition } = letter;
  const startMs = runtime.monotonicMs();
  const step = await store.transaction((transaction) => storeLetter(store, transaction, letterId, partition));
  if (step.kind !== 'STORED') return step;
  const { update } = step;
  if (update) {
    const took = { committedAtMs: runtime.now(), peekMs: 0, storeMs: runtime.monotonicMs() - startMs };
    const done = { partition, stored: [update], skipped: 0, parked: [], ...took };
    tell(ports, (observer) => observer.onBatch?.({ source: 'REDRIVEN', ...done }));
  }
  await buffer.invalidate(step.entityId);
  await store.transaction(async (transaction) => {
    const watermark = await transaction.lockWatermark(partition);
    if (!(await transaction.lockLetter(letterId))) return;
    await transaction.deleteLetter(letterId);
    await transaction.moveWatermark(partition, {
      ...watermark,
      deadLetters: Math.max(0, watermark.deadLetters - 1),
    });
  });
  return { letterId, kind: 'REDRIVEN' };
}

async function storeLetter(
  store: StorePort,
  transaction: StoreTransaction,
  letterId: number,
  partition: number,
): Promise<Step> {
  await transaction.lockWatermark(partition);
  const letter = await transaction.lockLetter(letterId);
  if (!letter) return { letterId, kind: 'GONE' };
  if (letter.redriven && letter.entityId !== undefined) {
    return { letterId, kind: 'STORED', entityId: letter.entityId };
  }
  const item = decodeItem(letter.item);
  if (item.kind === 'NEWER') return { letterId, kind: 'UNREADABLE', error: item.reason };
  if (letter.reason === 'UNREADABLE' || item.kind === 'UNREADABLE') {
    return { letterId, kind: 'UNREADABLE', error: letter.error };
  }
  if (letter.superseded.length > 0) return { letterId, kind: 'SUPERSEDED', fields: letter.superseded };
  const { refused } = await applyUpdates(store, transaction, [item]);
  const refusal = refused.get(item);
  if (refusal) return { letterId, kind: 'REFUSED', error: refusal.error };
  // Older letters of the same fields would undo this one.
  const fields = new Map([[item.id, new Set(Object.keys(item.changes))]]);
  await transaction.supersede(letter.partition, fields, letterId);
  await transaction.markRedriven(letterId);
  return { letterId, kind: 'STORED', entityId: item.id, update: item };
}
