/**
 * Several callers, each over ports on which every step waits for its turn, so that a test says which goes next. The order
 * of a pattern's steps is what its guarantees are about; the servers below are real.
 */
import type { CachePorts } from '@afterwrite/write-behind';
import type { BufferPort, StorePort, StoreTransaction } from '@afterwrite/write-behind/internal';
import { replacing } from '../../../tests/support/decorate.ts';

/** Of a process that is no more. */
export class Died extends Error {}

const STEPS = ['read', 'lease', 'fill', 'invalidate', 'seize'] as const;

/** One caller: a process that takes a step when it is told to. */
export class Actor {
  readonly ports: CachePorts;
  /** In the order in which they were taken. */
  readonly steps: string[] = [];
  readonly #table: Table;
  /** The step that it wants to take next. */
  #waiting: { readonly step: string; readonly go: () => void } | undefined;
  #arrived = Promise.withResolvers<undefined>();
  #isFree = false;
  #isDead = false;
  #isDone = false;

  constructor(table: Table, ports: CachePorts) {
    this.#table = table;
    const { buffer, store } = ports;
    const gated = STEPS.map((step) => {
      const method = buffer[step].bind(buffer) as (...args: unknown[]) => Promise<unknown>;
      return [step, (...args: unknown[]) => this.#turn(step, () => method(...args))] as const;
    });
    this.ports = {
      ...ports,
      buffer: replacing(buffer, Object.fromEntries(gated) as unknown as Partial<BufferPort>),
      store: replacing(store, {
        load: (id) => this.#turn('load', () => store.load(id)),
        transaction: (work) => this.#transaction(store, work),
      }),
      // While turns are taken they are the clock: a lease that others hold is looked at again at once.
      runtime: {
        ...ports.runtime,
        sleep: async (ms) => {
          if (this.#isFree) await ports.runtime.sleep(ms);
        },
      },
    };
  }

  /** Runs until its first step waits. */
  async start(call: () => Promise<unknown>): Promise<void> {
    void call()
      .catch(() => undefined)
      .finally(() => {
        this.#isDone = true;
        this.#arrived.resolve(undefined);
      });
    await this.#arrived.promise;
  }

  get next(): string | undefined {
    return this.#isDone ? undefined : this.#waiting?.step;
  }

  /** Takes its next step, and resolves when it waits before the one after, or has ended. */
  async step(): Promise<void> {
    const { next } = this;
    if (next === undefined) return;
    // It would wait for a row lock: such an order cannot be.
    if (next === 'begin' && this.#table.locked) return;
    this.steps.push(next);
    this.#arrived = Promise.withResolvers();
    const { go } = this.#waiting!;
    this.#waiting = undefined;
    go();
    await this.#arrived.promise;
  }

  /** Takes its steps before this one. */
  async stepUntil(step: string): Promise<void> {
    while (this.next !== step) {
      if (this.#isDone) throw new Error(`it ended before ${step}: ${this.steps.join(' ')}`);
      await this.step();
    }
  }

  /** Sends nothing any more. */
  die(): void {
    this.#isDead = true;
    this.free();
  }

  /** Waits for no turn any more. */
  free(): void {
    this.#isFree = true;
    this.#waiting?.go();
    this.#waiting = undefined;
  }

  /** All that are to end must be free: one may wait for another's lock. */
  async finish(): Promise<void> {
    this.free();
    while (!this.#isDone) await new Promise(setImmediate);
  }

  async #turn<T>(step: string, take: () => Promise<T>): Promise<T> {
    if (!this.#isFree) {
      await new Promise<void>((go) => {
        this.#waiting = { step, go };
        this.#arrived.resolve(undefined);
      });
    }
    if (this.#isDead) throw new Died();
    return await take();
  }

  async #transaction<T>(store: StorePort, work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    return await this.#turn('begin', async () => {
      this.#table.locked = true;
      try {
        return await store.transaction(async (transaction) => {
          const result = await work(transaction);
          return await this.#turn('commit', () => Promise.resolve(result));
        });
      } finally {
        this.#table.locked = false;
      }
    });
  }
}

/** What the actors share: whether one of them holds the row's lock. */
export interface Table {
  locked: boolean;
}

/** Every order in which actors may take so many steps each: lists of their indexes. */
export function* interleavings(counts: readonly number[]): Generator<number[]> {
  if (counts.every((count) => count === 0)) yield [];
  for (const [index, count] of counts.entries()) {
    if (count === 0) continue;
    for (const rest of interleavings(counts.with(index, count - 1))) yield [index, ...rest];
  }
}
