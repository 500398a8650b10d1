/**
 * Compares an entity's cached value with its row, and tells a difference that is only pending from a real one: the row
 * with the waiting updates applied must be what the cache holds. Read between two looks at the cache that agree, so
 * that an update or a flush in between does not look like a difference.
 */
import type { BufferPort } from '../buffer/buffer.ts';
import type { FieldValues } from '../entity.ts';
import { decodeItem } from '../item.ts';
import type { StorePort } from '../store/store.ts';
import type { ConsistencyReason, ConsistencyResult } from './results.ts';

const MAX_ATTEMPTS = 5;
/** Queue items looked through for the entity's own; beyond it the answer is UNDECIDED where the two differ. */
const MAX_ITEMS = 20_000;

export async function compare(
  buffer: BufferPort,
  store: StorePort,
  id: string,
): Promise<ConsistencyResult<FieldValues>> {
  for (let attempt = 1; ; attempt++) {
    const [before, waiting] = await Promise.all([buffer.read(id), buffer.pendingItems(id, MAX_ITEMS)]);
    const row = await store.load(id);
    const [after, queueLengths] = await Promise.all([buffer.read(id), buffer.queueLengths()]);
    const isSteady = before?.version === after?.version && before?.dirty === after?.dirty;

    const cache = before?.value ?? null;
    const database = row.value ?? null;
    const items = waiting.items.map(decodeItem);
    const updates = items.filter((item) => item.kind === 'UPDATE' && item.id === id);
    // What newer code wrote may be what makes the difference.
    const isKnown = waiting.complete && !items.some(({ kind }) => kind === 'NEWER');
    const expected = updates.reduce<FieldValues | null>(
      (value, item) => (value && item.kind === 'UPDATE' ? { ...value, ...item.changes } : value),
      database,
    );
    const differing = before ? differences(cache, database) : [];
    const reason = decide({
      isCached: before !== undefined,
      cache,
      database,
      expected,
      waits: updates.length > 0,
    });
    if (!isSteady && attempt < MAX_ATTEMPTS) continue;
    return {
      consistent: reason === 'EQUAL' || reason === 'NOT_CACHED',
      reason: reason === 'EQUAL' || (isSteady && isKnown) ? reason : 'UNDECIDED',
      cache,
      database,
      differing,
      pending: before?.dirty === true || updates.length > 0,
      pendingUpdates: updates.length,
      queueLength: queueLengths[buffer.partitionOf(id)] ?? 0,
      cacheKey: buffer.cacheKey(id),
      query: row.query,
    };
  }
}

function decide(found: {
  isCached: boolean;
  cache: FieldValues | null;
  database: FieldValues | null;
  expected: FieldValues | null;
  waits: boolean;
}): ConsistencyReason {
  const { isCached, cache, database, expected, waits } = found;
  if (!isCached) return waits ? 'PENDING' : 'NOT_CACHED';
  if (differences(cache, database).length === 0) return 'EQUAL';
  return differences(cache, expected).length === 0 ? 'PENDING' : 'DIFFERENT';
}

/** Names of fields that are not the same on both sides; all of them where one side has none. */
export function differences(a: FieldValues | null, b: FieldValues | null): string[] {
  const names = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
  return [...names].filter((name) => a?.[name] !== b?.[name]);
}
