/**
 * While the store is away, flushers do not each try it again and again: they wait together, longer each time, then one
 * tries with one batch, and when that is stored all go on at full speed. What they know is in the buffer, so it holds
 * for every process, and is forgotten there by itself if nobody flushes any more.
 *
 * What one process finds may be true of it alone, or of one statement. So nobody trips it whose store still answers, and
 * nobody waits for others' word who has not found the same: each process looks for itself once, and goes on if it is answered.
 *
 * Only saves work and spares a store that comes back: the queue keeps its order whatever the breaker says.
 */
import type { BufferPort } from '../buffer/buffer.ts';
import { StoreUnavailableError } from '../errors.ts';
import type { Logger, Runtime } from '../runtime.ts';
import type { StorePort } from '../store/store.ts';

export interface BreakerSettings {
  /** Wait after the first failure. */
  readonly firstMs: number;
  /** Longest wait. */
  readonly mostMs: number;
}

/** The store is away, and when one flusher tries again. */
export interface StoreAway {
  /** Trials in a row that failed, the first failure included. */
  readonly failures: number;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly retryInMs: number;
}

export type Pass =
  /** Or open by others' word, while the store answers this process. */
  | { readonly kind: 'CLOSED'; readonly failures: number }
  /** The caller is the one that tries. */
  | { readonly kind: 'TRIAL'; readonly failures: number }
  | { readonly kind: 'OPEN'; readonly away: StoreAway };

interface BreakerPorts {
  readonly buffer: BufferPort;
  readonly store: StorePort;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** A breaker that nobody has tried for so many waits is forgotten. */
const KEPT_WAITS = 4;

/** Whether the store may be away; whoever trips the breaker asks it. */
export function mayBeAway(error: unknown): boolean {
  return error instanceof StoreUnavailableError;
}

export class Breaker {
  readonly #ports: BreakerPorts;
  readonly #settings: BreakerSettings;
  /** Of the outage that this process has found itself, ms since 1970. */
  #foundSinceMs: number | undefined;

  constructor(ports: BreakerPorts, settings: BreakerSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  async pass(): Promise<Pass> {
    const reply = await this.#ports.buffer.passBreaker(this.#settings.mostMs);
    switch (reply.kind) {
      case 'CLOSED':
        return { kind: 'CLOSED', failures: 0 };
      case 'TRIAL':
        return { kind: 'TRIAL', failures: reply.failures };
      case 'OPEN':
        if (this.#foundSinceMs !== reply.sinceMs && (await this.#storeAnswers())) {
          return { kind: 'CLOSED', failures: reply.failures };
        }
        this.#foundSinceMs = reply.sinceMs;
        return { kind: 'OPEN', away: asAway(reply) };
    }
  }

  /**
   * `known`: failures that the pass had told. Waits are spread over the upper half, so that deployments do not meet. null:
   * the store answers, and what failed was one statement.
   */
  async trip(known: number, cause: unknown): Promise<StoreAway | null> {
    const { buffer, runtime, logger } = this.#ports;
    if (await this.#storeAnswers()) return null;
    const { firstMs, mostMs } = this.#settings;
    const ceilingMs = Math.min(mostMs, firstMs * 2 ** Math.min(known, 30));
    const waitMs = Math.ceil((ceilingMs * (1 + runtime.random())) / 2);
    const keptMs = mostMs * KEPT_WAITS;
    const away = await buffer.tripBreaker({ known, waitMs, keptMs }).catch(() => {
      // It cannot be kept (memory limit, buffer away too). Whoever calls is told all the same.
      return { failures: known + 1, sinceMs: runtime.now(), waitMs };
    });
    this.#foundSinceMs = away.sinceMs;
    const told = asAway(away);
    const reason = cause instanceof Error ? cause.message : String(cause);
    logger.error('the store is away: all flushers wait, then one tries', { ...told, reason });
    return told;
  }

  async #storeAnswers(): Promise<boolean> {
    return await this.#ports.store.ping().then(
      () => true,
      (error: unknown) => !mayBeAway(error),
    );
  }

  async close(): Promise<void> {
    await this.#ports.buffer.closeBreaker();
    this.#ports.logger.warn('the store answers again: flushers go on');
  }
}

function asAway(reply: { waitMs: number; failures: number; sinceMs: number }): StoreAway {
  const { waitMs, failures, sinceMs } = reply;
  return { failures, since: new Date(sinceMs).toISOString(), retryInMs: waitMs };
}
