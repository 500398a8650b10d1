/**
 * Notices when one of the two servers came back with less than it had (invariant 3), and names once what may be missing.
 *
 * The buffer: another server answers than the one that wrote a partition's seq, after a restart, a failover, or when it
 * was emptied. What it had accepted last is gone if it did not keep it; nobody can know which, so the range is named. The
 * store: it has no longer what an ack showed that it had committed, after a restore or a failover that lost commits.
 *
 * The record in the store tells of many that notice together which one names it. Whoever ends before it settles leaves
 * it to the next, which finds the record there.
 */
import type { BufferPort, PartitionLife } from '../buffer/buffer.ts';
import type { Position } from '../position.ts';
import type { Logger } from '../runtime.ts';
import type { Loss, NewLoss, StorePort } from '../store/store.ts';

export interface LossReport {
  readonly partition: number;
  /** The server that came back with less. */
  readonly kind: Loss['kind'];
  /** Accepted after this, ISO 8601 UTC, and before `until`; null: nobody knows since when. */
  readonly after: string | null;
  readonly until: string;
  /** Epoch and seq of the newest update that is known to be safe. */
  readonly lastKnown: Position | null;
}

interface LossPorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly logger: Logger;
}

const WORDS: Readonly<Record<Loss['kind'], string>> = {
  BUFFER:
    "The queue's server came back, perhaps with less than it had: updates accepted in this time may be missing",
  STORE: 'The database has less than it had committed: updates accepted in this time are missing from it',
};

/** What this call was the first to notice. */
export async function noticeLosses({ buffer, store, logger }: LossPorts): Promise<readonly LossReport[]> {
  // The buffer first: what it saw acked is committed by the time at which the store is asked.
  const lives = await buffer.lives();
  const watermarks = await store.readWatermarks();
  const reports: LossReport[] = [];
  const name = async (loss: NewLoss) => {
    if (!(await store.recordLoss(loss))) return;
    const report = describeLoss(loss);
    reports.push(report);
    logger.error(WORDS[loss.kind], { ...report });
  };
  for (const [partition, life] of lives.entries()) {
    const stored = watermarks[partition]?.position;
    if (!stored) continue;
    const loss = { partition, life, stored };
    await noticeStore(buffer, store, loss, name);
    await noticeBuffer(buffer, store, loss, name);
  }
  return reports;
}

export function describeLoss({ partition, kind, after, until }: NewLoss): LossReport {
  return {
    partition,
    kind,
    after: after ? timeOf(after) : null,
    until: timeOf(until),
    lastKnown: after ?? null,
  };
}

interface Suspect {
  readonly partition: number;
  readonly life: PartitionLife;
  /** Where the store stands. */
  readonly stored: Position;
}

type Name = (loss: NewLoss) => Promise<void>;

async function noticeStore(
  buffer: BufferPort,
  store: StorePort,
  { partition, life, stored }: Suspect,
  name: Name,
): Promise<void> {
  const acked = { epoch: life.epoch, seq: life.ackedSeq };
  if (acked.seq === 0 || (stored.epoch === acked.epoch && stored.seq >= acked.seq)) return;
  // It may stand in a later epoch by now, and then knows how the one before ended.
  const { state } = await store.positionState(partition, acked);
  if (state !== 'UNKNOWN') return;
  await name({ partition, kind: 'STORE', after: known(stored), until: acked });
  await buffer.settleAcked(partition, acked, stored.epoch === acked.epoch ? stored.seq : 0);
}

async function noticeBuffer(
  buffer: BufferPort,
  store: StorePort,
  { partition, life, stored }: Suspect,
  name: Name,
): Promise<void> {
  const isUsed = life.epoch !== '' || stored.epoch !== '';
  if (!isUsed) return;
  const now = life.isSameServer ? life : await buffer.beginEpoch(partition);
  if (!now.begun) return;
  const { atUs, before } = now.begun;
  const isOfNow = stored.epoch === now.epoch || stored.seq === 0;
  const safe = isOfNow ? await store.lastRetired(partition) : known(stored);
  const after = newest(before && known(before), safe && known(safe));
  // Neither knows of any before it: this is the first use.
  if (after) await name({ partition, kind: 'BUFFER', after, until: { epoch: now.epoch, seq: atUs } });
  await buffer.settleBegun(partition, now.epoch, atUs);
}

/** A partition begins in the empty epoch, and at 0 in one that `npm run repartition` has begun. */
function known(position: Position): Position | undefined {
  return position.epoch === '' || position.seq === 0 ? undefined : position;
}

function newest(one: Position | undefined, other: Position | undefined): Position | undefined {
  if (!one || !other) return one ?? other;
  return one.seq > other.seq ? one : other;
}

/** A seq is microseconds since 1970. */
function timeOf({ seq }: Position): string {
  return new Date(seq / 1000).toISOString();
}
