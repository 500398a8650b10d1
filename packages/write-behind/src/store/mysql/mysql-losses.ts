/** Rows of `afterwrite_losses`. */
import type { Loss } from '../store.ts';
import { fromDatetime } from './mysql-letters.ts';

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
