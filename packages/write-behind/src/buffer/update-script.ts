/**
 * Sends updates to `lua/update-n.lua`. While a script of a partition is under way, what is asked for in that partition is
 * gathered and then goes in one: each update is decided by itself, and what all of them need is looked up once. Where
 * nothing is under way nobody waits, but for those who ask in the same turn of the event loop.
 *
 * The script reads before it writes, all of it: where a key of one of them has a foreign type none was carried out, and
 * each is sent again by itself, behind what was asked for meanwhile.
 */
import { createHash } from 'node:crypto';
import { BufferUnavailableError, ForeignKeyTypeError } from '../errors.ts';
import type { FieldValues } from '../entity.ts';
import type { UpdateRequest } from './buffer.ts';
import { withTrace } from '../item.ts';
import { fieldArguments } from './entity-hash.ts';
import type { PartitionKeys } from './keys.ts';
import { readUpdateReply, type ScriptedUpdateReply, unexpected } from './valkey-replies.ts';

export interface UpdateLimits {
  readonly partitions: number;
  readonly fillLeaseMs: number;
  /** Updates that may wait in one partition. */
  readonly queueMaxLength: number;
  readonly idempotencyTtlMs: number;
  /** Answers to idempotency keys kept in one partition. */
  readonly idempotencyMaxAnswers: number;
  readonly uniqueName: () => string;
}

/** Runs the script once: see `ValkeyLink.script`. */
type RunScript = (keys: string[], args: string[]) => Promise<readonly unknown[]>;

/** About a quarter of a millisecond of the server's time. */
const MOST_TOGETHER = 50;
/** One argument of the server may have 512 MB; this keeps what others wait for short. */
const MOST_CHARACTERS = 256 * 1024;

/** The value that a version names, wherever it was kept. */
export interface VersionedValue {
  readonly version: string;
  readonly value: FieldValues;
}

interface Waiting {
  readonly request: UpdateRequest;
  /** In the place of a base that was loaded under a lease. */
  readonly kept: VersionedValue | undefined;
  /** Changed field, value, ... */
  readonly changes: readonly string[];
  readonly resolve: (reply: ScriptedUpdateReply | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** What is asked for of one partition. */
interface Lane {
  readonly keys: PartitionKeys;
  /** Scripts whose reply has not come yet. */
  underWay: number;
  gathered: Waiting[];
  characters: number;
}

export class UpdateScript {
  readonly #uniqueName: () => string;
  /** What the script is told of its limits each time. */
  readonly #settings: string;
  readonly #run: RunScript;
  /** By queue. */
  readonly #lanes = new Map<string, Lane>();

  constructor(limits: UpdateLimits, run: RunScript) {
    this.#uniqueName = limits.uniqueName;
    this.#run = run;
    const { partitions, queueMaxLength, fillLeaseMs, idempotencyTtlMs, idempotencyMaxAnswers } = limits;
    const keepUs = idempotencyTtlMs * 1000;
    this.#settings = [partitions, queueMaxLength, fillLeaseMs, keepUs, idempotencyMaxAnswers].join(' ');
  }

  /** undefined: unfenced, see `readUpdateReply`. */
  async send(
    keys: PartitionKeys,
    request: UpdateRequest,
    kept?: VersionedValue,
  ): Promise<ScriptedUpdateReply | undefined> {
    // Here, where it throws for this update alone.
    const changes = fieldArguments(request.changes);
    return await new Promise((resolve, reject) => {
      this.#add(this.#laneOf(keys), { request, kept, changes, resolve, reject });
    });
  }

  /** What is gathered goes at once: before the connection is closed. */
  sendAll(): void {
    for (const lane of this.#lanes.values()) this.#sendGathered(lane);
  }

  #laneOf(keys: PartitionKeys): Lane {
    const known = this.#lanes.get(keys.queue);
    if (known) return known;
    const lane = { keys, underWay: 0, gathered: [], characters: 0 };
    this.#lanes.set(keys.queue, lane);
    return lane;
  }

  #add(lane: Lane, waiting: Waiting): void {
    const { request, kept } = waiting;
    const isAlone = Boolean(kept ?? request.base) || request.idempotencyKey !== undefined;
    // In their order: what was asked for before goes before.
    if (isAlone || !hasRoom(lane, request)) this.#sendGathered(lane);
    if (isAlone) {
      void this.#carryOut(lane, [waiting]);
      return;
    }
    lane.gathered.push(waiting);
    lane.characters += request.tail.length;
    if (lane.underWay === 0 && lane.gathered.length === 1) this.#sendSoon(lane);
  }

  /** Once all who were just given an answer have had their turn: they may ask again. */
  #sendSoon(lane: Lane): void {
    process.nextTick(() => {
      this.#sendGathered(lane);
    });
  }

  #sendGathered(lane: Lane): void {
    const together = takeGathered(lane);
    if (together.length > 0) void this.#carryOut(lane, together);
  }

  /** Never rejects: each update is told what became of it. */
  async #carryOut(lane: Lane, together: readonly Waiting[]): Promise<void> {
    lane.underWay++;
    try {
      const replies = await this.#run(keysOf(lane.keys, together), this.#argumentsOf(together));
      if (replies.length !== together.length) throw unexpected('update', replies.length);
      for (const [index, { resolve, reject }] of together.entries()) {
        try {
          resolve(readUpdateReply(replies[index]));
        } catch (error) {
          reject(error);
        }
      }
    } catch (error) {
      if (error instanceof ForeignKeyTypeError && together.length > 1) {
        for (const one of together) void this.#carryOut(lane, [one]);
        return;
      }
      // Without a connection those that wait for this one would wait for it as long once more.
      const refused = error instanceof BufferUnavailableError ? takeGathered(lane) : [];
      for (const { reject } of [...together, ...refused]) reject(error);
    } finally {
      if (--lane.underWay === 0) this.#sendSoon(lane);
    }
  }

  #argumentsOf(together: readonly Waiting[]): string[] {
    const args = [this.#uniqueName(), this.#settings, String(together.length)];
    for (const { request, changes } of together) {
      const { id, trace, token, ifVersion = '' } = request;
      const tail = trace === undefined ? request.tail : withTrace(request.tail, trace);
      args.push(id, tail, token, ifVersion, String(changes.length));
      args.push(...changes);
    }
    const [alone] = together;
    if (together.length === 1 && alone) {
      const { id, tail, idempotencyKey } = alone.request;
      const base = baseArguments(alone);
      if (idempotencyKey !== undefined) {
        const digest = createHash('sha256').update(tail).digest('base64url').slice(0, 22);
        // By entity, so that one key may be used for updates of several entities.
        args.push(`${digest} ${id} ${idempotencyKey}`);
      } else if (base.length > 0) args.push('');
      args.push(...base);
    }
    return args;
  }
}

function baseArguments({ request, kept }: Waiting): string[] {
  if (kept) return ['~v', kept.version, ...fieldArguments(kept.value)];
  return request.base ? fieldArguments(request.base) : [];
}

function takeGathered(lane: Lane): readonly Waiting[] {
  const { gathered } = lane;
  lane.gathered = [];
  lane.characters = 0;
  return gathered;
}

function hasRoom({ gathered, characters }: Lane, request: UpdateRequest): boolean {
  return (
    gathered.length < MOST_TOGETHER &&
    characters + request.tail.length <= MOST_CHARACTERS &&
    // The script looks at each entity once, before it writes.
    !gathered.some((each) => each.request.id === request.id)
  );
}

function keysOf(keys: PartitionKeys, together: readonly Waiting[]): string[] {
  const list = [keys.queue, keys.seq, keys.pending];
  for (const { request } of together) list.push(keys.entityPrefix + request.id, keys.fillPrefix + request.id);
  if (together[0]?.request.idempotencyKey !== undefined) list.push(keys.once, keys.onceOrder);
  return list;
}
