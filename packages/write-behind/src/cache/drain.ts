/** Stores the updates of one entity that wait, or waits for the flusher that does. */
import type { BufferPort } from '../buffer/buffer.ts';
import type { Flusher } from '../flusher/flusher.ts';
import type { Runtime } from '../runtime.ts';

/** How soon an entity whose updates another flusher is storing is looked at again. */
const RECHECK_MS = 10;

/** False if that was not done by the deadline, the partition stopped, or the store is away. */
export async function drainEntity(
  ports: { readonly buffer: BufferPort; readonly runtime: Runtime },
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
