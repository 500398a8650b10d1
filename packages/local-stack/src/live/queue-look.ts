/**
 * Looks at the queue, one look at a time. A look that is slow keeps nobody waiting: until it is there, the last one
 * counts, and that only as long as it says something of now.
 */
import { type LiveQueue, liveQueueOf } from '@afterwrite/client';
import { FlightCache, flightDefinition, flightEntity } from '@afterwrite/flights';
import {
  cacheSettings,
  createPorts,
  type Logger,
  type QueueStatus,
  type Settings,
} from '@afterwrite/write-behind';

/** Two samples: what is older says nothing of now. */
const MAX_AGE_MS = 2000;
/** Of each step of a look: a server that is silent is away. */
const STEP_LIMIT_MS = 1000;

export interface QueueLookOptions {
  readonly read: () => Promise<QueueStatus>;
  readonly monotonicMs: () => number;
}

export class QueueLook {
  readonly #options: QueueLookOptions;
  #isUnderWay = false;
  #latest: { readonly queue: LiveQueue | null; readonly atMs: number } | undefined;

  constructor(options: QueueLookOptions) {
    this.#options = options;
  }

  /** Unless one is under way. Resolves when it is there, and never rejects. */
  async begin(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    const queue = await this.#options.read().then(liveQueueOf, () => null);
    this.#latest = { queue, atMs: this.#options.monotonicMs() };
    this.#isUnderWay = false;
  }

  /** null: the queue's server does not answer. */
  get latest(): LiveQueue | null {
    if (!this.#latest || this.#options.monotonicMs() - this.#latest.atMs > MAX_AGE_MS) return null;
    return this.#latest.queue;
  }
}

/**
 * With limits for a look: those of an update or a flush are longer than a sample. Not opened: the servers were checked with
 * patience by who started them, and what fails here is what is shown.
 */
export function cacheForLooks(settings: Settings): FlightCache {
  const limits = {
    CACHE_CONNECT_TIMEOUT_MS: STEP_LIMIT_MS,
    CACHE_COMMAND_TIMEOUT_MS: STEP_LIMIT_MS,
    DB_CONNECT_TIMEOUT_MS: STEP_LIMIT_MS,
    DB_STATEMENT_TIMEOUT_MS: STEP_LIMIT_MS,
    DB_POOL_SIZE: 2,
  };
  const ports = createPorts(flightEntity, { ...settings, ...limits }, { logger: silent });
  return new FlightCache(flightDefinition, ports, cacheSettings(settings));
}

const drop = () => undefined;
const silent: Logger = { debug: drop, info: drop, warn: drop, error: drop };
