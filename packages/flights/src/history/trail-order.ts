/**
 * The order in which a flight's audit rows were written. Where the database keeps it, it is as they were read. Where it
 * keeps no order within one transaction (PostgreSQL), rows of one transaction and one second come as a group, and are put
 * into an order in which each row begins as the one before it left the flight, if there is one.
 */
import type { TrailFact } from './facts.ts';

/** Rows whose order among each other is not known; of one row, where it is. */
export type TrailGroup = readonly TrailFact[];

const before = (row: TrailFact) => row[3];
const after = (row: TrailFact) => row[4];

/** Neighbours of one transaction and second; without one, each row is a group. */
export function groupsOf(trail: readonly TrailFact[]): TrailGroup[] {
  const groups: TrailFact[][] = [];
  let last: string | undefined;
  for (const row of trail) {
    const group = row[5];
    if (group !== undefined && group === last) groups.at(-1)?.push(row);
    else groups.push([row]);
    last = group;
  }
  return groups;
}

/** `wanted`: an order that is tried first, such as that of acceptance. */
export function inOrder(
  groups: readonly TrailGroup[],
  wanted: (group: TrailGroup) => readonly TrailFact[],
): TrailFact[] {
  const ordered: TrailFact[] = [];
  for (const group of groups) {
    const from = ordered.at(-1);
    const start = from && after(from);
    const tried = group.length === 1 ? group : wanted(group);
    ordered.push(...(isChain(tried, start) ? tried : (chainOf(group, start) ?? tried)));
  }
  return ordered;
}

function isChain(rows: readonly TrailFact[], start: string | undefined): boolean {
  let at = start;
  return rows.every((row) => {
    const fits = at === undefined || before(row) === at;
    at = after(row);
    return fits;
  });
}

/** All rows as one chain (a path that takes each row once: Hierholzer's way), or undefined where there is none. */
function chainOf(rows: TrailGroup, start: string | undefined): TrailFact[] | undefined {
  const leaving = Map.groupBy(rows, before);
  const balance = new Map<string, number>();
  for (const row of rows) {
    balance.set(before(row), (balance.get(before(row)) ?? 0) + 1);
    balance.set(after(row), (balance.get(after(row)) ?? 0) - 1);
  }
  const first = start ?? [...balance].find(([, surplus]) => surplus > 0)?.[0] ?? rows.map(before)[0];
  if (first === undefined) return undefined;
  const chain: TrailFact[] = [];
  const path: { readonly at: string; readonly by?: TrailFact }[] = [{ at: first }];
  for (let step = path.at(-1); step; step = path.at(-1)) {
    const next = leaving.get(step.at)?.pop();
    if (next) {
      path.push({ at: after(next), by: next });
      continue;
    }
    path.pop();
    if (step.by) chain.push(step.by);
  }
  chain.reverse();
  return chain.length === rows.length && isChain(chain, start) ? chain : undefined;
}
