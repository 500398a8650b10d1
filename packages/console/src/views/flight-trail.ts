/**
 * The order of the audit trail. The table has the second of each entry and no key, so the database may give those of one
 * second in any order. Each entry has the row before it and after it, though: where the entries of a second make one chain
 * only, that is how they came.
 */
import type { LogEntry } from '@afterwrite/client';

export interface TrailEntry {
  readonly entry: LogEntry;
  /** False: among the entries of its second, nobody knows where it belongs. */
  readonly isOrderKnown: boolean;
}

/** Looks for chains end after so many steps: a flight that changed often within one second, back and forth. */
const MOST_STEPS = 2000;

/** `entries` are newest first, and so is what this answers. */
export function trailOf(entries: readonly LogEntry[]): TrailEntry[] {
  const seconds = Map.groupBy(entries, ({ log_date }) => log_date);
  const trail: TrailEntry[] = [];
  // The row after the second before; undefined where that is not known.
  let before: string | undefined;
  for (const second of [...seconds.values()].toReversed()) {
    const chain = chainOf(second, before);
    const last = chain?.at(-1);
    before = last && rowOf(last, 'new');
    const isOrderKnown = chain !== undefined;
    trail.unshift(...(chain?.toReversed() ?? second).map((entry): TrailEntry => ({ entry, isOrderKnown })));
  }
  return trail;
}

/** Oldest first; undefined where there is no chain, or more than one. */
function chainOf(second: readonly LogEntry[], before: string | undefined): readonly LogEntry[] | undefined {
  const chains = chainsOf(second);
  if (chains.length <= 1) return chains[0];
  if (before === undefined) return undefined;
  const joined = chainsOf(second, before);
  return joined.length === 1 ? joined[0] : undefined;
}

/** All of them up to two, which begin with the row `from` where it is given; none where the look took too long. */
function chainsOf(second: readonly LogEntry[], from?: string): readonly (readonly LogEntry[])[] {
  const found: (readonly LogEntry[])[] = [];
  let steps = 0;
  const goOn = (chain: readonly LogEntry[], rest: readonly LogEntry[], at: string | undefined): void => {
    if (rest.length === 0) found.push(chain);
    for (const next of rest) {
      if (found.length > 1 || steps > MOST_STEPS) return;
      if (at !== undefined && rowOf(next, 'old') !== at) continue;
      steps += 1;
      goOn(
        [...chain, next],
        rest.filter((each) => each !== next),
        rowOf(next, 'new'),
      );
    }
  };
  goOn([], second, from);
  return steps > MOST_STEPS ? [] : found;
}

const FIELDS = ['flightno', 'from', 'to', 'departure', 'arrival', 'airplane_id', 'airline_id'] as const;

function rowOf(entry: LogEntry, when: 'old' | 'new'): string {
  return JSON.stringify(FIELDS.map((field) => entry[`${field}_${when}`]));
}
