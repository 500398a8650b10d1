/** Empties the cache without losing an update: what waits is stored first, and a partition where more comes in is kept. */
import type { BufferPort } from '../buffer/buffer.ts';
import { QueueNotEmptyError } from '../errors.ts';
import type { Flusher } from '../flusher/flusher.ts';
import { addFlush, emptyResult } from '../flusher/result.ts';
import type { ClearResult } from './results.ts';

/** Under steady writes a queue is hardly ever empty at the right moment: it is for the caller to pause them. */
const MAX_ROUNDS = 10;

export async function drainAndClear(
  buffer: BufferPort,
  flusher: Flusher,
  deadlineAt: number,
): Promise<ClearResult> {
  const flushed = emptyResult();
  let deleted = 0;
  for (let round = 1; ; round++) {
    addFlush(flushed, await flusher.flushAll({ deadlineAt }));
    const isStopped = flushed.stopped.length > 0 || flushed.storeAway !== null;
    if (!isStopped) {
      const cleared = await buffer.clear();
      deleted += cleared.deleted;
      if (cleared.kept === 0) return { deleted, flushed };
    }
    if (isStopped || round >= MAX_ROUNDS) {
      const away = flushed.storeAway ? 'the database is away' : undefined;
      throw new QueueNotEmptyError(flushed.remaining, flushed.stopped[0]?.message ?? away);
    }
  }
}
