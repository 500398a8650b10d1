/** Rows of the engine's own tables, as the statements of every SQL database name their columns. */
import { ConfigurationError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { DeadLetter, DeadLetterReason, Loss, PositionState } from './store.ts';

export interface LetterRow {
  readonly letterId: number;
  readonly partitionNo: number;
  /** Empty for an item without a position. */
  readonly epoch: string;
  readonly seq: number;
  readonly entityId: string | null;
  readonly item: Buffer;
  readonly fields: readonly string[];
  readonly superseded: readonly string[];
  readonly reason: DeadLetterReason;
  readonly errorText: string;
  /** `YYYY-MM-DD HH:MM:SS.ffffff`, UTC. */
  readonly parkedAt: string;
  readonly redrivenAt: string | null;
}

export function toDeadLetter(row: LetterRow): DeadLetter {
  return {
    letterId: row.letterId,
    partition: row.partitionNo,
    position: row.epoch === '' ? undefined : { epoch: row.epoch, seq: row.seq },
    entityId: row.entityId ?? undefined,
    item: row.item,
    fields: row.fields,
    superseded: row.superseded,
    reason: row.reason,
    error: row.errorText,
    parkedAt: fromDatetime(row.parkedAt),
    redriven: row.redrivenAt !== null,
  };
}

/** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC as ISO 8601. */
export function fromDatetime(text: string): string {
  return `${text.replace(' ', 'T')}Z`;
}

export interface LossRow {
  readonly partitionNo: number;
  readonly kind: Loss['kind'];
  readonly afterEpoch: string;
  readonly afterSeq: number;
  readonly untilEpoch: string;
  readonly untilSeq: number;
  readonly noticedAt: string;
}

export function toLoss(row: LossRow): Loss {
  return {
    partition: row.partitionNo,
    kind: row.kind,
    after: row.afterEpoch === '' ? undefined : { epoch: row.afterEpoch, seq: row.afterSeq },
    until: { epoch: row.untilEpoch, seq: row.untilSeq },
    noticedAt: fromDatetime(row.noticedAt),
  };
}

export interface PositionRow {
  readonly epoch: string;
  readonly seq: number;
  readonly finalSeq: number | null;
  readonly letterId: number | null;
  readonly reason: DeadLetterReason | null;
}

export function stateOf(rows: readonly PositionRow[], { epoch, seq }: Position): PositionState {
  for (const row of rows) {
    const { letterId, reason } = row;
    if (letterId !== null && reason !== null) return { state: 'DEAD', letterId, reason };
    const dealtWith = row.epoch === epoch ? row.seq : row.finalSeq;
    if (dealtWith !== null && seq <= dealtWith) return { state: 'STORED' };
  }
  return { state: 'UNKNOWN' };
}

export interface WatermarkRow {
  readonly partitionNo: number;
  readonly partitions: number;
  readonly storeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly deadLetters: number;
  readonly movedAt: string;
}

/** The first of all rows. Throws ConfigurationError unless they are those of this many partitions. */
export function checkPartitions(
  rows: readonly WatermarkRow[],
  { partitions, entity }: { readonly partitions: number; readonly entity: string },
): WatermarkRow {
  const [first] = rows;
  const known = first?.partitions;
  if (!first || known !== partitions || rows.length !== partitions) {
    throw new ConfigurationError(
      `QUEUE_PARTITIONS is ${String(partitions)}, but ${entity} has ${String(known)}: updates that wait would be looked for ` +
        `in the wrong place. Set it to ${String(known)}; \`npm run repartition\` changes the number.`,
      { partitions, known },
    );
  }
  return first;
}
