import type { FieldValues, Update } from '@afterwrite/write-behind';
import { commitUpdate } from './commit-update.ts';
import { type CacheStep, PatternCache } from './pattern-cache.ts';

/**
 * Cache-aside. An update goes to the database, then what is cached is dropped. The cache is not asked before, so that
 * updates go on while it is away.
 *
 * What always holds: every commit is followed by an invalidation, which drops the value and breaks the lease of whoever
 * loads. So what was read before a commit is not in the cache after it: if it was filled before the invalidation it is
 * dropped, if it would be filled later its lease is gone. A lease that is given after the invalidation is of a reader
 * that reads what was committed. It takes both: without the lease a slow reader would bring the old row back.
 *
 * What it costs: between commit and invalidation readers get the old value, and if the process dies there, or cannot
 * reach the cache, they get it until it expires (CACHE_TTL).
 */
export class CacheAsideCache<Value extends FieldValues, Changes extends FieldValues> extends PatternCache<
  Value,
  Changes
> {
  protected override async write(update: Update<FieldValues>): Promise<CacheStep | 'MISSING'> {
    const { kind } = await commitUpdate(this.ports, update);
    return kind === 'COMMITTED' ? await this.drop(update.id) : 'MISSING';
  }
}
