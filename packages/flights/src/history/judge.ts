/**
 * The verdict on one flight: what the record says of it against what the servers hold. Pure.
 *
 * An update is known in the queue and among the dead letters by its version, in the audit trail by its content only.
 * Updates with equal content are counted: as many rows as were acknowledged, and at most as many more as have an
 * unknown outcome. Which of them is which shows only where there are as many rows as acknowledged updates.
 */
import type { Fact, TrailFact } from './facts.ts';
import type { Finding, FindingKind, HistoryCounts } from './report.ts';
import { groupsOf, inOrder, type TrailGroup } from './trail-order.ts';

export interface JudgeContext {
  /** Of each epoch the last seq that the database has dealt with: what is covered leaves the queue unread. */
  readonly covered: ReadonlyMap<string, number>;
  /** Epochs in the order in which the record first shows them. */
  readonly epochOrder: ReadonlyMap<string, number>;
  readonly counts: HistoryCounts;
  readonly onFinding: (finding: Finding) => void;
}

interface Acknowledged {
  readonly version: string;
  readonly epoch: number;
  readonly seq: number;
  readonly what: string;
  readonly at: string;
  readonly durability: string;
  state: 'STORED' | 'PENDING' | 'DEAD' | 'LOST' | 'DOUBLED' | 'OUT_OF_ORDER';
}

/** Calls with one idempotency key, or all those without one, for one content. */
interface Calls {
  sent: number;
  settled: number;
  unknown: number;
  isAcknowledged: boolean;
}

const STATE_COUNTS = {
  STORED: 'storedOnce',
  PENDING: 'pending',
  DEAD: 'dead',
  LOST: 'lost',
  DOUBLED: 'doubled',
  OUT_OF_ORDER: 'outOfOrder',
} as const satisfies Record<Acknowledged['state'], keyof HistoryCounts>;

const STATE_WORDS = {
  LOST: 'acknowledged, and neither in the audit trail nor in the queue nor among the dead letters',
  DOUBLED: 'found more than once',
  OUT_OF_ORDER: 'stored after an update that was accepted later',
} as const;

export function judgeFlight(id: string, facts: readonly Fact[], context: JudgeContext): void {
  const acknowledged = new Map<string, Acknowledged>();
  const calls = new Map<string, Map<string, Calls>>();
  for (const fact of facts) if (fact[0] === 'LINE') noteLine(fact, acknowledged, calls, context);
  const trail = facts.filter((fact) => fact[0] === 'TRAIL');
  const stray = placeWaiting(facts, acknowledged, context);
  const assigned = countRows(id, { acknowledged, calls, trail, stray }, context);
  const groups = groupsOf(trail);
  checkOrder(groups, assigned);
  settle(id, acknowledged.values(), context);
  const ordered = inOrder(groups, (group) => byAcceptance(group, assigned));
  checkChain(id, ordered, context);
  checkRow(id, facts, ordered, context);
}

function noteLine(
  [, , what, outcome, { version, durability, key, at }]: Extract<Fact, [kind: 'LINE', ...unknown[]]>,
  acknowledged: Map<string, Acknowledged>,
  calls: Map<string, Map<string, Calls>>,
  { epochOrder }: JudgeContext,
): void {
  const byKey = calls.get(what) ?? new Map<string, Calls>();
  calls.set(what, byKey);
  const same = byKey.get(key) ?? { sent: 0, settled: 0, unknown: 0, isAcknowledged: false };
  byKey.set(key, same);
  if (outcome === 'sent') same.sent++;
  else same.settled++;
  if (outcome === 'unknown') same.unknown++;
  if (outcome !== 'acknowledged') return;
  same.isAcknowledged = true;
  // A call that was repeated with its key is answered with the same version: one update.
  if (acknowledged.has(version)) return;
  const [epoch = '', seq] = version.split('-');
  const position = { epoch: epochOrder.get(epoch) ?? 0, seq: Number(seq) };
  acknowledged.set(version, { version, ...position, what, at, durability, state: 'STORED' });
}

/** How many updates of this content may have been accepted beside those that were acknowledged. */
function unsettled(byKey: ReadonlyMap<string, Calls> | undefined): number {
  let count = 0;
  for (const [key, { sent, settled, unknown, isAcknowledged }] of byKey ?? []) {
    const open = unknown + Math.max(0, sent - settled);
    if (key === '') count += open;
    else if (!isAcknowledged) count += Math.min(1, open);
  }
  return count;
}

/** Finds acknowledged updates in the queue and among the dead letters; the others' count by content. */
function placeWaiting(
  facts: readonly Fact[],
  acknowledged: ReadonlyMap<string, Acknowledged>,
  { covered }: JudgeContext,
): Map<string, number> {
  const stray = new Map<string, number>();
  for (const [kind, , what, version] of facts) {
    if (kind !== 'QUEUED' && kind !== 'DEAD') continue;
    const [epoch = '', seq] = version.split('-');
    if (kind === 'QUEUED' && Number(seq) <= (covered.get(epoch) ?? -1)) continue;
    const update = acknowledged.get(version);
    if (!update) stray.set(what, (stray.get(what) ?? 0) + 1);
    else if (update.state !== 'STORED') update.state = 'DOUBLED';
    else update.state = kind === 'QUEUED' ? 'PENDING' : 'DEAD';
  }
  return stray;
}

interface Counted {
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  readonly calls: ReadonlyMap<string, ReadonlyMap<string, Calls>>;
  readonly trail: readonly TrailFact[];
  readonly stray: ReadonlyMap<string, number>;
}

/** Holds the rows of each content against its updates; which row is which update, where that can be told. */
function countRows(
  id: string,
  { acknowledged, calls, trail, stray }: Counted,
  { counts, onFinding }: JudgeContext,
): Map<TrailFact, Acknowledged> {
  const assigned = new Map<TrailFact, Acknowledged>();
  const updatesOf = Map.groupBy(acknowledged.values(), ({ what }) => what);
  const rowsOf = Map.groupBy(trail, ([, , what]) => what);
  for (const what of new Set([...calls.keys(), ...rowsOf.keys(), ...stray.keys()])) {
    const rows = rowsOf.get(what) ?? [];
    const updates = (updatesOf.get(what) ?? []).sort(byPosition);
    const expected = updates.filter(({ state }) => state === 'STORED');
    const open = unsettled(calls.get(what));
    const extra = rows.length + (stray.get(what) ?? 0) - expected.length;
    counts.unknown += open;
    counts.unknownFound += Math.min(open, Math.max(0, extra));
    if (extra < 0) for (const update of expected.slice(extra)) update.state = 'LOST';
    if (rows.length === expected.length) {
      rows.forEach((row, index) => {
        const update = expected[index];
        if (update) assigned.set(row, update);
      });
    }
    const surplus = extra - open;
    if (surplus <= 0) continue;
    if (updates.length > 0) {
      for (const update of updates.slice(0, surplus)) update.state = 'DOUBLED';
    } else if (open > 0) {
      counts.doubled += surplus;
      onFinding({
        kind: 'DOUBLED',
        flightId: id,
        detail: `of unknown outcome, and ${STATE_WORDS.DOUBLED}: ${what}`,
      });
    } else if (calls.has(what)) {
      counts.refusedButStored += surplus;
      onFinding({ kind: 'REFUSED_BUT_STORED', flightId: id, detail: what });
    } else counts.unrecorded += surplus;
  }
  return assigned;
}

function byPosition(a: Acknowledged, b: Acknowledged): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}

/** As they are, unless each of them is known. */
function byAcceptance(group: TrailGroup, assigned: ReadonlyMap<TrailFact, Acknowledged>): TrailGroup {
  const known = group.flatMap((row) => {
    const update = assigned.get(row);
    return update ? [{ row, update }] : [];
  });
  if (known.length < group.length) return group;
  return known.sort((a, b) => byPosition(a.update, b.update)).map(({ row }) => row);
}

/** Within a group nobody knows: its old values tell, see `checkChain`. */
function checkOrder(groups: readonly TrailGroup[], assigned: ReadonlyMap<TrailFact, Acknowledged>): void {
  let last: Acknowledged | undefined;
  for (const group of groups) {
    const updates = group.flatMap((row) => assigned.get(row) ?? []);
    for (const update of updates) if (last && byPosition(update, last) < 0) update.state = 'OUT_OF_ORDER';
    last = [...(last ? [last] : []), ...updates].sort(byPosition).at(-1);
  }
}

function settle(id: string, updates: Iterable<Acknowledged>, { counts, onFinding }: JudgeContext): void {
  for (const { state, version, at, durability, what } of updates) {
    counts.acknowledged++;
    counts[STATE_COUNTS[state]]++;
    if (state === 'STORED' || state === 'PENDING' || state === 'DEAD') continue;
    const kind: FindingKind = state;
    onFinding({ kind, flightId: id, version, at, durability, detail: `${STATE_WORDS[state]}: ${what}` });
  }
}

function checkChain(id: string, trail: readonly TrailFact[], { counts, onFinding }: JudgeContext): void {
  for (const [index, [, , what, before]] of trail.entries()) {
    const previous = trail[index - 1]?.[4] ?? before;
    if (before === previous) continue;
    counts.brokenChains++;
    const detail = `the row before it left ${previous}, its old values are ${before}: ${what}`;
    onFinding({ kind: 'BROKEN_CHAIN', flightId: id, detail });
  }
}

function checkRow(
  id: string,
  facts: readonly Fact[],
  trail: readonly TrailFact[],
  { counts, onFinding }: JudgeContext,
): void {
  const wanted = trail.at(-1)?.[4];
  const row = facts.find((fact) => fact[0] === 'ROW');
  if (wanted === undefined || row?.[2] === wanted) return;
  counts.wrongRows++;
  const detail = `its last audit row left ${wanted}, ${row ? `it holds ${row[2]}` : 'it is gone'}`;
  onFinding({ kind: 'WRONG_ROW', flightId: id, detail });
}
