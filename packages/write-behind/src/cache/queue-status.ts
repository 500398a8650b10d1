/** The queue as a person wants to see it, a partition and in all. */
import type { BreakerState, PartitionQueue } from '../buffer/buffer.ts';
import { AfterwriteError } from '../errors.ts';
import type { StoppedPartition } from '../flusher/result.ts';
import { acceptedUsOf } from '../item.ts';
import type { WatermarkStatus } from '../store/store.ts';
import type { BreakerStatus, PartitionStatus, QueueStatus } from './results.ts';
import type { CachePorts } from './write-behind-cache.ts';

export async function readQueueStatus({ buffer, store, runtime }: CachePorts): Promise<QueueStatus> {
  const [queues, read, breaker] = await Promise.all([
    buffer.queues(),
    readWatermarks(store),
    buffer.readBreaker(),
  ]);
  const { watermarks, storeError } = read;
  const nowUs = runtime.now() * 1000;
  const partitions = queues.map((queue, partition) =>
    partitionStatus(partition, queue, watermarks[partition], nowUs),
  );
  const ages = partitions.flatMap(({ oldestMs }) => (oldestMs === null ? [] : [oldestMs]));
  return {
    queueLength: partitions.reduce((sum, { length }) => sum + length, 0),
    oldestMs: ages.length === 0 ? null : Math.max(...ages),
    deadLetters:
      storeError === null ? watermarks.reduce((sum, { deadLetters }) => sum + deadLetters, 0) : null,
    partitions,
    breaker: breakerStatus(breaker),
    storeError,
  };
}

function breakerStatus(breaker: BreakerState | undefined): BreakerStatus {
  if (!breaker) return { state: 'CLOSED', failures: 0, since: null, retryInMs: null };
  const { waitMs, failures, sinceMs } = breaker;
  const state = waitMs > 0 ? 'OPEN' : 'HALF_OPEN';
  return { state, failures, since: new Date(sinceMs).toISOString(), retryInMs: waitMs };
}

async function readWatermarks(
  store: CachePorts['store'],
): Promise<{ watermarks: readonly WatermarkStatus[]; storeError: QueueStatus['storeError'] }> {
  try {
    return { watermarks: await store.readWatermarks(), storeError: null };
  } catch (error) {
    if (!(error instanceof AfterwriteError)) throw error;
    return { watermarks: [], storeError: { code: error.code, message: error.message } };
  }
}

function partitionStatus(
  partition: number,
  queue: PartitionQueue,
  watermark: WatermarkStatus | undefined,
  nowUs: number,
): PartitionStatus {
  const acceptedUs = queue.oldest && acceptedUsOf(queue.oldest);
  return {
    partition,
    length: queue.length,
    oldestMs: acceptedUs === undefined ? null : Math.max(0, (nowUs - acceptedUs) / 1000),
    deadLetters: watermark?.deadLetters ?? null,
    lastCommitted: watermark && watermark.position.epoch !== '' ? watermark.position : null,
    lastFlushAt: watermark && watermark.position.epoch !== '' ? watermark.movedAt : null,
    stopped: queue.stopped === undefined ? null : (JSON.parse(queue.stopped) as StoppedPartition),
  };
}
