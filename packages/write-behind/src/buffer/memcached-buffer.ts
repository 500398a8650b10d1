/**
 * The buffer with memcached as its cache. A Valkey or a Redis beside it keeps the queue and decides everything, in one step,
 * as it does without memcached; only the values of clean entities lie in memcached.
 *
 * What always holds: a clean entity has its version there, in its hash (`~x`), and a copy in memcached carries the version
 * of its content. A version never names two contents. So a copy of the hash's version is the value, and any other is none:
 * whatever memcached lost, kept too long, brought back, or was told in whatever order, costs a miss and is never read.
 * For the same reason nothing is ever deleted from memcached: a copy that no version names is never read again.
 */
import type { FieldValues } from '../entity.ts';
import type { Logger } from '../runtime.ts';
import type { Ack, CachedEntity, CheckResult, FillReply, UpdateReply, UpdateRequest } from './buffer.ts';
import { decodeEntity, fieldArguments, VALUE_ELSEWHERE } from './entity-hash.ts';
import { MemcachedClient, type MemcachedSettings } from './memcached-client.ts';
import { decodeCopy, encodeCopy, filledTag, memcachedKey, tagOf } from './memcached-copy.ts';
import { ValkeyBuffer, type ValkeyBufferOptions } from './valkey-buffer.ts';

export interface MemcachedBufferOptions extends ValkeyBufferOptions {
  readonly memcached: MemcachedSettings;
  readonly logger: Logger;
}

/**
 * How long the queue's server keeps the value of a clean entity that memcached does not take: because it is away, or the
 * value is too large. Not longer, so that what was read in a while is all that it must have room for.
 */
const KEPT_MS = 5000;
/** Entities whose values go to memcached together. */
const MOVE_CHUNK = 100;
/** Longest time that an ack spends on it, beside its last chunk: the queue drains also while memcached is slow. */
const MOVE_MS = 1000;

export class MemcachedBuffer extends ValkeyBuffer {
  readonly #options: MemcachedBufferOptions;
  readonly #memcached: MemcachedClient;
  readonly #keptMs: number;
  /** Under way. */
  readonly #updates = new Set<Promise<UpdateReply>>();

  constructor(options: MemcachedBufferOptions) {
    super(options);
    this.#options = options;
    this.#memcached = new MemcachedClient(options.memcached, options.logger);
    this.#keptMs = Math.min(options.cacheTtlMs, KEPT_MS);
  }

  override async check(): Promise<CheckResult> {
    const [queue, cache] = await Promise.all([super.check(), this.#memcached.version()]);
    const away =
      `memcached at ${this.#memcached.where} does not answer${cache.fault ? ` (${cache.fault})` : ''}: reads are slower, ` +
      'nothing is lost. See CACHE_HOST, CACHE_PORT and CACHE_TLS.';
    return {
      version: `${queue.version}, memcached ${cache.version ?? 'away'}`,
      warnings: queue.warnings,
      notes: [...(queue.notes ?? []), ...(cache.version === undefined ? [away] : [])],
    };
  }

  /** Updates under way may have to look into memcached and come again. */
  override async close(): Promise<void> {
    await Promise.allSettled(this.#updates);
    await super.close();
    this.#memcached.close();
  }

  /** Both servers are asked at the same time. */
  override async read(id: string): Promise<CachedEntity | undefined> {
    const copy = this.#memcached.get(this.#key(id));
    const hash = await this.readHash(id);
    const version = hash['~v'];
    return await this.found(id, hash, version === undefined ? undefined : this.#valueIn(copy, version));
  }

  override async update(request: UpdateRequest): Promise<UpdateReply> {
    const update = super.update(request);
    this.#updates.add(update);
    try {
      return await update;
    } finally {
      this.#updates.delete(update);
    }
  }

  protected override async valueElsewhere(id: string, version: string): Promise<FieldValues | undefined> {
    return await this.#valueIn(this.#memcached.get(this.#key(id)), version);
  }

  /** Into memcached first: what is not there yet when the hash names it would be a miss to everybody else. */
  override async fill(id: string, token: string, value: FieldValues | undefined): Promise<FillReply> {
    if (value === undefined) return await super.fill(id, token, value);
    const fields = fieldArguments(value);
    const stamp = this.#options.uniqueName();
    const isKept = await this.#keep(id, filledTag(stamp), value);
    const content = isKept
      ? { ttlMs: this.#options.cacheTtlMs, fields: VALUE_ELSEWHERE }
      : { ttlMs: this.#keptMs, fields };
    return await this.fillHash(id, token, { ...content, stamp });
  }

  /**
   * What became clean stays as it is for a short time, and goes to memcached meanwhile. Where it does not get there it is a
   * miss after that time; the ack itself needs no memcached (invariant 9).
   */
  override async ack(partition: number, ack: Ack): Promise<{ dropped: number; remaining: number }> {
    const { cleaned, ...reply } = await this.ackAll(partition, ack, this.#keptMs, true);
    try {
      const until = performance.now() + MOVE_MS;
      const goesOn = () => this.#memcached.isUsable && performance.now() < until;
      for (let start = 0; start < cleaned.length && goesOn(); start += MOVE_CHUNK) {
        await this.#move(cleaned.slice(start, start + MOVE_CHUNK));
      }
    } catch {
      // The ack was carried out, and whoever failed here fails the next call too.
    }
    return reply;
  }

  async #move(ids: readonly string[]): Promise<void> {
    const copies = await Promise.all(
      ids.map(async (id) => {
        const entity = decodeEntity(await this.readHash(id));
        if (!entity?.value || entity.dirty) return [];
        const { version, value } = entity;
        return (await this.#keep(id, tagOf(version), value)) ? [{ id, version }] : [];
      }),
    );
    if (copies.flat().length > 0) await this.strip(copies.flat(), this.#options.cacheTtlMs);
  }

  async #keep(id: string, tag: string, value: FieldValues): Promise<boolean> {
    return await this.#memcached.set(this.#key(id), encodeCopy(tag, value), this.#options.cacheTtlMs);
  }

  async #valueIn(asked: Promise<string | undefined>, version: string): Promise<FieldValues | undefined> {
    const copy = await asked;
    return copy === undefined ? undefined : decodeCopy(copy, tagOf(version));
  }

  #key(id: string): string {
    return memcachedKey(this.#options, id);
  }
}
