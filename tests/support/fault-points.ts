/**
 * The engine's ports with a fault point around every command. One run counts the points; another stops at one of them.
 * The engine knows nothing of it. Below sits a ledger of what the buffer truly accepted, whatever its callers were told.
 */
import {
  BufferUnavailableError,
  type CachePorts,
  OutcomeUnknownError,
  type Runtime,
  StoreUnavailableError,
} from '@afterwrite/write-behind';
import type {
  BufferPort,
  StorePort,
  StoreTransaction,
  UpdateRequest,
} from '@afterwrite/write-behind/internal';
import type { Accepted } from './invariants.ts';
import { FIELDS } from './widgets.ts';

/** What may happen at a point. A process that died sends nothing any more; the others go on. */
export const FAULTS = [
  'dies before',
  'dies after',
  /** The connection is lost before the command was sent. */
  'refused',
  /** The connection is lost after the command was carried out. */
  'reply lost',
  /** Stands still while others go on, wakes up and sends it. */
  'paused before',
  'paused after',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Point {
  /** `buffer.ack`, `transaction.park`, `runtime.sleep`. */
  readonly name: string;
  /** Where the engine sent it: `flusher/flusher.ts:265`. */
  readonly site: string;
  readonly faults: readonly Fault[];
}

export interface Plan {
  /** Counted from 0. */
  readonly at: number;
  readonly fault: Fault;
  /** What others do while this process is paused. */
  readonly meanwhile: () => Promise<void>;
}

/** Of a process that is no more: nothing in the engine knows it, so nothing can take it for a reason to try again. */
export class Died extends Error {
  constructor() {
    super('this process died');
  }
}

/** A sleep ends sooner. The clock moves by sleeps only, so that each run has the same points. */
const LONGEST_SLEEP_MS = 2;
const ENGINE = /\/write-behind\/src\/((?:cache|flusher)\/[\w-]+\.ts):(\d+)/;
const OUTSIDE: readonly Fault[] = FAULTS;
/** A process that stands still in a transaction keeps the lock; the server ends its session before anybody goes on. */
const INSIDE: readonly Fault[] = ['dies before', 'dies after', 'refused', 'reply lost'];
const BEGIN: readonly Fault[] = ['dies before', 'refused', 'paused before'];
const COMMIT: readonly Fault[] = ['dies before', 'dies after', 'refused', 'reply lost', 'paused after'];
const SLEEP: readonly Fault[] = ['dies before', 'paused before'];

export class FaultPoints {
  readonly points: Point[] = [];
  readonly ports: CachePorts;
  readonly #plan: Plan | undefined;
  #isDead = false;
  /** Of the transaction that is open. */
  #commitIndex: number | undefined;

  constructor(ports: CachePorts, plan?: Plan) {
    this.#plan = plan;
    this.ports = {
      ...ports,
      buffer: this.#around('buffer', ports.buffer, OUTSIDE),
      store: this.#store(ports.store),
      runtime: this.#runtime(ports.runtime),
    };
  }

  get died(): boolean {
    return this.#isDead;
  }

  #around<Port extends BufferPort | StorePort | StoreTransaction>(
    kind: string,
    port: Port,
    faults: readonly Fault[],
  ): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const method = value as (...args: unknown[]) => unknown;
        if (IS_LOCAL.has(String(name))) return method.bind(target);
        return (...args: unknown[]) => {
          return this.#point(`${kind}.${String(name)}`, faults, () => method.apply(target, args));
        };
      },
    });
  }

  #store(store: StorePort): StorePort {
    const commands = this.#around('store', store, OUTSIDE);
    const transaction = async <T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> => {
      const site = this.#site();
      await this.#point('store.begin', BEGIN, () => undefined, site);
      let isWorkDone = false;
      return await this.#point(
        'store.commit',
        COMMIT,
        () =>
          store.transaction(async (real) => {
            const value = await work(this.#around('transaction', real, INSIDE));
            isWorkDone = true;
            this.#before();
            return value;
          }),
        site,
        () => isWorkDone,
      );
    };
    return new Proxy(commands, {
      get: (target, name) => (name === 'transaction' ? transaction : (Reflect.get(target, name) as unknown)),
    });
  }

  #runtime(runtime: Runtime): Runtime {
    const startMs = runtime.now();
    let skippedMs = 0;
    return {
      ...runtime,
      now: () => startMs + skippedMs,
      random: () => 0.5,
      sleep: (ms, signal) => {
        const napMs = Math.min(ms, LONGEST_SLEEP_MS);
        skippedMs += ms;
        return this.#point('runtime.sleep', SLEEP, () => runtime.sleep(napMs, signal));
      },
    };
  }

  /** Just before the commit is sent. */
  #before(): void {
    if (this.#isDead) throw new Died();
    if (this.#commitIndex === undefined || this.#plan?.at !== this.#commitIndex) return;
    if (this.#plan.fault === 'dies before') throw this.#die();
    if (this.#plan.fault === 'refused') throw new StoreUnavailableError('the connection was lost');
  }

  async #point<T>(
    name: string,
    faults: readonly Fault[],
    send: () => T | Promise<T>,
    site = this.#site(),
    isCommit?: () => boolean,
  ): Promise<T> {
    if (this.#isDead) throw new Died();
    const index = this.points.push({ name, site, faults }) - 1;
    const plan = this.#plan?.at === index ? this.#plan : undefined;
    if (isCommit) this.#commitIndex = index;
    else if (plan?.fault === 'dies before') throw this.#die();
    else if (plan?.fault === 'refused') throw lost(name, false);
    if (plan?.fault === 'paused before') await plan.meanwhile();
    const reply = await send();
    if (plan && isCommit && !isCommit()) return reply;
    if (plan?.fault === 'dies after') throw this.#die();
    if (plan?.fault === 'reply lost') throw lost(name, true);
    if (plan?.fault === 'paused after') await plan.meanwhile();
    // Somebody else in this process may have met its end meanwhile.
    if (this.died) throw new Died();
    return reply;
  }

  /** A run that is to be cut short has the points of the run before, but for what it tries again. */
  #site(): string {
    return this.#plan === undefined || this.#plan.fault === 'refused' ? callSite() : '';
  }

  #die(): Died {
    this.#isDead = true;
    return new Died();
  }
}

/** All that goes to no server; whatever else a port has or will have is a command, and a point. */
const IS_LOCAL = new Set(['partitionOf', 'cacheKey', 'change']);

function lost(name: string, wasSent: boolean): Error {
  const message = `the connection was lost at ${name}`;
  if (!name.startsWith('buffer.')) return new StoreUnavailableError(message);
  return wasSent && name === 'buffer.update'
    ? new OutcomeUnknownError('update', new Error(message))
    : new BufferUnavailableError(message);
}

/** Dear: half of a run's time, where every command asks. */
function callSite(): string {
  const line = new Error().stack?.split('\n').find((each) => ENGINE.test(each)) ?? '';
  const [, file = 'elsewhere', number = '0'] = ENGINE.exec(line) ?? [];
  return `${file}:${number}`;
}

/** Every update that the buffer accepted, in the order of acceptance, whatever became of the reply. */
export function withLedger(buffer: BufferPort, accepted: Accepted[]): BufferPort {
  const update = async (request: UpdateRequest) => {
    const reply = await buffer.update(request);
    if (reply.kind === 'OK' && !reply.replayed) accepted.push(...entriesOf(request));
    return reply;
  };
  return new Proxy(buffer, {
    get(target, name) {
      const value: unknown = name === 'update' ? update : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

function entriesOf({ id, changes, tail }: UpdateRequest): Accepted[] {
  const uid = String((JSON.parse(`[${tail}`) as unknown[]).at(-1));
  return FIELDS.filter((field) => field in changes).map((field) => ({
    uid,
    id,
    field,
    value: changes[field] as string | number,
  }));
}
