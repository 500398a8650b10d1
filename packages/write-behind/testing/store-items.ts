/** Queue items and letters for tests of a store, and what must hold of an audit trail. */
import type { FieldValues } from '../src/entity.ts';
import { decodeItem, encodeItemTail, type QueuedUpdate } from '../src/item.ts';
import type { NewDeadLetter, Row, StorePort, StoreTransaction } from '../src/store/store.ts';
import type { WidgetLogRow } from './store-harness.ts';

export interface ItemSpec {
  readonly epoch?: string;
  readonly seq: number;
  readonly id?: string;
  readonly changes?: FieldValues;
  readonly user?: string;
  readonly comment?: string | null;
}

/** An item as the buffer keeps it; by default it sets widget 1's size to its seq. */
export function itemBytes(spec: ItemSpec): Buffer {
  const { epoch = 'e1', seq, id = '1', changes = { size: seq }, user = 'ann', comment = null } = spec;
  return Buffer.from(`[1,"${epoch}",${seq},0,${encodeItemTail({ id, changes, user, comment })}`);
}

export function queuedUpdate(spec: ItemSpec): QueuedUpdate {
  const item = decodeItem(itemBytes(spec));
  if (item.kind !== 'UPDATE') throw new Error(`not an update: ${item.reason}`);
  return item;
}

export function deadLetter(spec: ItemSpec & Partial<NewDeadLetter>): NewDeadLetter {
  const item = queuedUpdate(spec);
  return {
    position: item.position,
    entityId: item.id,
    item: item.bytes,
    fields: Object.keys(item.changes),
    superseded: [],
    reason: 'REFUSED',
    error: 'too long',
    ...spec,
  };
}

/** Locks the row and writes these updates of it, in order, as a flush does. */
export async function writeUpdates(
  store: Pick<StorePort, 'change'>,
  transaction: StoreTransaction,
  updates: readonly QueuedUpdate[],
): Promise<void> {
  const rows = await transaction.lockRows([...new Set(updates.map(({ id }) => id))]);
  const changes = updates.map((update) => {
    const before: Row = rows.get(update.id)!;
    const after = store.change(before, update.changes);
    rows.set(update.id, after);
    return { update, before, after };
  });
  await transaction.write(changes);
}

/** Rows of the log whose old values are not what the row of that widget before them left; empty when all is well. */
export function brokenLinks(log: readonly WidgetLogRow[]): WidgetLogRow[] {
  const last = new Map<number, WidgetLogRow>();
  return log.filter((row) => {
    const before = last.get(row.widget_id);
    last.set(row.widget_id, row);
    return (
      before !== undefined &&
      (before.name_after !== row.name_before ||
        before.size_after !== row.size_before ||
        before.note_after !== row.note_before)
    );
  });
}
