/**
 * The buffer on Valkey or Redis, one server or a cluster. Each method is one command or one script; `lua/` holds what is
 * atomic and why. This class only packs arguments and names replies.
 */
import type { FieldValues } from '../entity.ts';
import { BufferError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { BufferPort, CachedEntity, CachedLook, CheckResult, FillReply, LeaseReply } from './buffer.ts';
import type { SeizeReply, UpdateReply, UpdateRequest } from './buffer.ts';
import { decodeEntity, fieldArguments, MISSING_ROW, versionElsewhere } from './entity-hash.ts';
import { checkId, entityIdOf, everyKey, type PartitionKeys, partitionOf } from './keys.ts';
import { type Layout, PartitionFence } from './partition-fence.ts';
import { type UpdateLimits, UpdateScript, type VersionedValue } from './update-script.ts';
import { checkServers } from './valkey-checks.ts';
import { Confirmer, type ConfirmLevel } from './valkey-confirmer.ts';
import { throwFault } from './valkey-client.ts';
import { ValkeyQueue, type ValkeyQueueOptions } from './valkey-queue.ts';
import { readLeaseReply } from './valkey-replies.ts';
import { scanHashes } from './valkey-scan.ts';

export interface ValkeyBufferOptions extends ValkeyQueueOptions, UpdateLimits {
  readonly missingTtlMs: number;
  /** How many partitions there are, as the store knows it: asked where the server does not. */
  readonly readLayout: () => Promise<Layout>;
}

/** Items one LRANGE of a search reads. */
const CHUNK = 500;
/** Values that were changed again before an update came with them. */
const MAX_ELSEWHERE = 5;
/** A fence that is shut again each time we come. */
const MAX_FENCED = 10;

export class ValkeyBuffer extends ValkeyQueue implements BufferPort {
  readonly #options: ValkeyBufferOptions;
  readonly #confirmer: Confirmer;
  readonly #fence: PartitionFence;
  readonly #updates: UpdateScript;

  constructor(options: ValkeyBufferOptions) {
    super(options);
    this.#options = options;
    this.#confirmer = new Confirmer(options.connection);
    this.#updates = new UpdateScript(options, (keys, args) => this.link.script('update', keys, args));
    this.#fence = new PartitionFence({
      ...options,
      now: Date.now,
      fence: async (partition, asked) => {
        const args = [options.partitions, options.uniqueName(), asked];
        const [kind, token] = await this.link.script('fence', [this.partition(partition).seq], args);
        return { isOpen: kind === 'OPEN', token: String(token) };
      },
    });
  }

  async open(): Promise<CheckResult> {
    return await this.check().catch(throwFault);
  }

  async check(): Promise<CheckResult> {
    return await this.link.send('INFO', [], () => checkServers(this.link.client, this.#options.connection));
  }

  async close(): Promise<void> {
    this.#updates.sendAll();
    await this.link.close();
    this.#confirmer.close();
  }

  cacheKey(id: string): string {
    return this.#of(id).entityPrefix + id;
  }

  partitionOf(id: string): number {
    return partitionOf(id, this.#options.partitions);
  }

  async read(id: string): Promise<CachedEntity | undefined> {
    return await this.found(id, await this.readHash(id));
  }

  protected async readHash(id: string): Promise<Record<string, string>> {
    const key = this.cacheKey(id);
    return await this.link.send('HGETALL', [key], () => this.link.client.hgetall(key));
  }

  /** What a read makes of the hash. A version whose value is gone goes too, so that the row can be loaded. */
  protected async found(
    id: string,
    hash: Record<string, string>,
    value?: Promise<FieldValues | undefined>,
  ): Promise<CachedEntity | undefined> {
    const version = versionElsewhere(hash);
    if (version === undefined) return decodeEntity(hash);
    return await this.#elsewhere(id, version, value);
  }

  async #elsewhere(id: string, version: string, asked = this.valueElsewhere(id, version)) {
    const value = await asked;
    if (value) return { value, version, dirty: false };
    await this.drop(id, version);
    return undefined;
  }

  /** The value that this version names, where it lies elsewhere: here nowhere, CACHE_ENGINE was memcached before. */
  protected valueElsewhere(_id: string, _version: string): Promise<FieldValues | undefined> {
    return Promise.resolve(undefined);
  }

  async update(request: UpdateRequest): Promise<UpdateReply> {
    const { id } = request;
    const keys = this.#of(id);
    let kept: VersionedValue | undefined;
    for (let attempt = 0; attempt < MAX_ELSEWHERE; attempt++) {
      const reply = await this.#fenced(id, 'update', () => this.#updates.send(keys, request, kept));
      if (reply.kind !== 'ELSEWHERE') return reply;
      kept = await this.#elsewhere(id, reply.version);
    }
    // Others were faster each time: as good as a lease that somebody else has.
    return { kind: 'BUSY', leaseMs: 1 };
  }

  async confirm(id: string, { epoch }: Position, level: ConfirmLevel, timeoutMs: number): Promise<boolean> {
    return await this.#confirmer.confirm(level, { seqKey: this.#of(id).seq, epoch }, timeoutMs);
  }

  async lease(id: string, token: string): Promise<LeaseReply> {
    const keys = this.#of(id);
    const touched = [keys.entityPrefix + id, keys.pending, keys.fillPrefix + id, keys.seq];
    const args = [id, token, this.#options.fillLeaseMs, this.#options.partitions];
    return await this.#fenced(id, 'lease', async () => {
      const reply = await this.link.script('lease', touched, args);
      return readLeaseReply(reply);
    });
  }

  async fill(id: string, token: string, value: FieldValues | undefined): Promise<FillReply> {
    const { cacheTtlMs, missingTtlMs, uniqueName } = this.#options;
    const content =
      value === undefined
        ? { ttlMs: missingTtlMs, fields: MISSING_ROW }
        : { ttlMs: cacheTtlMs, fields: fieldArguments(value) };
    return await this.fillHash(id, token, { ...content, stamp: uniqueName() });
  }

  /** The version will be `<epoch>.<stamp>`. */
  protected async fillHash(
    id: string,
    token: string,
    { stamp, ttlMs, fields }: { stamp: string; ttlMs: number; fields: readonly string[] },
  ): Promise<FillReply> {
    const keys = this.#of(id);
    const touched = [keys.entityPrefix + id, keys.pending, keys.fillPrefix + id, keys.seq];
    const [kind, version] = await this.link.script('fill', touched, [id, token, ttlMs, stamp, ...fields]);
    return kind === 'OK' ? { kind, version: String(version) } : { kind: 'REFUSED' };
  }

  async isPending(id: string): Promise<boolean> {
    const { pending } = this.#of(id);
    return (await this.link.send('HEXISTS', [pending], () => this.link.client.hexists(pending, id))) === 1;
  }

  async pendingItems(id: string, limit: number): Promise<{ items: readonly Buffer[]; complete: boolean }> {
    const { queue } = this.#of(id);
    const needle = Buffer.from(`,"${id}",`);
    const items: Buffer[] = [];
    for (let start = 0; start < limit; start += CHUNK) {
      const end = Math.min(start + CHUNK, limit) - 1;
      const chunk = await this.link.send('LRANGE', [queue], () =>
        this.link.client.lrangeBuffer(queue, start, end),
      );
      items.push(...chunk.filter((item) => item.includes(needle)));
      if (chunk.length < end - start + 1) return { items, complete: true };
    }
    return { items, complete: false };
  }

  async disown(id: string): Promise<boolean> {
    const { queue, pending, entityPrefix } = this.#of(id);
    return (await this.link.number('disown', [queue, pending, entityPrefix + id], [id])) === 1;
  }

  async invalidate(id: string): Promise<void> {
    const keys = this.#of(id);
    await this.link.script('invalidate', [keys.entityPrefix + id, keys.fillPrefix + id], []);
  }

  async seize(id: string, token: string): Promise<SeizeReply> {
    const { entityPrefix, fillPrefix, seq } = this.#of(id);
    const args = [token, this.#options.fillLeaseMs, this.#options.partitions];
    const [kind] = await this.link.script('seize', [entityPrefix + id, fillPrefix + id, seq], args);
    return { kind: kind === 'OK' ? 'SEIZED' : 'UNFENCED' };
  }

  async cachedIds(cursor: string | undefined): Promise<{ ids: string[]; next: string | undefined }> {
    const pattern = everyKey(this.#options.entity, this.#options.namespace);
    const { keys, next } = await this.link.send('SCAN', [], () =>
      scanHashes(this.link.client, pattern, cursor),
    );
    return { ids: keys.flatMap((key) => entityIdOf(key, this.keys) ?? []), next };
  }

  async look(ids: readonly string[]): Promise<readonly CachedLook[]> {
    const one = async (id: string): Promise<CachedLook> => {
      const { entityPrefix, pending } = this.#of(id);
      const [hash, waits] = await Promise.all([
        this.link.client.hgetall(entityPrefix + id),
        this.link.client.hexists(pending, id),
      ]);
      const version = versionElsewhere(hash);
      if (version === undefined) return { cached: decodeEntity(hash), pending: waits === 1 };
      const value = await this.valueElsewhere(id, version);
      return { cached: value && { value, version, dirty: false }, pending: waits === 1 };
    };
    return await this.link.send('HGETALL', ids, () => Promise.all(ids.map(one)));
  }

  async drop(id: string, version: string): Promise<boolean> {
    const keys = this.#of(id);
    const touched = [keys.entityPrefix + id, keys.pending, keys.fillPrefix + id];
    return (await this.link.number('drop', touched, [id, version])) === 1;
  }

  /** Of entities of one partition: `lua/strip-n.lua`. */
  protected async strip(copies: readonly { id: string; version: string }[], ttlMs: number): Promise<void> {
    const keys = copies.map(({ id }) => this.cacheKey(id));
    await this.link.send('strip', keys, () =>
      this.link.client.strip(keys.length, ...keys, ttlMs, ...copies.map(({ version }) => version)),
    );
  }

  #of(id: string): PartitionKeys {
    checkId(id);
    return this.partition(this.partitionOf(id));
  }

  /** Asks again, where the answer is undefined, once the store has said that we may write into the id's partition. */
  async #fenced<Reply>(id: string, command: string, ask: () => Promise<Reply | undefined>): Promise<Reply> {
    for (let attempt = 0; attempt < MAX_FENCED; attempt++) {
      const reply = await ask();
      if (reply !== undefined) return reply;
      await this.#fence.open(this.partitionOf(id));
    }
    throw new BufferError(command, new Error('its partition is shut again and again'));
  }
}
