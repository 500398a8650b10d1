import {
  BufferUnavailableError,
  type FieldValues,
  OutcomeUnknownError,
  StoreDataError,
  type Update,
} from '@afterwrite/write-behind';
import { type CommitReply, commitUpdate } from './commit-update.ts';
import { type CacheStep, PatternCache } from './pattern-cache.ts';

/** A partition that another life of the server shuts again, each time we come. */
const MAX_UNFENCED = 3;

/**
 * Write-through. An update goes to the database, then the row as it is then goes into the cache.
 *
 * What always holds: before it writes, and under the row's lock, a writer seizes the entity: the cached value goes and
 * the fill lease is the writer's. While that lease lasts nobody else caches anything, so what was read before the commit
 * cannot be cached after it, also if the writer dies in between. After the commit the row is read and filled under that
 * same lease; whose lease is gone by then drops whatever is cached instead. So the order in which writers reach the cache
 * does not matter: a later writer seizes after an earlier one's commit, and the earlier one's value, if it comes late,
 * is refused. Two writers that meet may leave nothing cached, never the older value.
 *
 * What it costs: readers who miss wait for the writer, at most CACHE_FILL_LEASE_MS; without the cache nothing is written.
 * The one gap: a process that dies between commit and fill although its lease had ended (its commit took longer, or a
 * writer that met it dropped the value) may leave the old value until it expires (CACHE_TTL).
 */
export class WriteThroughCache<Value extends FieldValues, Changes extends FieldValues> extends PatternCache<
  Value,
  Changes
> {
  protected override async write(update: Update<FieldValues>): Promise<CacheStep | 'MISSING'> {
    const { id } = update;
    const token = this.ports.runtime.uniqueName();
    try {
      const { kind } = await this.#commit(update, token);
      if (kind === 'MISSING') return kind;
    } catch (error) {
      // The database refused it: the row is as it was, and nobody need wait for the lease to end.
      if (error instanceof StoreDataError) await this.#fill(id, token);
      throw error;
    }
    const version = await this.#fill(id, token);
    return version === undefined ? await this.drop(id) : { cache: 'CACHED', version };
  }

  async #commit(update: Update<FieldValues>, token: string): Promise<CommitReply> {
    const { buffer } = this.ports;
    let fault: unknown;
    // Kept, not thrown: see `commitUpdate`.
    const seize = async () => {
      const reply = await buffer.seize(update.id, token).catch((error: unknown) => {
        fault = error;
      });
      return reply?.kind === 'SEIZED';
    };
    for (let attempt = 0; attempt < MAX_UNFENCED; attempt++) {
      const reply = await commitUpdate(this.ports, update, seize);
      if (reply.kind !== 'NOT_BEGUN') return reply;
      if (fault !== undefined) throw notWritten(fault);
      // The first in its partition on this server: the lease asks the database whether we may write there.
      await buffer.lease(update.id, token).catch((error: unknown) => {
        throw notWritten(error);
      });
    }
    throw new BufferUnavailableError(
      'Nothing was written: the partition of the cache is shut again and again.',
    );
  }

  /** undefined: the lease is gone, or one of the two servers. */
  async #fill(id: string, token: string): Promise<string | undefined> {
    const outcome = await this.loader.fill(id, token).catch(() => undefined);
    return outcome?.kind === 'FILLED' ? outcome.version : undefined;
  }
}

/** The seizure's reply may have been lost; of the update it is known that nothing was written. */
function notWritten(error: unknown): Error {
  const fault = error instanceof Error ? error : new Error(String(error));
  if (!(fault instanceof OutcomeUnknownError)) return fault;
  return new BufferUnavailableError('Nothing was written: the reply of Valkey was lost.', fault);
}
