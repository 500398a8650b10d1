/**
 * Brings an entity into the cache: under a fill lease, so that of many that miss together one loads, and so that what
 * was read is cached only if no update came in between (invariant 6). Callers in one process wait for that process's
 * loader, and then read again, so that nobody is given what was read before their own update.
 */
import type { BufferPort } from '../buffer/buffer.ts';
import { BufferFullError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { LoadedRow, StorePort } from '../store/store.ts';

export interface LoaderSettings {
  /** Longest wait for a loader elsewhere, or for pending updates to be stored, before the call gives up. */
  readonly waitMs: number;
}

export type LoadOutcome =
  /** Cached by us: `row` is what the cache holds now. */
  | { readonly kind: 'FILLED'; readonly row: LoadedRow; readonly version: string }
  /** Somebody cached it, or changed it meanwhile: read again. */
  | { readonly kind: 'READ_AGAIN' }
  /** Read past the cache: no room for a lease, or others could not be waited for. `pending`: updates still wait. */
  | { readonly kind: 'BYPASSED'; readonly row: LoadedRow; readonly pending: boolean };

/** Waits between two looks at a lease that somebody else holds: short at first, because a load takes milliseconds. */
const POLL_MS = { first: 2, most: 50 };

export class Loader {
  readonly #buffer: BufferPort;
  readonly #store: StorePort;
  readonly #runtime: Runtime;
  readonly #settings: LoaderSettings;
  readonly #drain: (id: string, deadlineAt: number) => Promise<boolean>;
  readonly #loading = new Map<string, Promise<LoadOutcome>>();

  constructor(
    ports: { buffer: BufferPort; store: StorePort; runtime: Runtime },
    settings: LoaderSettings,
    /** Stores the entity's pending updates; false if that was not done by the deadline. */
    drain: (id: string, deadlineAt: number) => Promise<boolean>,
  ) {
    this.#buffer = ports.buffer;
    this.#store = ports.store;
    this.#runtime = ports.runtime;
    this.#settings = settings;
    this.#drain = drain;
  }

  async load(id: string): Promise<LoadOutcome> {
    const underWay = this.#loading.get(id);
    if (underWay) {
      // Its failure is everybody's: each after the other would wait for the same server.
      await underWay;
      return { kind: 'READ_AGAIN' };
    }
    const load = this.#load(id);
    this.#loading.set(id, load);
    try {
      return await load;
    } finally {
      this.#loading.delete(id);
    }
  }

  /** Reads the row and caches it, if `token`'s lease is still unbroken. */
  async fill(id: string, token: string): Promise<LoadOutcome> {
    const row = await this.#store.load(id);
    const reply = await this.#buffer.fill(id, token, row.value);
    return reply.kind === 'OK' ? { kind: 'FILLED', row, version: reply.version } : { kind: 'READ_AGAIN' };
  }

  /** Waits for another loader of this process, or a little for one elsewhere; false once the deadline has come. */
  async waitForOther(id: string, attempt: number, leaseMs: number, deadlineAt: number): Promise<boolean> {
    const underWay = this.#loading.get(id);
    if (!underWay) return await this.#waitElsewhere(attempt, leaseMs, deadlineAt);
    await underWay.catch(() => undefined);
    return true;
  }

  async #load(id: string): Promise<LoadOutcome> {
    const token = this.#runtime.uniqueName();
    const deadlineAt = this.#runtime.now() + this.#settings.waitMs;
    for (let attempt = 0; ; attempt++) {
      const kind = await this.#lease(id, token, attempt, deadlineAt);
      switch (kind) {
        case 'LEASED':
          return await this.fill(id, token);
        case 'PRESENT':
          return { kind: 'READ_AGAIN' };
        case 'BYPASS':
        case 'BYPASS_PENDING':
          return { kind: 'BYPASSED', row: await this.#store.load(id), pending: kind === 'BYPASS_PENDING' };
        case 'AGAIN':
      }
    }
  }

  async #lease(id: string, token: string, attempt: number, deadlineAt: number) {
    try {
      const reply = await this.#buffer.lease(id, token);
      if (reply.kind === 'PENDING') return (await this.#drain(id, deadlineAt)) ? 'AGAIN' : 'BYPASS_PENDING';
      if (reply.kind !== 'BUSY') return reply.kind;
      return (await this.#waitElsewhere(attempt, reply.leaseMs, deadlineAt)) ? 'AGAIN' : 'BYPASS';
    } catch (error) {
      if (!(error instanceof BufferFullError)) throw error;
      // No room for a lease. What waits must be stored all the same before the row is the truth.
      const isStored = !(await this.#buffer.isPending(id)) || (await this.#drain(id, deadlineAt));
      return isStored ? 'BYPASS' : 'BYPASS_PENDING';
    }
  }

  async #waitElsewhere(attempt: number, leaseMs: number, deadlineAt: number): Promise<boolean> {
    if (this.#runtime.now() >= deadlineAt) return false;
    const waitMs = Math.min(POLL_MS.most, POLL_MS.first * 2 ** Math.min(attempt, 10), Math.max(1, leaseMs));
    await this.#runtime.sleep(waitMs / 2 + (this.#runtime.random() * waitMs) / 2);
    return true;
  }
}
