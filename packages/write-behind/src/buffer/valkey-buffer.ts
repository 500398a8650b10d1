/**
 * The buffer on Valkey, one server or a cluster. Each method is one command or one script; `lua/` holds what is
 * atomic and why. This class only packs arguments and names replies.
 */
import type { FieldValues } from '../entity.ts';
import { BufferError, BufferFullError } from '../errors.ts';
import type { Position } from '../position.ts';
import type { Ack, BreakerReply, BreakerState, BufferPort, CachedEntity, CachedLook } from './buffer.ts';
import type { CheckResult, FillReply, LeaseReply, PartitionLife, PartitionQueue } from './buffer.ts';
import type { PeekedBatch, SeizeReply, UpdateReply, UpdateRequest } from './buffer.ts';
import { decodeEntity, fieldArguments, MISSING_ROW } from './entity-hash.ts';
import { checkId, entityIdOf, everyKey, type PartitionKeys, partitionKeys, partitionOf } from './keys.ts';
import { type Layout, PartitionFence } from './partition-fence.ts';
import { type UpdateLimits, UpdateScript } from './update-script.ts';
import { checkServers } from './valkey-checks.ts';
import { Confirmer, type ConfirmLevel } from './valkey-confirmer.ts';
import { throwFault, type ValkeySettings } from './valkey-client.ts';
import { ValkeyLink } from './valkey-link.ts';
import { readBreakerReply, readBreakerState, readLeaseReply, readLife } from './valkey-replies.ts';
import { ownKeys, scanHashes } from './valkey-scan.ts';

export interface ValkeyBufferOptions extends UpdateLimits {
  readonly connection: ValkeySettings;
  readonly entity: string;
  readonly namespace: string;
  readonly partitions: number;
  readonly cacheTtlMs: number;
  readonly missingTtlMs: number;
  /** How many partitions there are, as the store knows it: asked where the server does not. */
  readonly readLayout: () => Promise<Layout>;
}

/** Items one ack script drops: about 2 ms of the server's time. */
const ACK_CHUNK = 500;
/** A pace as old as this says nothing of how fast the queue is drained now. */
const PACE_KEPT_MS = 600_000;
/** Keys one DEL takes, and items one LRANGE of a search reads. */
const CHUNK = 500;
/** A fence that is shut again each time we come. */
const MAX_FENCED = 10;

export class ValkeyBuffer implements BufferPort {
  readonly #options: ValkeyBufferOptions;
  readonly #link: ValkeyLink;
  readonly #confirmer: Confirmer;
  readonly #keys: readonly PartitionKeys[];
  readonly #fence: PartitionFence;
  readonly #updates: UpdateScript;

  constructor(options: ValkeyBufferOptions) {
    this.#options = options;
    this.#link = new ValkeyLink(options.connection);
    this.#confirmer = new Confirmer(options.connection);
    this.#keys = Array.from({ length: options.partitions }, (_, partition) =>
      partitionKeys(options.entity, options.namespace, partition),
    );
    this.#updates = new UpdateScript(options, (keys, args) => this.#link.script('update', keys, args));
    this.#fence = new PartitionFence({
      ...options,
      now: Date.now,
      fence: async (partition, asked) => {
        const args = [options.partitions, options.uniqueName(), asked];
        const [kind, token] = await this.#link.script('fence', [this.#partition(partition).seq], args);
        return { isOpen: kind === 'OPEN', token: String(token) };
      },
    });
  }

  async open(): Promise<CheckResult> {
    return await this.check().catch(throwFault);
  }

  async check(): Promise<CheckResult> {
    return await this.#link.send('INFO', [], () => checkServers(this.#link.client));
  }

  async close(): Promise<void> {
    this.#updates.sendAll();
    await this.#link.close();
    this.#confirmer.close();
  }

  async bindStore(storeId: string): Promise<{ storeId: string; key: string }> {
    const { store } = this.#partition(0);
    try {
      await this.#link.send('SET', [store], () => this.#link.client.set(store, storeId, 'NX'));
    } catch (error) {
      if (!(error instanceof BufferFullError)) throw error;
    }
    const bound = await this.#link.send('GET', [store], () => this.#link.client.get(store));
    return { storeId: bound ?? storeId, key: store };
  }

  async ping(): Promise<void> {
    const key = this.#partition(0).seq;
    // A keyed command: on a cluster it goes to a node that matters.
    await this.#link.send('EXISTS', [key], () => this.#link.client.exists(key));
  }

  cacheKey(id: string): string {
    return this.#of(id).entityPrefix + id;
  }

  partitionOf(id: string): number {
    return partitionOf(id, this.#options.partitions);
  }

  async read(id: string): Promise<CachedEntity | undefined> {
    const key = this.cacheKey(id);
    return decodeEntity(await this.#link.send('HGETALL', [key], () => this.#link.client.hgetall(key)));
  }

  async update(request: UpdateRequest): Promise<UpdateReply> {
    const keys = this.#of(request.id);
    return await this.#fenced(request.id, 'update', () => this.#updates.send(keys, request));
  }

  async confirm(id: string, { epoch }: Position, level: ConfirmLevel, timeoutMs: number): Promise<boolean> {
    return await this.#confirmer.confirm(level, { seqKey: this.#of(id).seq, epoch }, timeoutMs);
  }

  async lease(id: string, token: string): Promise<LeaseReply> {
    const keys = this.#of(id);
    const touched = [keys.entityPrefix + id, keys.pending, keys.fillPrefix + id, keys.seq];
    const args = [id, token, this.#options.fillLeaseMs, this.#options.partitions];
    return await this.#fenced(id, 'lease', async () => {
      const reply = await this.#link.script('lease', touched, args);
      return readLeaseReply(reply);
    });
  }

  async fill(id: string, token: string, value: FieldValues | undefined): Promise<FillReply> {
    const keys = this.#of(id);
    const { cacheTtlMs, missingTtlMs, uniqueName } = this.#options;
    const [kind, version] = await this.#link.script(
      'fill',
      [keys.entityPrefix + id, keys.pending, keys.fillPrefix + id, keys.seq],
      value === undefined
        ? [id, token, missingTtlMs, uniqueName(), ...MISSING_ROW]
        : [id, token, cacheTtlMs, uniqueName(), ...fieldArguments(value)],
    );
    return kind === 'OK' ? { kind, version: String(version) } : { kind: 'REFUSED' };
  }

  async isPending(id: string): Promise<boolean> {
    const { pending } = this.#of(id);
    return (await this.#link.send('HEXISTS', [pending], () => this.#link.client.hexists(pending, id))) === 1;
  }

  async pendingItems(id: string, limit: number): Promise<{ items: readonly Buffer[]; complete: boolean }> {
    const { queue } = this.#of(id);
    const needle = Buffer.from(`,"${id}",`);
    const items: Buffer[] = [];
    for (let start = 0; start < limit; start += CHUNK) {
      const end = Math.min(start + CHUNK, limit) - 1;
      const chunk = await this.#link.send('LRANGE', [queue], () =>
        this.#link.client.lrangeBuffer(queue, start, end),
      );
      items.push(...chunk.filter((item) => item.includes(needle)));
      if (chunk.length < end - start + 1) return { items, complete: true };
    }
    return { items, complete: false };
  }

  async disown(id: string): Promise<boolean> {
    const { queue, pending, entityPrefix } = this.#of(id);
    return (await this.#link.number('disown', [queue, pending, entityPrefix + id], [id])) === 1;
  }

  async invalidate(id: string): Promise<void> {
    const keys = this.#of(id);
    await this.#link.script('invalidate', [keys.entityPrefix + id, keys.fillPrefix + id], []);
  }

  async seize(id: string, token: string): Promise<SeizeReply> {
    const { entityPrefix, fillPrefix, seq } = this.#of(id);
    const args = [token, this.#options.fillLeaseMs, this.#options.partitions];
    const [kind] = await this.#link.script('seize', [entityPrefix + id, fillPrefix + id, seq], args);
    return { kind: kind === 'OK' ? 'SEIZED' : 'UNFENCED' };
  }

  async cachedIds(cursor: string | undefined): Promise<{ ids: string[]; next: string | undefined }> {
    const pattern = everyKey(this.#options.entity, this.#options.namespace);
    const { keys, next } = await this.#link.send('SCAN', [], () =>
      scanHashes(this.#link.client, pattern, cursor),
    );
    return { ids: keys.flatMap((key) => entityIdOf(key, this.#keys) ?? []), next };
  }

  async look(ids: readonly string[]): Promise<readonly CachedLook[]> {
    const one = async (id: string): Promise<CachedLook> => {
      const { entityPrefix, pending } = this.#of(id);
      const [hash, waits] = await Promise.all([
        this.#link.client.hgetall(entityPrefix + id),
        this.#link.client.hexists(pending, id),
      ]);
      return { cached: decodeEntity(hash), pending: waits === 1 };
    };
    return await this.#link.send('HGETALL', ids, () => Promise.all(ids.map(one)));
  }

  async drop(id: string, version: string): Promise<boolean> {
    const keys = this.#of(id);
    const touched = [keys.entityPrefix + id, keys.pending, keys.fillPrefix + id];
    return (await this.#link.number('drop', touched, [id, version])) === 1;
  }

  async peek(partition: number, limits: { rows: number; bytes: number }): Promise<PeekedBatch> {
    const { queue } = this.#partition(partition);
    const reply = await this.#link.send('peek', [queue], () =>
      this.#link.client.peekBuffer(queue, limits.rows, limits.bytes),
    );
    const [length, ...items] = reply as [number, ...Buffer[]];
    return { length, items };
  }

  async ack(partition: number, ack: Ack): Promise<{ dropped: number; remaining: number }> {
    const keys = this.#partition(partition);
    const covered = [...ack.covered].flatMap(([epoch, seq]) => [epoch, seq]);
    const tail = [
      ack.covered.size,
      ...covered,
      ack.distrusted.size,
      ...ack.distrusted,
      ack.parkedBytes.length,
      ...ack.parkedBytes,
    ];
    for (let total = 0; ;) {
      const reply = await this.#link.script(
        'ack',
        [keys.queue, keys.pending, keys.stopped, keys.seq],
        [keys.entityPrefix, this.#options.cacheTtlMs, ACK_CHUNK, ...tail],
      );
      const dropped = Number(reply[0]);
      total += dropped;
      if (dropped < ACK_CHUNK) return { dropped: total, remaining: Number(reply[1]) };
    }
  }

  async queueLengths(): Promise<readonly number[]> {
    return await this.#each('LLEN', async ({ queue }) => await this.#link.client.llen(queue));
  }

  async queues(): Promise<readonly PartitionQueue[]> {
    return await this.#each('LLEN', async ({ queue, stopped }) => {
      const [length, oldest, reason] = await Promise.all([
        this.#link.client.llen(queue),
        this.#link.client.lindexBuffer(queue, 0),
        this.#link.client.get(stopped),
      ]);
      return { length, oldest: oldest ?? undefined, stopped: reason ?? undefined };
    });
  }

  async setStopped(partition: number, reason: string): Promise<void> {
    const { stopped } = this.#partition(partition);
    await this.#link.send('SET', [stopped], () => this.#link.client.set(stopped, reason));
  }

  async claim(partition: number, token: string, leaseMs: number): Promise<boolean> {
    const { lease } = this.#partition(partition);
    try {
      const reply = await this.#link.send('SET', [lease], () =>
        this.#link.client.set(lease, token, 'PX', leaseMs, 'NX'),
      );
      if (reply === 'OK') return true;
      // Every claim of ours ends by itself. A key that never does is none: nobody would ever give it back.
      return (await this.#link.send('PTTL', [lease], () => this.#link.client.pttl(lease))) === -1;
    } catch (error) {
      // Draining must work at the memory limit, and no more than work is saved by this key.
      if (error instanceof BufferFullError) return true;
      throw error;
    }
  }

  async claimNudge(intervalMs: number): Promise<boolean> {
    const { nudge } = this.#partition(0);
    const reply = await this.#link.send('SET', [nudge], () =>
      this.#link.client.set(nudge, '1', 'PX', intervalMs, 'NX'),
    );
    return reply === 'OK';
  }

  async renewClaim(partition: number, token: string, leaseMs: number): Promise<void> {
    const { lease, pace } = this.#partition(partition);
    await this.#link.number('hold', [lease, pace], [token, leaseMs, '', PACE_KEPT_MS]);
  }

  async releaseClaim(partition: number, token: string, pace?: number): Promise<void> {
    const keys = this.#partition(partition);
    await this.#link.number('hold', [keys.lease, keys.pace], [token, 0, pace ?? '', PACE_KEPT_MS]);
  }

  async readPace(partition: number): Promise<number | undefined> {
    const { pace } = this.#partition(partition);
    const kept = await this.#link.send('GET', [pace], () => this.#link.client.get(pace));
    return kept === null ? undefined : Number(kept);
  }

  async passBreaker(trialMs: number): Promise<BreakerReply> {
    return readBreakerReply(await this.#link.script('gate', [this.#partition(0).breaker], [trialMs]));
  }

  async tripBreaker({ known, waitMs, keptMs }: { known: number; waitMs: number; keptMs: number }) {
    const { breaker } = this.#partition(0);
    return readBreakerState(await this.#link.script('trip', [breaker], [known, waitMs, keptMs]));
  }

  async closeBreaker(): Promise<void> {
    const { breaker } = this.#partition(0);
    await this.#link.send('DEL', [breaker], () => this.#link.client.del(breaker));
  }

  async readBreaker(): Promise<BreakerState | undefined> {
    const { breaker } = this.#partition(0);
    const [until, failures, sinceMs] = await this.#link.send('HMGET', [breaker], () =>
      this.#link.client.hmget(breaker, 'until', 'failures', 'since'),
    );
    if (!until) return undefined;
    // Two clocks: it is for people.
    return readBreakerState([Math.max(0, Number(until) - Date.now()), failures, sinceMs]);
  }

  async lives(): Promise<readonly PartitionLife[]> {
    return await Promise.all(this.#keys.map((_, partition) => this.#life(partition)));
  }

  async beginEpoch(partition: number): Promise<PartitionLife> {
    await this.#link.number('begin', [this.#partition(partition).seq], [this.#options.uniqueName()]);
    return await this.#life(partition);
  }

  async settleBegun(partition: number, epoch: string, atUs: number): Promise<void> {
    await this.#link.number('settle', [this.#partition(partition).seq], [epoch, 'b', atUs]);
  }

  async settleAcked(partition: number, { epoch, seq }: Position, storedSeq: number): Promise<void> {
    await this.#link.number('settle', [this.#partition(partition).seq], [epoch, 'a', seq, storedSeq]);
  }

  async #life(partition: number): Promise<PartitionLife> {
    return readLife(await this.#link.script('life', [this.#partition(partition).seq], []));
  }

  async clear(): Promise<{ deleted: number; kept: number }> {
    let deleted = 0;
    let kept = 0;
    for await (const { partition, found } of ownKeys(this.#link, this.#keys)) {
      const { queue, seq, once, onceOrder, store, gatheredPrefix } = partition;
      const lasting = new Set([seq, once, onceOrder, store]);
      const keys = found.filter((key) => !lasting.has(key) && !key.startsWith(gatheredPrefix));
      if (keys.length === 0) continue;
      const count = await this.#link.number('clear', [queue], keys);
      if (count < 0) kept += keys.length;
      else deleted += count;
    }
    return { deleted, kept };
  }

  async deleteAll(): Promise<number> {
    let count = 0;
    for await (const { found } of ownKeys(this.#link, this.#keys)) {
      count += await this.#link.send('UNLINK', found, () => this.#link.client.unlink(...found));
    }
    return count;
  }

  #of(id: string): PartitionKeys {
    checkId(id);
    return this.#partition(this.partitionOf(id));
  }

  #partition(partition: number): PartitionKeys {
    const keys = this.#keys[partition];
    if (!keys) throw new RangeError(`There is no partition ${String(partition)}`);
    return keys;
  }

  async #each<T>(command: string, read: (keys: PartitionKeys) => Promise<T>): Promise<T[]> {
    return await this.#link.send(command, [], () => Promise.all(this.#keys.map(read)));
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
