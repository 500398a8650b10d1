/** How safe an accepted update shall be before its caller is answered. */
import type { BufferPort } from '../buffer/buffer.ts';
import { DurabilityError, ValidationError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { Runtime } from '../runtime.ts';
import type { StorePort } from '../store/store.ts';
import type { UpdateResult } from './results.ts';

/**
 * `memory`: in the buffer, as safe as its server. `replica`: in the memory of one of its replicas as well. `aof`: on its
 * disk. `stored`: in the store. docs/CONSISTENCY.md says what each survives.
 */
export type Durability = (typeof DURABILITIES)[number];
export const DURABILITIES = ['memory', 'replica', 'aof', 'stored'] as const;

interface Ports {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
}

export function parseDurability(level: Durability | undefined): Durability {
  if (level === undefined) return 'memory';
  if (DURABILITIES.includes(level)) return level;
  throw new ValidationError('durability', `must be one of ${DURABILITIES.join(', ')}`);
}

/** Resolves once `level` is reached. Throws DurabilityError if it is not within `waitMs`: the update is queued all the same. */
export async function reachDurability(
  { buffer, store, runtime }: Ports,
  drain: (id: string, deadlineAt: number) => Promise<boolean>,
  update: { readonly id: string; readonly position: Position; readonly accepted: UpdateResult },
  level: Exclude<Durability, 'memory'>,
  waitMs: number,
): Promise<void> {
  const { id, position, accepted } = update;
  const refuse = (why: string, cause?: unknown) => new DurabilityError(id, level, why, accepted, cause);
  const deadlineAt = runtime.now() + waitMs;
  try {
    if (level === 'stored') await drain(id, deadlineAt);
    else if (await buffer.confirm(id, position, level, waitMs)) return;
    // In the store it is safer than any copy of the buffer's, also where that one has since lost it.
    const { state } = await store.positionState(buffer.partitionOf(id), position);
    if (state === 'STORED') return;
    throw refuse(
      state === 'DEAD' ? 'the database refuses it, see the dead letters' : `not within ${waitMs} ms`,
    );
  } catch (error) {
    if (error instanceof DurabilityError) throw error;
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
}
