/**
 * Has one update accepted: asks the buffer, and where the entity is not cached loads its row under a lease and asks
 * again. Every wait is bounded, every refusal is a typed error, and nothing is sent twice unless an idempotency key
 * makes that safe (invariant 1).
 */
import type { BufferPort, UpdateReply, UpdateRequest } from '../buffer/buffer.ts';
import { checkFieldValues, type FieldValues, parseAttribution, parseTrace, type Update } from '../entity.ts';
import * as errors from '../errors.ts';
import { withRetries } from '../flusher/backoff.ts';
import { encodeItemTail } from '../item.ts';
import { formatPosition } from '../position.ts';
import type { Runtime } from '../runtime.ts';
import type { StorePort } from '../store/store.ts';
import type { Drains } from './drain.ts';
import { type Durability, parseDurability, reachDurability } from './durability.ts';
import type { Loader } from './loader.ts';
import type { UpdateOptions, UpdateResult } from './results.ts';

export interface UpdaterSettings {
  /** Longest wait for another loader, or for pending updates to be stored. */
  readonly waitMs: number;
  /** Bytes that one queue item may have. */
  readonly maxItemBytes: number;
  /** What an update does that finds the queue full. */
  readonly whenFull: 'reject' | 'help';
}

/** Rounds of asking, loading and asking again before an update gives up. */
const MAX_ATTEMPTS = 10;
/** How often and how soon an update whose reply was lost is repeated, where its idempotency key allows it. */
const LOST_REPLY_RETRY = { attempts: 4, firstMs: 50, mostMs: 500 };
/** After that part of a full queue was drained, callers find room again. */
const ROOM = 0.1;
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

type Accepted = UpdateReply & { kind: 'OK' };

interface UpdaterPorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
}

export class Updater {
  readonly #entity: string;
  readonly #ports: UpdaterPorts;
  readonly #settings: UpdaterSettings;
  readonly #loader: Loader;
  readonly #drains: Drains;

  constructor(
    entity: string,
    ports: UpdaterPorts,
    settings: UpdaterSettings,
    loader: Loader,
    drains: Drains,
  ) {
    this.#entity = entity;
    this.#ports = ports;
    this.#settings = settings;
    this.#loader = loader;
    this.#drains = drains;
  }

  async update(id: string, changes: FieldValues, options: UpdateOptions): Promise<UpdateResult> {
    const { runtime } = this.#ports;
    const durability = parseDurability(options.durability);
    checkFieldValues(changes);
    const trace = parseTrace(options.trace);
    const request: UpdateRequest = {
      id,
      changes,
      tail: this.#tail({ id, changes, trace, ...parseAttribution(options.user, options.comment) }),
      trace,
      ifVersion: parseVersion(options.ifVersion),
      idempotencyKey: parseIdempotencyKey(options.idempotencyKey),
      token: runtime.uniqueName(),
      base: undefined,
    };
    const deadlineAt = runtime.now() + this.#settings.waitMs;
    let next = request;
    for (let attempt = 0, waits = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const reply = await this.#send(next);
      switch (reply.kind) {
        case 'OK':
          return await this.#hardened(id, reply, durability);
        case 'MISS':
          next = await this.#withBase(next);
          break;
        case 'BUSY':
          // Waiting is bounded by the deadline, not by the count.
          if (await this.#loader.waitForOther(id, waits++, reply.leaseMs, deadlineAt)) attempt--;
          break;
        case 'RETRY':
          next = { ...request, token: runtime.uniqueName() };
          break;
        case 'PENDING':
          next = { ...request, token: runtime.uniqueName() };
          if (await this.#drains.entity(id, deadlineAt)) break;
          throw new errors.UpdatesPendingError(id, this.#settings.waitMs);
        case 'QUEUE_FULL':
          // Helping is bounded by the deadline, not by the count.
          if (!(await this.#makeRoom(id, deadlineAt))) throw await this.#queueFull(id, reply.limit);
          attempt--;
          break;
        default:
          throw this.#refusal(request, reply);
      }
    }
    throw new errors.ContendedError(id, MAX_ATTEMPTS);
  }

  #accepted(id: string, reply: Accepted): UpdateResult {
    const { position, queueLength, replayed } = reply;
    const version = formatPosition(position);
    const cacheKey = this.#ports.buffer.cacheKey(id);
    return { version, seq: position.seq, cacheKey, queueLength, replayed, durability: 'memory' };
  }

  async #hardened(id: string, reply: Accepted, level: Durability): Promise<UpdateResult> {
    const accepted = this.#accepted(id, reply);
    if (level === 'memory') return accepted;
    const update = { id, position: reply.position, accepted };
    const { waitMs } = this.#settings;
    await reachDurability(this.#ports, this.#drains.entity, update, level, waitMs);
    return { ...accepted, durability: level };
  }

  #tail(update: Update<FieldValues>): string {
    const tail = encodeItemTail(update);
    const { maxItemBytes } = this.#settings;
    // A trace comes with two quotes and a comma.
    const most = maxItemBytes - (update.trace === undefined ? 0 : update.trace.length + 3);
    // A character has at most three bytes for each of its UTF-16 units: most need no count.
    if (tail.length * 3 > most && Buffer.byteLength(tail) > most) {
      throw new errors.LimitError('QUEUE_ITEM_BYTES', maxItemBytes, 'This update is too large for the queue');
    }
    return tail;
  }

  /** Sends it; again after a lost reply, where the idempotency key makes that safe. */
  async #send(request: UpdateRequest): Promise<UpdateReply> {
    const { runtime, buffer } = this.#ports;
    if (request.idempotencyKey === undefined) return await buffer.update(request);
    let lost: unknown;
    const retryable = (error: unknown) => {
      if (error instanceof errors.OutcomeUnknownError) lost = error;
      return lost !== undefined && (error === lost || error instanceof errors.BufferUnavailableError);
    };
    try {
      const limits = { ...LOST_REPLY_RETRY, deadlineAt: runtime.now() + this.#settings.waitMs, retryable };
      return await withRetries(runtime, limits, () => buffer.update(request));
    } catch (error) {
      // Refused now says nothing of the attempt before.
      throw lost === undefined ? error : lost;
    }
  }

  /** Loads the row under the lease that the update was just given. */
  async #withBase(request: UpdateRequest): Promise<UpdateRequest> {
    const { buffer, store } = this.#ports;
    if (request.ifVersion !== undefined) {
      // There is no version to compare with until it is cached.
      await this.#loader.fill(request.id, request.token);
      return { ...request, token: this.#ports.runtime.uniqueName(), base: undefined };
    }
    const { value } = await store.load(request.id);
    if (value) return { ...request, base: value };
    await buffer.fill(request.id, request.token, undefined);
    throw new errors.NotFoundError(this.#entity, request.id);
  }

  async #makeRoom(id: string, deadlineAt: number): Promise<boolean> {
    if (this.#settings.whenFull === 'reject' || this.#ports.runtime.now() >= deadlineAt) return false;
    return await this.#drains.batch(id, deadlineAt);
  }

  async #queueFull(id: string, limit: number): Promise<errors.QueueFullError> {
    const { buffer } = this.#ports;
    const partition = buffer.partitionOf(id);
    const pace = await buffer.readPace(partition).catch(() => undefined);
    return new errors.QueueFullError(partition, limit, pace && Math.ceil((1000 * ROOM * limit) / pace));
  }

  #refusal(request: UpdateRequest, reply: UpdateReply): errors.AfterwriteError {
    const { id, ifVersion = '' } = request;
    switch (reply.kind) {
      case 'MISSING':
        return new errors.NotFoundError(this.#entity, id);
      case 'CONFLICT':
        return new errors.VersionConflictError(id, ifVersion, reply.version);
      case 'REUSED':
        return new errors.IdempotencyKeyReusedError(id);
      case 'ANSWERS_FULL':
        return new errors.LimitError(
          'IDEMPOTENCY_MAX_ANSWERS',
          reply.limit,
          'No more idempotency keys can be kept.',
        );
      default:
        return new errors.BufferError('update', new Error(`unexpected reply ${reply.kind}`));
    }
  }
}

/** Not a text, it would be something else to the script: of a list, each element an argument. */
function parseVersion(version: unknown): string | undefined {
  if (version === undefined) return undefined;
  if (typeof version !== 'string' || version === '') {
    throw new errors.ValidationError('ifVersion', 'must be a version, as a read gives it');
  }
  return version;
}

function parseIdempotencyKey(key: unknown): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
    throw new errors.ValidationError('idempotencyKey', 'must be 1 to 255 printable ASCII characters');
  }
  return key;
}
