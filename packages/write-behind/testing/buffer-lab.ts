/**
 * What a test of a buffer stands on: a buffer in a namespace of its own, a hand that does to the server's data what
 * only operators, failovers and evictions do, and short ways to bring an entity into a state.
 *
 * A lab ends with its test: it removes its keys, sees that none is left, closes, and fails the test if a connection
 * stays open.
 */
import { expect, onTestFinished, vi } from 'vitest';
import type { Ack, BufferPort, UpdateReply, UpdateRequest } from '../src/buffer/buffer.ts';
import type { Layout } from '../src/buffer/partition-fence.ts';
import type { FieldValues } from '../src/entity.ts';
import { decodeItem, encodeItemTail, type QueueItem } from '../src/item.ts';
import { formatPosition, type Position } from '../src/position.ts';
import { systemRuntime } from '../src/runtime.ts';

export interface BufferSettings {
  readonly partitions: number;
  readonly cacheTtlMs: number;
  readonly missingTtlMs: number;
  readonly fillLeaseMs: number;
  readonly queueMaxLength: number;
  readonly idempotencyTtlMs: number;
  readonly idempotencyMaxAnswers: number;
  /** What the store says; by default that there are `partitions`. */
  readonly layout?: () => Promise<Layout>;
}

const SETTINGS: BufferSettings = {
  partitions: 1,
  cacheTtlMs: 60_000,
  missingTtlMs: 5_000,
  // Long enough that no test loses a lease by being slow: a lease that ends is ended by the hand.
  fillLeaseMs: 20_000,
  queueMaxLength: 10_000,
  idempotencyTtlMs: 60_000,
  idempotencyMaxAnswers: 1000,
};

/** Past the buffer, straight at the data of its namespace. */
export interface BufferHand {
  /** The server's clock, in microseconds since 1970. */
  timeUs(): Promise<number>;
  /** The entity's value is gone, as after an eviction or an operator's delete. */
  evict(id: string): Promise<void>;
  /** How long the entity's value still lives. */
  ttlMs(id: string): Promise<number | 'NEVER' | 'ABSENT'>;
  hasLease(id: string): Promise<boolean>;
  /** undefined ends the lease, as its expiry does. */
  setLease(id: string, token: string | undefined): Promise<void>;
  /** What the pending index says of the entity: `<epoch>-<seq>`. */
  pendingMark(id: string): Promise<string | undefined>;
  /** Changes what the pending index says, as an operator may; undefined removes the mark. */
  markPending(id: string, position: string | undefined): Promise<void>;
  /** The partition's epoch and last seq as digits. */
  seq(partition: number): Promise<{ readonly epoch: string; readonly seq: string } | undefined>;
  setSeq(partition: number, seq: string): Promise<void>;
  /** The partition's epoch is forgotten, as on a server that lost its data. */
  loseSeq(partition: number): Promise<void>;
  /** The epoch was written by another server than the one that answers now, as after a failover. */
  changeServer(partition: number): Promise<void>;
  items(partition: number): Promise<Buffer[]>;
  /** Adds an item at the tail that the buffer did not write. */
  pushItem(partition: number, bytes: Buffer): Promise<void>;
  /** Removes all items of the queue, as an operator may. */
  removeItems(partition: number): Promise<void>;
  /** Answers to idempotency keys that are kept. */
  answers(partition: number): Promise<number>;
  /** Every key of the namespace with its content and whether it expires. */
  dump(): Promise<ReadonlyMap<string, string>>;
}

export interface BufferRig {
  readonly buffer: BufferPort;
  readonly hand: BufferHand;
  /** Closes what the rig opened beside the buffer. */
  close(): Promise<void>;
}

export type MakeBuffer<Rig extends BufferRig = BufferRig> = (
  settings: BufferSettings,
  namespace: string,
) => Promise<Rig>;

const { uniqueName } = systemRuntime();

/** A name never used before, such as a lease token. */
export { uniqueName };

/** Connections of this process; a test file runs in a process of its own. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

/** Labs of the test that runs now, and the connections that there were before the first of them. */
const open = { labs: 0, socketsBefore: 0 };

async function expectNoLeak(): Promise<void> {
  if (--open.labs > 0) return;
  const leaked = 'a connection was left open';
  const wait = { timeout: 5000, interval: 2 };
  await vi.waitFor(() => expect(openSockets(), leaked).toBeLessThanOrEqual(open.socketsBefore), wait);
}

export class BufferLab<Rig extends BufferRig = BufferRig> {
  readonly rig: Rig;
  readonly buffer: BufferPort;
  readonly hand: BufferHand;
  readonly settings: BufferSettings;
  readonly #makeAnother: () => Promise<BufferRig>;

  constructor(rig: Rig, settings: BufferSettings, makeAnother: () => Promise<BufferRig>) {
    this.rig = rig;
    this.buffer = rig.buffer;
    this.hand = rig.hand;
    this.settings = settings;
    this.#makeAnother = makeAnother;
  }

  /** Another buffer on the same data, not opened and not connected yet, for as long as the call takes. */
  async withAnother<T>(use: (buffer: BufferPort) => Promise<T>): Promise<T> {
    const rig = await this.#makeAnother();
    try {
      return await use(rig.buffer);
    } finally {
      await rig.buffer.close();
      await rig.close();
    }
  }

  /** Caches a value as a loader does; its version. */
  async fill(id: string, value: FieldValues | undefined): Promise<string> {
    const token = uniqueName();
    expect(await this.buffer.lease(id, token)).toEqual({ kind: 'LEASED' });
    const reply = await this.buffer.fill(id, token, value);
    if (reply.kind !== 'OK') throw new Error(`fill answered ${reply.kind}`);
    return reply.version;
  }

  request(id: string, changes: FieldValues, extra: Partial<UpdateRequest> = {}): UpdateRequest {
    return {
      id,
      changes,
      tail: encodeItemTail({ id, changes, user: 'lena', comment: null }),
      ifVersion: undefined,
      idempotencyKey: undefined,
      token: uniqueName(),
      base: undefined,
      ...extra,
    };
  }

  async tryUpdate(
    id: string,
    changes: FieldValues,
    extra: Partial<UpdateRequest> = {},
  ): Promise<UpdateReply> {
    return await this.buffer.update(this.request(id, changes, extra));
  }

  /** An update that must be accepted. */
  async update(id: string, changes: FieldValues, extra: Partial<UpdateRequest> = {}): Promise<Position> {
    const reply = await this.tryUpdate(id, changes, extra);
    if (reply.kind !== 'OK') throw new Error(`update answered ${reply.kind}`);
    return reply.position;
  }

  /** An update of an entity that is not cached, with the row as its base; it must be accepted. */
  async updateFrom(base: FieldValues, id: string, changes: FieldValues): Promise<Position> {
    const token = uniqueName();
    expect(await this.tryUpdate(id, changes, { token })).toEqual({ kind: 'MISS' });
    return await this.update(id, changes, { token, base });
  }

  async items(partition = 0): Promise<QueueItem[]> {
    return (await this.hand.items(partition)).map(decodeItem);
  }

  /** Acks everything up to these positions, one an epoch. */
  async ack(
    upTo: readonly Position[],
    extra: { distrusted?: string[]; parkedBytes?: Buffer[]; partition?: number } = {},
  ): Promise<{ readonly dropped: number; readonly remaining: number }> {
    return await this.buffer.ack(extra.partition ?? 0, ackOf(upTo, extra));
  }

  /** Runs the calls and expects that the namespace's data is the same afterwards, to the byte. */
  async expectNothingWritten(calls: () => Promise<unknown>): Promise<void> {
    const before = await this.hand.dump();
    await calls();
    expect(Object.fromEntries(await this.hand.dump())).toEqual(Object.fromEntries(before));
  }

  /** Ids of which each lies in the given partition. */
  idsIn(partition: number, count: number): string[] {
    const ids: string[] = [];
    for (let id = 1; ids.length < count; id++) {
      if (this.buffer.partitionOf(String(id)) === partition) ids.push(String(id));
    }
    return ids;
  }
}

export function ackOf(
  upTo: readonly Position[],
  extra: { distrusted?: string[]; parkedBytes?: Buffer[] } = {},
): Ack {
  return {
    covered: new Map(upTo.map(({ epoch, seq }) => [epoch, seq])),
    distrusted: new Set(extra.distrusted),
    parkedBytes: extra.parkedBytes ?? [],
  };
}

/** A buffer of its own for the test that runs now. */
export async function openLab<Rig extends BufferRig>(
  make: MakeBuffer<Rig>,
  settings: Partial<BufferSettings> = {},
): Promise<BufferLab<Rig>> {
  if (open.labs++ === 0) open.socketsBefore = openSockets();
  const full = { ...SETTINGS, ...settings };
  const namespace = `t${uniqueName()}`;
  const rig = await make(full, namespace);
  onTestFinished(async () => {
    try {
      await rig.buffer.deleteAll();
      expect([...(await rig.hand.dump()).keys()], 'keys were left').toEqual([]);
    } finally {
      await rig.buffer.close();
      await rig.close();
      await expectNoLeak();
    }
  });
  await rig.buffer.open();
  return new BufferLab(rig, full, () => make(full, namespace));
}

/** Which version an accepted update gave its entity. */
export const versionOf = formatPosition;
