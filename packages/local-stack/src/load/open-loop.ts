/**
 * Sends n updates a second, whatever became of those before: as many callers who know nothing of each other do. When as
 * many are under way as may be, those that are due wait; one that is due for a second is not sent any more, and counted
 * as late. So a system that cannot keep up is seen in `late`, and is never asked for more than it could take at once.
 *
 * After a failure nothing is due for a while, longer each time until one succeeds: a server that is away must not be
 * hammered on, and what was not sent then is not late.
 */
import type { Runtime } from '@afterwrite/write-behind';

export interface OpenLoopOptions {
  readonly perSecond: number;
  /** Resolves when the update was accepted. */
  readonly send: () => Promise<void>;
  readonly late: (updates: number) => void;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'sleep'>;
  readonly signal: AbortSignal;
}

/** Between two looks at what is due: 10 updates at 2,000 a second. */
const TICK_MS = 5;
/** Far more than a healthy Valkey ever has of us: 0.2 ms each at 20,000 a second are 4. */
const MAX_UNDER_WAY = 512;
const BACKOFF_MS = { first: 100, most: 2000 } as const;

export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #underWay = new Set<Promise<void>>();
  #backoffMs = 0;
  #pausedUntilMs = 0;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
  }

  /** Until the signal aborts, and then until all that was sent has been answered. */
  async run(): Promise<void> {
    const { perSecond, late, runtime } = this.#options;
    let due = 0;
    for (let lastMs = runtime.monotonicMs(); await this.#rest();) {
      const nowMs = runtime.monotonicMs();
      if (nowMs >= this.#pausedUntilMs) {
        due += ((nowMs - lastMs) * perSecond) / 1000;
        const overdue = Math.max(0, Math.floor(due - perSecond));
        if (overdue > 0) late(overdue);
        due -= overdue;
        while (due >= 1 && this.#underWay.size < MAX_UNDER_WAY) {
          due -= 1;
          this.#send();
        }
      }
      lastMs = nowMs;
    }
    await Promise.all(this.#underWay);
  }

  /** False when it is over. */
  async #rest(): Promise<boolean> {
    const { runtime, signal } = this.#options;
    await runtime.sleep(TICK_MS, signal).catch(() => undefined);
    return !signal.aborted;
  }

  #send(): void {
    const sending = this.#options.send().then(
      () => {
        this.#backoffMs = 0;
      },
      () => this.#backOff(),
    );
    this.#underWay.add(sending);
    void sending.then(() => this.#underWay.delete(sending));
  }

  /** Those that were sent together fail together: one step. */
  #backOff(): void {
    const nowMs = this.#options.runtime.monotonicMs();
    if (nowMs < this.#pausedUntilMs) return;
    this.#backoffMs = Math.min(Math.max(this.#backoffMs * 2, BACKOFF_MS.first), BACKOFF_MS.most);
    this.#pausedUntilMs = nowMs + this.#backoffMs;
  }
}
