/** For tests and for those who build another buffer or store: changes without notice. */
export type * from './buffer/buffer.ts';
export { type Batch, type BatchOutcome, commitBatch } from './flusher/commit-batch.ts';
export { decodeItem, type QueueItem, type QueuedUpdate, type UnreadableItem } from './item.ts';
export type * from './store/store.ts';
