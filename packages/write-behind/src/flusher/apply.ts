/**
 * Writes a list of updates in one open transaction, strictly left to right, and finds out which of them the database
 * refuses: a list that is refused is undone, halved, and both halves are written, left first (invariants 2 and 9).
 * One bad update among n costs about 2 log2 n attempts, and the others are stored all the same.
 */
import { StoreDataError } from '../errors.ts';
import type { QueuedUpdate } from '../item.ts';
import type { Row, RowChange, StorePort, StoreTransaction } from '../store/store.ts';

/**
 * Refusals after which the rest of the batch is left for the next one: bounds the time in which the partition's row
 * stays locked (about 25 attempts of a few ms each).
 */
const MAX_REFUSALS = 100;

export interface Refusal {
  readonly reason: 'MISSING_ROW' | 'REFUSED';
  readonly error: string;
}

export interface Applied {
  readonly refused: ReadonlyMap<QueuedUpdate, Refusal>;
  /** How many of the list, from its left, are settled: written or refused. */
  readonly settled: number;
}

export async function applyUpdates(
  store: Pick<StorePort, 'change'>,
  transaction: StoreTransaction,
  updates: readonly QueuedUpdate[],
): Promise<Applied> {
  const refused = new Map<QueuedUpdate, Refusal>();
  const rows = await transaction.lockRows([...new Set(updates.map(({ id }) => id))]);
  const present = updates.filter((update) => rows.has(update.id));
  let refusals = 0;
  let firstUnsettled: QueuedUpdate | undefined;

  const apply = async (list: readonly QueuedUpdate[]): Promise<void> => {
    const [first] = list;
    if (!first || firstUnsettled) return;
    if (refusals >= MAX_REFUSALS) {
      firstUnsettled = first;
      return;
    }
    await transaction.savepoint();
    try {
      const { changes, after } = changesOf(store, rows, list);
      await transaction.write(changes);
      for (const [id, row] of after) rows.set(id, row);
      return;
    } catch (error) {
      if (!(error instanceof StoreDataError)) throw error;
      await transaction.rollbackToSavepoint();
      if (list.length === 1) {
        refusals++;
        refused.set(first, { reason: 'REFUSED', error: error.message });
        return;
      }
    }
    const middle = list.length >> 1;
    await apply(list.slice(0, middle));
    await apply(list.slice(middle));
  };
  await apply(present);

  const settled = firstUnsettled === undefined ? updates.length : updates.indexOf(firstUnsettled);
  for (const update of updates.slice(0, settled)) {
    if (!rows.has(update.id))
      refused.set(update, { reason: 'MISSING_ROW', error: `There is no row ${update.id}.` });
  }
  return { refused, settled };
}

/** Each update's row before and after it, the rows of earlier updates in the list included. */
function changesOf(
  store: Pick<StorePort, 'change'>,
  rows: ReadonlyMap<string, Row>,
  list: readonly QueuedUpdate[],
) {
  const after = new Map<string, Row>();
  const changes: RowChange[] = [];
  for (const update of list) {
    const before = after.get(update.id) ?? rows.get(update.id);
    if (!before) throw new StoreDataError(`There is no row ${update.id}.`);
    const changed = store.change(before, update.changes);
    changes.push({ update, before, after: changed });
    after.set(update.id, changed);
  }
  return { changes, after };
}
