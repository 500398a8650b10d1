/** Callers that must wait for the queue do the flusher's work meanwhile, or wait for the one that does it. */
import type { BufferPort } from '../buffer/buffer.ts';
import type { Flusher } from '../flusher/flusher.ts';
import { dealtWith } from '../flusher/result.ts';
import type { Runtime } from '../runtime.ts';

/** Updates that a caller stores who finds the queue full: some 20 ms of MySQL's time. */
const HELP_ROWS = 500;
/** How soon an entity whose updates another flusher is storing is looked at again. */
const RECHECK_MS = 10;

export interface Drains {
  /** Stores what waits of the entity. */
  readonly entity: (id: string, deadlineAt: number) => Promise<boolean>;
  /** Stores a batch of the entity's partition. */
  readonly batch: (id: string, deadlineAt: number) => Promise<boolean>;
}

interface DrainPorts {
  readonly buffer: BufferPort;
  readonly runtime: Runtime;
}

/** Stores one batch, or lets another flusher do so. False if there is no time, the partition stopped, or the store is away. */
export async function makeRoom(
  { buffer, runtime }: DrainPorts,
  flusher: Flusher,
  id: string,
  deadlineAt: number,
): Promise<boolean> {
  const limits = { deadlineAt, maxUpdates: HELP_ROWS };
  const result = await flusher.flushPartition(buffer.partitionOf(id), limits);
  if (result.stopped.length > 0 || result.storeAway) return false;
  if (dealtWith(result) === 0) await runtime.sleep(RECHECK_MS);
  return runtime.now() < deadlineAt;
}

/** False if that was not done by the deadline, the partition stopped, or the store is away. */
export async function drainEntity(
  ports: DrainPorts,
  flusher: Flusher,
  id: string,
  deadlineAt: number,
): Promise<boolean> {
  const { buffer, runtime } = ports;
  const partition = buffer.partitionOf(id);
  for (;;) {
    const result = await flusher.flushPartition(partition, { deadlineAt });
    if (!(await buffer.isPending(id)) || (await buffer.disown(id))) return true;
    if (result.stopped.length > 0 || result.storeAway || runtime.now() >= deadlineAt) return false;
    await runtime.sleep(RECHECK_MS);
  }
}
