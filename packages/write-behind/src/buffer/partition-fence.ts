/**
 * Finds out whether this process may write into a partition, where the buffer does not know it: at first use, after the
 * server lost something or was replaced, and when the number of partitions changed (`lua/includes/fence.lua`). The store
 * is asked, and only its answer opens a fence. Without it a process that counts otherwise would put an update into a
 * queue that nobody drains, or past older ones of the same entity.
 */
import { BufferError, PartitionsChangedError, PartitionsChangingError } from '../errors.ts';

/** How many partitions there are, as the store knows it. */
export interface Layout {
  readonly partitions: number;
  /** Under way: nobody may write now. */
  readonly change?: { readonly to: number; readonly remainingMs: number } | undefined;
}

export interface FenceOptions {
  readonly partitions: number;
  readonly readLayout: () => Promise<Layout>;
  /** `lua/fence-1.lua`; `asked` is the token of the call before, or ''. */
  readonly fence: (partition: number, asked: string) => Promise<{ isOpen: boolean; token: string }>;
  readonly now: () => number;
}

/** Calls that are refused are so often that the store must not be asked for each. */
const REFUSED_FOR_MS = 100;
/** Others may take the token away between two calls, but not for ever. */
const MAX_ATTEMPTS = 10;

export class PartitionFence {
  readonly #options: FenceOptions;
  /** By partition: one question at a time, however many calls wait for it. */
  readonly #asking = new Map<number, Promise<void>>();
  #refused: { readonly error: Error; readonly untilMs: number } | undefined;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** Resolves when the fence was open for us. Throws PartitionsChangedError, PartitionsChangingError, or what the store says. */
  async open(partition: number): Promise<void> {
    if (this.#refused && this.#options.now() < this.#refused.untilMs) throw this.#refused.error;
    const underWay = this.#asking.get(partition);
    if (underWay) {
      await underWay;
      return;
    }
    const asking = this.#open(partition).finally(() => this.#asking.delete(partition));
    this.#asking.set(partition, asking);
    await asking;
  }

  async #open(partition: number): Promise<void> {
    let reply = await this.#options.fence(partition, '');
    for (let attempt = 0; !reply.isOpen; attempt++) {
      if (attempt >= MAX_ATTEMPTS) throw new BufferError('fence', new Error('others took its token away'));
      const { partitions, change } = await this.#options.readLayout();
      if (change) throw this.#refusal(new PartitionsChangingError(change.to, change.remainingMs));
      if (partitions !== this.#options.partitions) {
        throw this.#refusal(new PartitionsChangedError(partitions, this.#options.partitions));
      }
      reply = await this.#options.fence(partition, reply.token);
    }
  }

  #refusal(error: Error): Error {
    this.#refused = { error, untilMs: this.#options.now() + REFUSED_FOR_MS };
    return error;
  }
}
