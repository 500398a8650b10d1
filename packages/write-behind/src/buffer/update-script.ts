/**
 * Sends updates to `lua/update-n.lua`. What is asked for in the same turn of the event loop, for one partition, goes in one
 * script: each update is decided by itself, and what all of them need is looked up once.
 *
 * The script reads before it writes, all of it: where a key of one of them has a foreign type none was carried out, and
 * each is sent again by itself.
 */
import { createHash } from 'node:crypto';
import { ForeignKeyTypeError } from '../errors.ts';
import type { UpdateReply, UpdateRequest } from './buffer.ts';
import { fieldArguments } from './entity-hash.ts';
import type { PartitionKeys } from './keys.ts';
import { readUpdateReply, unexpected } from './valkey-replies.ts';

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

interface Waiting {
  readonly request: UpdateRequest;
  readonly resolve: (reply: UpdateReply | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface Group {
  readonly keys: PartitionKeys;
  readonly waiting: Waiting[];
  characters: number;
}

export class UpdateScript {
  readonly #limits: UpdateLimits;
  readonly #settings: string;
  readonly #run: RunScript;
  /** By queue: gathered in this turn of the event loop. */
  readonly #groups = new Map<string, Group>();

  constructor(limits: UpdateLimits, run: RunScript) {
    this.#limits = limits;
    this.#run = run;
    const { partitions, queueMaxLength, fillLeaseMs, idempotencyTtlMs, idempotencyMaxAnswers } = limits;
    const keepUs = idempotencyTtlMs * 1000;
    this.#settings = [partitions, queueMaxLength, fillLeaseMs, keepUs, idempotencyMaxAnswers].join(' ');
  }

  /** undefined: unfenced, see `readUpdateReply`. */
  async send(keys: PartitionKeys, request: UpdateRequest): Promise<UpdateReply | undefined> {
    return await new Promise((resolve, reject) => {
      this.#add(keys, { request, resolve, reject });
    });
  }

  #add(keys: PartitionKeys, waiting: Waiting): void {
    const { request } = waiting;
    const isAlone = request.base !== undefined || request.idempotencyKey !== undefined;
    const open = this.#groups.get(keys.queue);
    // In their order: what was asked for before goes before.
    if (open && (isAlone || !hasRoom(open, request))) this.#close(open);
    if (isAlone) {
      void this.#carryOut(keys, [waiting]);
      return;
    }
    const group = this.#groups.get(keys.queue);
    if (group) {
      group.waiting.push(waiting);
      group.characters += request.tail.length;
      return;
    }
    const created = { keys, waiting: [waiting], characters: request.tail.length };
    this.#groups.set(keys.queue, created);
    process.nextTick(() => {
      if (this.#groups.get(keys.queue) === created) this.#close(created);
    });
  }

  #close({ keys, waiting }: Group): void {
    this.#groups.delete(keys.queue);
    void this.#carryOut(keys, waiting);
  }

  /** Never rejects: each update is told what became of it. */
  async #carryOut(keys: PartitionKeys, together: readonly Waiting[]): Promise<void> {
    try {
      const replies = await this.#run(keysOf(keys, together), this.#argumentsOf(together));
      if (replies.length !== together.length) throw unexpected('update', replies.length);
      for (const [index, { resolve, reject }] of together.entries()) {
        try {
          resolve(readUpdateReply(replies[index]));
        } catch (error) {
          reject(error);
        }
      }
    } catch (error) {
      const [first] = together;
      if (error instanceof ForeignKeyTypeError && together.length > 1) {
        for (const one of together) void this.#carryOut(keys, [one]);
      } else if (together.length === 1) first?.reject(error);
      else for (const { reject } of together) reject(error);
    }
  }

  #argumentsOf(together: readonly Waiting[]): string[] {
    const args = [this.#limits.uniqueName(), this.#settings, String(together.length)];
    for (const { request } of together) {
      const changes = fieldArguments(request.changes);
      args.push(request.id, request.tail, request.token, request.ifVersion ?? '', String(changes.length));
      args.push(...changes);
    }
    const [alone] = together;
    if (together.length === 1 && alone) {
      const { id, tail, idempotencyKey, base } = alone.request;
      if (idempotencyKey !== undefined) {
        const digest = createHash('sha256').update(tail).digest('base64url').slice(0, 22);
        // By entity, so that one key may be used for updates of several entities.
        args.push(`${digest} ${id} ${idempotencyKey}`);
      } else if (base) args.push('');
      if (base) args.push(...fieldArguments(base));
    }
    return args;
  }
}

function hasRoom({ waiting, characters }: Group, request: UpdateRequest): boolean {
  return (
    waiting.length < MOST_TOGETHER &&
    characters + request.tail.length <= MOST_CHARACTERS &&
    // The script looks at each entity once, before it writes.
    !waiting.some((each) => each.request.id === request.id)
  );
}

function keysOf(keys: PartitionKeys, together: readonly Waiting[]): string[] {
  const list = [keys.queue, keys.seq, keys.pending];
  for (const { request } of together) list.push(keys.entityPrefix + request.id, keys.fillPrefix + request.id);
  if (together[0]?.request.idempotencyKey !== undefined) list.push(keys.once, keys.onceOrder);
  return list;
}
