/**
 * What the functions make of each commit, whoever made it: metrics, and for updates of a traced request a line in the log
 * (docs/OPERATIONS.md, "Follow one update") and a segment in X-Ray where that is on.
 */
import type { CommittedBatch, ObservedUpdate, Observer } from '@afterwrite/write-behind';
import { asXrayTrace } from './trace.ts';
import { logger, mayFollow, record, sendSegment } from './telemetry.ts';

export const observer: Observer = {
  onBatch(batch) {
    const { stored, parked, skipped } = batch;
    record('UpdatesStored', stored.length);
    record('UpdatesFailed', parked.length);
    record('UpdatesSkipped', skipped);
    if (batch.source === 'QUEUE') {
      record('BatchesCommitted', 1);
      record('BatchSize', stored.length + parked.length + skipped);
      record('PeekDuration', batch.peekMs);
      record('StoreDuration', batch.storeMs);
    }
    for (const update of stored) {
      // A dead letter's is days: when it was redriven says nothing of how far the database is behind.
      if (batch.source === 'QUEUE') record('ConsistencyLag', lagMs(batch, update));
      if (update.trace !== undefined) follow(batch, update, update.trace);
    }
    for (const { update, reason } of parked) {
      if (update?.trace !== undefined) follow(batch, update, update.trace, reason);
    }
  },
  onAck({ ackMs }) {
    record('AckDuration', ackMs);
  },
  onRetry() {
    record('BatchesRetried', 1);
  },
};

/** Two clocks: never less than nothing. */
function lagMs({ committedAtMs }: CommittedBatch, { acceptedUs }: ObservedUpdate): number {
  return Math.max(0, committedAtMs - acceptedUs / 1000);
}

/** `parkedFor`: it was made a dead letter, and why. */
function follow(batch: CommittedBatch, update: ObservedUpdate, trace: string, parkedFor?: string): void {
  if (!mayFollow()) return;
  const { partition, committedAtMs, source, stored, parked, skipped } = batch;
  const { id, position, acceptedUs } = update;
  logger.info(parkedFor === undefined ? 'update stored' : 'update parked', {
    trace,
    flightId: Number(id),
    position: `${position.epoch}-${String(position.seq)}`,
    partition,
    ...(parkedFor === undefined ? { redriven: source === 'REDRIVEN' } : { parkedFor }),
    batchSize: stored.length + parked.length + skipped,
    acceptedAt: new Date(acceptedUs / 1000).toISOString(),
    committedAt: new Date(committedAtMs).toISOString(),
    lagMs: Math.round(lagMs(batch, update)),
  });
  const xray = asXrayTrace(trace);
  if (!xray) return;
  const annotations = { flightId: Number(id), partition, isStored: parkedFor === undefined };
  sendSegment({ ...xray, startMs: acceptedUs / 1000, endMs: committedAtMs, annotations });
}
