/**
 * One execution environment: a process with the runtime in it, behind a Runtime API of its own. It runs one invocation
 * at a time and is frozen between them, as on AWS: what a handler left running stands still until the next event, and
 * connections may have died by then. An invocation that takes too long, and a process that ends, are outcomes; the
 * environment is gone after either.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { INIT_TIMEOUT_MS, LOG_TAIL_BYTES } from './limits.ts';
import { lineWriter } from './lines.ts';
import type { OrphanGuard } from './orphan-guard.ts';
import { exited, failure, type FunctionDefinition, type Outcome, timedOut } from './outcome.ts';
import { type Invocation, RuntimeApi } from './runtime-api.ts';
import { environmentVariables, memoryFlags } from './variables.ts';

const BOOTSTRAP = join(import.meta.dirname, 'bootstrap.mjs');

export interface EnvironmentOptions {
  readonly definition: FunctionDefinition;
  readonly guard: OrphanGuard;
  readonly freezes: boolean;
  /** What the process writes. */
  readonly onLine: (line: string) => void;
  /** It can take an invocation. */
  readonly onReady: (environment: Environment) => void;
  readonly onEnded: (environment: Environment) => void;
}

/**
 * ANSWERED: the answer is out, and the runtime has not asked for the next event yet.
 * STARTING → IDLE → BUSY → ANSWERED → IDLE; ENDED from everywhere.
 */
type State = 'STARTING' | 'IDLE' | 'BUSY' | 'ANSWERED' | 'ENDED';

export class Environment {
  readonly id = randomUUID().replaceAll('-', '');
  /** A newer bundle exists: it takes no more invocations. */
  isStale = false;
  initMs: number | undefined;

  readonly #options: EnvironmentOptions;
  readonly #startedAtMs = performance.now();
  readonly #ended = Promise.withResolvers<undefined>();
  #state: State = 'STARTING';
  #api: RuntimeApi | undefined;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFrozen = false;
  #settle: ((outcome: Outcome) => void) | undefined;
  #requestId = '';
  /** Why it is being ended, for the invocation that is under way or that waits for the start. */
  #verdict: Outcome | undefined;
  #tail: Buffer = Buffer.alloc(0);

  private constructor(options: EnvironmentOptions) {
    this.#options = options;
  }

  /** Resolves once its process runs; `onReady` comes when the handler is loaded, or `onEnded`. */
  static async start(options: EnvironmentOptions): Promise<Environment> {
    const environment = new Environment(options);
    await environment.#start();
    return environment;
  }

  get state(): State {
    return this.#state;
  }

  /** What it wrote since the invocation began, the last 4 KB. */
  get logTail(): Buffer {
    return this.#tail;
  }

  /** Why it ended before it was ready. */
  get verdict(): Outcome | undefined {
    return this.#verdict;
  }

  /** Only when IDLE. Never rejects: whatever goes wrong is the outcome. */
  invoke(invocation: Invocation): Promise<Outcome> {
    if (this.#state !== 'IDLE') throw new Error(`An environment that is ${this.#state} takes no invocation.`);
    const { timeoutMs } = this.#options.definition;
    this.#state = 'BUSY';
    this.#requestId = invocation.requestId;
    this.#tail = Buffer.alloc(0);
    this.#thaw();
    return new Promise<Outcome>((resolve) => {
      this.#settle = resolve;
      this.#limit(timeoutMs, timedOut(invocation.requestId, timeoutMs));
      this.#api?.deliver(invocation, Date.now() + timeoutMs);
    });
  }

  /** SIGKILL, which also ends what is frozen. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended.promise;
  }

  /** To be called when nobody needs it next. */
  freeze(): void {
    if (!this.#options.freezes || this.#state !== 'IDLE') return;
    this.#isFrozen = this.#child?.kill('SIGSTOP') === true;
  }

  #thaw(): void {
    if (this.#isFrozen) this.#child?.kill('SIGCONT');
    this.#isFrozen = false;
  }

  async #start(): Promise<void> {
    const { definition, guard } = this.#options;
    const api = await RuntimeApi.listen(definition.name, {
      onNext: () => this.#onNext(),
      onOutcome: (outcome) => this.#onOutcome(outcome),
      onInitError: (outcome) => (this.#verdict ??= outcome),
    });
    this.#api = api;
    const flags = memoryFlags(definition.memoryMb);
    const child = spawn(process.execPath, [...flags, BOOTSTRAP, definition.name, this.id], {
      cwd: definition.taskRoot,
      env: environmentVariables({
        definition,
        environmentId: this.id,
        runtimeApi: api.address,
        now: new Date(),
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A session of its own: the terminal's Ctrl-C is for us, and running invocations are to finish.
      detached: true,
    });
    this.#child = child;
    if (child.pid !== undefined) guard.watch(child.pid, this.id);
    this.#hear(child.stdout);
    this.#hear(child.stderr);
    child.once('error', (error) => {
      this.#verdict ??= failure(
        'Runtime.InvalidEntrypoint',
        `The process could not be started: ${error.message}`,
      );
      if (child.pid === undefined) this.#onExit(null, null);
    });
    child.once('exit', (code, signal) => this.#onExit(code, signal));
    const seconds = (INIT_TIMEOUT_MS / 1000).toFixed(2);
    this.#limit(
      INIT_TIMEOUT_MS,
      failure('Sandbox.Timedout', `The initialization did not end within ${seconds} seconds`),
    );
  }

  #hear(stream: Readable): void {
    const writeLines = lineWriter(this.#options.onLine);
    stream.on('data', (text: Buffer) => {
      this.#tail = Buffer.concat([this.#tail, text]).subarray(-LOG_TAIL_BYTES);
      writeLines(text);
    });
  }

  #limit(afterMs: number, verdict: Outcome): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#verdict ??= verdict;
      this.#child?.kill('SIGKILL');
    }, afterMs);
  }

  #onNext(): void {
    if (this.#state === 'ENDED') return;
    clearTimeout(this.#timer);
    if (this.#state === 'STARTING') this.initMs = performance.now() - this.#startedAtMs;
    this.#state = 'IDLE';
    this.#options.onReady(this);
  }

  #onOutcome(outcome: Outcome): void {
    if (this.#state !== 'BUSY') return;
    clearTimeout(this.#timer);
    this.#state = 'ANSWERED';
    // Lambda counts what keeps the runtime from asking for the next event as part of this invocation.
    const { timeoutMs } = this.#options.definition;
    this.#limit(timeoutMs, timedOut(this.#requestId, timeoutMs));
    this.#finish(outcome);
  }

  #finish(outcome: Outcome): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(outcome);
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#state === 'ENDED') return;
    clearTimeout(this.#timer);
    this.#state = 'ENDED';
    this.#api?.close();
    this.#options.guard.forget(this.#child?.pid);
    this.#verdict ??= exited(this.#requestId === '' ? this.id : this.#requestId, code, signal);
    this.#finish(this.#verdict);
    this.#options.onEnded(this);
    this.#ended.resolve(undefined);
  }
}
