/**
 * Sends n updates a second, whatever became of those before: as many callers who know nothing of each other do. When as
 * many are under way as may be, those that are due wait; one that is due for a second is not sent any more, and counted
 * as late. So a system that cannot keep up is seen in `late`, and is never asked for more than it could take at once.
 *
 * After a failure nothing is due for a while, longer each time until one succeeds: a server that is away must not be
 * hammered on, and what was not sent then is not late.
 *
 * So where nothing fails, as many are sent or late as the rate times the time, when the time is over.
 */
import type { Runtime } from '@afterwrite/write-behind';

export interface OpenLoopOptions {
  readonly perSecond: number;
  readonly forMs: number;
  /** Resolves when the update was accepted. */
  readonly send: () => Promise<void>;
  readonly late: (updates: number) => void;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'sleep'>;
  /** Ends it before its time: what is due then is neither sent nor late. */
  readonly signal: AbortSignal;
}

/** Between two looks at what is due: 10 updates at 2,000 a second. */
const TICK_MS = 5;
/** Far more than a healthy server ever has of us: 0.2 ms each at 20,000 a second are 4. */
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

  /** Until its time is over or the signal aborts, and then until all that was sent has been answered. */
  async run(): Promise<void> {
    const { perSecond, forMs, late, runtime } = this.#options;
    const beganMs = runtime.monotonicMs();
    let pausedMs = 0;
    /** Sent or late. */
    let done = 0;
    for (let lastMs = 0, nowMs; lastMs < forMs && (await this.#rest()); lastMs = nowMs) {
      nowMs = Math.min(runtime.monotonicMs() - beganMs, forMs);
      if (beganMs + nowMs < this.#pausedUntilMs) {
        pausedMs += nowMs - lastMs;
        continue;
      }
      const due = Math.floor(((nowMs - pausedMs) * perSecond) / 1000) - done;
      const overdue = Math.max(0, due - perSecond);
      const sending = Math.min(due - overdue, MAX_UNDER_WAY - this.#underWay.size);
      for (let sent = 0; sent < sending; sent++) this.#send();
      // What waits at the end waits in vain.
      const isLate = nowMs < forMs ? overdue : due - sending;
      if (isLate > 0) late(isLate);
      done += sending + isLate;
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
