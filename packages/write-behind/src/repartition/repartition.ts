/**
 * Changes the number of partitions while writers, readers and flushers of the old number run. Nobody is believed to have
 * stopped: from `begin` on the store lets no writer into a partition, `shut` makes the buffer ask the store, and a flusher
 * that counts otherwise than the store cannot commit. So each of them gets a typed refusal, whenever it wakes up.
 *
 * What is acknowledged is drained before the number changes, so no update has to move. Answers to idempotency keys do, and
 * dead letters. Killed before the commit, it is as if it had never been, once its time is over (the store's clock
 * decides); killed after it, the next call finishes it, and until then nobody writes.
 */
import { RepartitionError } from '../errors.ts';
import type { FlushResult } from '../flusher/result.ts';
import type { Runtime } from '../runtime.ts';
import { type PartitionChange, type PartitionsBuffer, type PartitionsStore, sealedEpoch } from './ports.ts';

export interface RepartitionPorts {
  readonly store: PartitionsStore;
  readonly buffer: PartitionsBuffer;
  /** Stores what waits in any partition, of the old number or the new. */
  readonly drain: (deadlineAt: number) => Promise<FlushResult>;
  /** Names what either server may have lost before, once (losses.ts). */
  readonly noticeLosses: () => Promise<unknown>;
  readonly runtime: Runtime;
}

export interface RepartitionOptions {
  readonly to: number;
  /** Longest time in which no update is taken. */
  readonly limitMs: number;
  /** Answers to idempotency keys that a partition may hold. */
  readonly maxAnswers: number;
  readonly onStep?: (step: string) => void;
  /** Gives it up, unless it is committed already. */
  readonly signal?: AbortSignal | undefined;
}

export type RepartitionResult =
  /** There were as many already. */
  | { readonly kind: 'UNCHANGED'; readonly partitions: number }
  | { readonly kind: 'CHANGED'; readonly from: number; readonly to: number; readonly closedMs: number }
  /** One that had been killed after its commit. */
  | { readonly kind: 'FINISHED'; readonly from: number; readonly to: number };

/** Of the time limit, what draining may take; the rest is for what must follow. */
const DRAIN_SHARE = 0.5;
/** Updates that are stored in well under a second. */
const BACKLOG = 5000;
const BACKLOG_SLICE_MS = 1000;

export async function repartition(
  ports: RepartitionPorts,
  options: RepartitionOptions,
): Promise<RepartitionResult> {
  const { store, buffer, runtime } = ports;
  const { to, limitMs } = options;
  return await store.alone(async () => {
    const { partitions, change: found } = await store.read();
    if (found?.isCommitted) {
      if (found.to !== to) {
        throw new RepartitionError(
          `a change to ${String(found.to)} is not finished: run it with --to ${String(found.to)}`,
        );
      }
      await finish(ports, found);
      return { kind: 'FINISHED', from: found.from, to };
    }
    if (found) await giveUp(ports, found);
    if (partitions === to) return { kind: 'UNCHANGED', partitions };

    options.onStep?.('storing what waits, while updates are still taken');
    await drainBacklog(ports, options);
    const change = { run: runtime.uniqueName(), from: partitions, to };
    const closedAtMs = runtime.monotonicMs();
    if (!(await store.begin(change, limitMs))) throw new RepartitionError('somebody else has changed it');
    try {
      await prepare(ports, change, options);
      if (!(await store.commit(change))) {
        throw new RepartitionError(
          `it took longer than ${String(limitMs)} ms: give it more time, or drain first`,
        );
      }
    } catch (error) {
      await giveUp(ports, change).catch(() => undefined);
      throw error;
    }
    await finish({ store, buffer }, change);
    return { kind: 'CHANGED', from: partitions, to, closedMs: runtime.monotonicMs() - closedAtMs };
  });
}

/** Lets writers of the old number in again. */
export async function abortRepartition(ports: Pick<RepartitionPorts, 'store' | 'buffer'>): Promise<boolean> {
  return await ports.store.alone(async () => {
    const { change } = await ports.store.read();
    if (change?.isCommitted) {
      throw new RepartitionError(
        `the change to ${String(change.to)} is committed: finish it with --to ${String(change.to)}`,
      );
    }
    if (change) await giveUp(ports, change);
    return change !== undefined;
  });
}

/** All that comes before the commit and leaves everything as it was for who counts as before. */
async function prepare(
  ports: RepartitionPorts,
  change: PartitionChange,
  options: RepartitionOptions,
): Promise<void> {
  const { buffer, runtime } = ports;
  const step = (name: string) => {
    options.signal?.throwIfAborted();
    options.onStep?.(name);
  };
  const all = partitionsOf(change);
  step('shutting the partitions: no update is taken');
  for (const partition of all) await buffer.shut(partition);
  step('storing the rest');
  const remaining = await drain(ports, runtime.now() + options.limitMs * DRAIN_SHARE, options.signal);
  if (remaining > 0) throw new RepartitionError(`${String(remaining)} updates could not be stored in time`);
  // What the seal ends, nobody can compare any more.
  await ports.noticeLosses();
  step('emptying the cache');
  const { kept } = await buffer.sweep();
  if (kept > 0) throw new RepartitionError('updates still wait');
  step('gathering answers to idempotency keys');
  const { most } = await buffer.gather(change);
  if (most > options.maxAnswers) {
    throw new RepartitionError(
      `one partition would hold ${String(most)} answers to idempotency keys, more than IDEMPOTENCY_MAX_ANSWERS ` +
        `(${String(options.maxAnswers)}): raise it`,
    );
  }
  step('sealing the partitions');
  for (const partition of all) {
    const sealed = await buffer.seal(partition, `${sealedEpoch(change.run)}${String(partition)}`);
    if (sealed.kind === 'WAITING') throw new RepartitionError(`${String(sealed.count)} updates still wait`);
    if (sealed.kind === 'OPEN') throw new RepartitionError('its time was over before it was done');
  }
  step('changing the number');
}

/** Long queues before the partitions are shut, so that the time without updates is short. */
async function drainBacklog(ports: RepartitionPorts, { limitMs, signal }: RepartitionOptions): Promise<void> {
  const { runtime } = ports;
  const deadlineAt = runtime.now() + limitMs;
  for (let sliceMs = 0; runtime.now() < deadlineAt; sliceMs = BACKLOG_SLICE_MS) {
    if ((await drain(ports, runtime.now() + sliceMs, signal)) <= BACKLOG) return;
  }
}

/** Answers what remains. */
async function drain(ports: RepartitionPorts, deadlineAt: number, signal?: AbortSignal): Promise<number> {
  const { remaining, stopped } = await ports.drain(deadlineAt);
  signal?.throwIfAborted();
  const [first] = stopped;
  if (!first) return remaining;
  throw new RepartitionError(`the flush of partition ${String(first.partition)} stopped: ${first.message}`);
}

/** What was gathered is only removed once nobody can commit any more. */
async function giveUp(
  ports: Pick<RepartitionPorts, 'store' | 'buffer'>,
  change: PartitionChange,
): Promise<void> {
  await ports.store.abandon(change);
  const { change: left } = await ports.store.read();
  if (left === undefined) await ports.buffer.forget(change);
}

/** After the commit: may be repeated as often as it takes. */
async function finish(
  ports: Pick<RepartitionPorts, 'store' | 'buffer'>,
  change: PartitionChange,
): Promise<void> {
  for (const partition of partitionsOf(change)) await ports.buffer.adopt(partition, change.run);
  await ports.store.end(change);
}

/** Of the old number and of the new. */
function partitionsOf({ from, to }: PartitionChange): number[] {
  return [...Array(Math.max(from, to)).keys()];
}
