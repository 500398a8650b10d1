/**
 * The environments of one function: the most recently used idle one is taken first, so that the others can be let go;
 * a new one is started while there are fewer than the limit; then callers wait, if they may, or are throttled.
 *
 * What always holds: an environment is in `#all` from its start to its end, in `#idle` only while nobody has it, and an
 * environment that becomes free goes to whoever has waited longest before it is frozen.
 */
import { Environment, type EnvironmentOptions } from './environment.ts';
import { LambdaError } from './errors.ts';
import { ENVIRONMENT_IDLE_MS, FINISHING_WAIT_MS, MAX_WAITING_CALLS } from './limits.ts';
import type { Outcome } from './outcome.ts';

export interface EnvironmentPoolOptions extends Pick<EnvironmentOptions, 'definition' | 'guard' | 'freezes'> {
  readonly maxEnvironments: number;
  readonly onLine: EnvironmentOptions['onLine'];
}

export type Taken =
  | { readonly kind: 'READY'; readonly environment: Environment; readonly initMs: number | undefined }
  /** The code outside of the handler failed, or took too long. */
  | { readonly kind: 'INIT_FAILED'; readonly outcome: Outcome };

/** What ends a wait: an environment, a place for a new one, or nothing in time. */
type Relief = Environment | 'PLACE_FREE' | 'TOO_LATE';

interface Waiter {
  readonly timer: NodeJS.Timeout;
  give(relief: Relief): void;
}

export class EnvironmentPool {
  readonly #options: EnvironmentPoolOptions;
  readonly #all = new Set<Environment>();
  readonly #idle: Environment[] = [];
  readonly #starting = new Map<Environment, (taken: Taken) => void>();
  readonly #waiters: Waiter[] = [];
  readonly #reapers = new Map<Environment, NodeJS.Timeout>();
  /** Processes that are about to be spawned count towards the limit, too. */
  readonly #spawning = new Set<Promise<Environment>>();
  #isClosed = false;

  constructor(options: EnvironmentPoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size + this.#spawning.size;
  }

  /** Throws LambdaError TooManyRequestsException when none is free within `waitMs`. */
  async take(waitMs: number): Promise<Taken> {
    const deadline = performance.now() + waitMs;
    let relief: Relief = this.#isOneFinishing() ? await this.#wait(FINISHING_WAIT_MS) : 'PLACE_FREE';
    for (;;) {
      this.#assertOpen();
      const environment = relief instanceof Environment ? relief : this.#takeIdle();
      if (environment) return { kind: 'READY', environment, initMs: undefined };
      if (this.size < this.#options.maxEnvironments) return await this.#start();
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new LambdaError('TooManyRequestsException', 'Rate Exceeded.');
      relief = await this.#wait(leftMs);
    }
  }

  /** Idle environments end now, the others after what they are doing; later ones load what is in the folder then. */
  retire(): void {
    for (const environment of this.#all) environment.isStale = true;
    for (const environment of this.#idle.splice(0)) this.#drop(environment);
  }

  /** Kills all of them, whatever they do. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#reapers.values()) clearTimeout(timer);
    while (this.#waiters.length > 0) this.#relieve('TOO_LATE');
    while (this.size > 0) {
      await Promise.allSettled([...this.#spawning]);
      await Promise.all([...this.#all].map((environment) => environment.kill()));
    }
  }

  async #start(): Promise<Taken> {
    const environment = await this.#spawn();
    if (this.#isClosed) await environment.kill();
    this.#assertOpen();
    // It may have failed already: a program that cannot be started says so at once.
    if (environment.state !== 'STARTING') return takenOf(environment);
    return await new Promise<Taken>((resolve) => this.#starting.set(environment, resolve));
  }

  async #spawn(): Promise<Environment> {
    const { definition, guard, freezes, onLine } = this.#options;
    const spawning = Environment.start({
      definition,
      guard,
      freezes,
      onLine,
      onReady: (environment) => this.#onReady(environment),
      onEnded: (environment) => this.#onEnded(environment),
    });
    this.#spawning.add(spawning);
    try {
      const environment = await spawning;
      if (environment.state !== 'ENDED') this.#all.add(environment);
      return environment;
    } finally {
      this.#spawning.delete(spawning);
    }
  }

  #onReady(environment: Environment): void {
    if (this.#isClosed) return;
    const starter = this.#starting.get(environment);
    this.#starting.delete(environment);
    if (starter) return starter({ kind: 'READY', environment, initMs: environment.initMs });
    if (environment.isStale) return this.#drop(environment);
    if (this.#relieve(environment)) return;
    this.#idle.push(environment);
    environment.freeze();
    const reaper = setTimeout(() => this.#reap(environment), ENVIRONMENT_IDLE_MS);
    reaper.unref();
    this.#reapers.set(environment, reaper);
  }

  #onEnded(environment: Environment): void {
    this.#all.delete(environment);
    this.#removeIdle(environment);
    const starter = this.#starting.get(environment);
    this.#starting.delete(environment);
    starter?.(takenOf(environment));
    this.#relieve('PLACE_FREE');
  }

  /** Gives it to whoever has waited longest; false when nobody waits. */
  #relieve(relief: Relief): boolean {
    const waiter = this.#waiters.shift();
    clearTimeout(waiter?.timer);
    waiter?.give(relief);
    return waiter !== undefined;
  }

  #takeIdle(): Environment | undefined {
    const environment = this.#idle.pop();
    if (environment) this.#forgetReaper(environment);
    return environment;
  }

  #removeIdle(environment: Environment): void {
    const index = this.#idle.indexOf(environment);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#forgetReaper(environment);
  }

  #forgetReaper(environment: Environment): void {
    clearTimeout(this.#reapers.get(environment));
    this.#reapers.delete(environment);
  }

  #reap(environment: Environment): void {
    this.#removeIdle(environment);
    this.#drop(environment);
  }

  #drop(environment: Environment): void {
    this.#forgetReaper(environment);
    void environment.kill();
  }

  /** More have answered and are about to ask for the next event than calls wait for them. */
  #isOneFinishing(): boolean {
    if (this.#idle.length > 0) return false;
    let finishing = 0;
    for (const { state, isStale } of this.#all) if (state === 'ANSWERED' && !isStale) finishing += 1;
    return finishing > this.#waiters.length;
  }

  async #wait(waitMs: number): Promise<Relief> {
    if (this.#waiters.length >= MAX_WAITING_CALLS) {
      throw new LambdaError('TooManyRequestsException', `${MAX_WAITING_CALLS} calls wait already.`);
    }
    return await new Promise<Relief>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        resolve('TOO_LATE');
      }, waitMs);
      const waiter: Waiter = { timer, give: resolve };
      this.#waiters.push(waiter);
    });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new LambdaError('ServiceException', 'The local Lambda is being stopped.');
  }
}

function takenOf(environment: Environment): Taken {
  return environment.verdict
    ? { kind: 'INIT_FAILED', outcome: environment.verdict }
    : { kind: 'READY', environment, initMs: environment.initMs };
}
