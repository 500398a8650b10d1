/** Rows of afterwrite_dead_letters as the engine's dead letters. */
import type { DeadLetter, DeadLetterReason } from '../store.ts';

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
