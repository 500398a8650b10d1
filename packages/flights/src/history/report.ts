/** What the checker finds, in numbers and one by one. */

export type FindingKind =
  /** Acknowledged, and nowhere. */
  | 'LOST'
  /** More than once in the audit trail, or in it and still to be stored. */
  | 'DOUBLED'
  /** Stored after an update of the same flight that was accepted later. */
  | 'OUT_OF_ORDER'
  /** The caller was told that it was not accepted. */
  | 'REFUSED_BUT_STORED'
  /** An audit row whose old values are not the new ones of the row before it. */
  | 'BROKEN_CHAIN'
  /** A flight that is not as its last audit row says. */
  | 'WRONG_ROW';

export interface Finding {
  readonly kind: FindingKind;
  readonly flightId: string;
  /** Of the update; undefined where it has none that is known. */
  readonly version?: string | undefined;
  /** When it was acknowledged, ISO 8601 UTC. */
  readonly at?: string | undefined;
  /** What was reached then. */
  readonly durability?: string | undefined;
  readonly detail: string;
}

export interface HistoryCounts {
  /** Updates that were acknowledged: each is one of the six that follow. */
  acknowledged: number;
  storedOnce: number;
  /** In the queue. */
  pending: number;
  /** Dead letters. */
  dead: number;
  lost: number;
  /** Also those of unknown outcome that were stored more often than they were sent. */
  doubled: number;
  outOfOrder: number;
  /** Sent, and nobody was told what became of it: stored, waiting, parked, or not accepted. */
  unknown: number;
  /** Of those: found in the audit trail, in the queue or among the dead letters. */
  unknownFound: number;
  refusedButStored: number;
  /** Audit rows and waiting updates of which the record says nothing. */
  unrecorded: number;
  brokenChains: number;
  wrongRows: number;
  /** Queue items and dead letters that cannot be read as updates. */
  unreadable: number;
}

export interface HistoryReport extends HistoryCounts {
  readonly lines: number;
  readonly trailRows: number;
  readonly durationMs: number;
  /** The first few of each kind. */
  readonly findings: readonly Finding[];
}

export function noCounts(): HistoryCounts {
  const acknowledged = { acknowledged: 0, storedOnce: 0, pending: 0, dead: 0 };
  const broken = { lost: 0, doubled: 0, outOfOrder: 0, refusedButStored: 0, brokenChains: 0, wrongRows: 0 };
  return { ...acknowledged, ...broken, unknown: 0, unknownFound: 0, unrecorded: 0, unreadable: 0 };
}

/**
 * True if every promise held. `hasOtherWriters`: something else writes these tables as well, so that a chain or a row
 * may be as they left it.
 */
export function isClean(counts: HistoryCounts, { hasOtherWriters = false } = {}): boolean {
  const { lost, doubled, outOfOrder, refusedButStored, brokenChains, wrongRows } = counts;
  return (
    lost + doubled + outOfOrder + refusedButStored === 0 &&
    (hasOtherWriters || brokenChains + wrongRows === 0)
  );
}
