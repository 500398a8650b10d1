/** The functions of one stack and how they are invoked: what the Invoke API, the HTTP front and the scheduler call. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EnvironmentPool } from './environment-pool.ts';
import { LambdaError } from './errors.ts';
import { EVENT_RETRY_DELAYS_MS, MAX_ENVIRONMENTS, MAX_PAYLOAD_BYTES } from './limits.ts';
import { OrphanGuard } from './orphan-guard.ts';
import type { FunctionDefinition, Outcome } from './outcome.ts';

export interface LocalLambdaOptions {
  readonly functions: readonly FunctionDefinition[];
  /** One line each of what the functions write and of what became of their invocations. */
  readonly onLog: (line: string) => void;
  /** The former alone, as they were written. */
  readonly onOutput?: (line: string) => void;
  /** Environments of one function at a time. */
  readonly maxEnvironments?: number;
  /** Stop an environment between invocations, as Lambda does. Off where the system has no SIGSTOP. */
  readonly freezes?: boolean;
  /** Waits before the attempts after the first at an asynchronous invocation. */
  readonly eventRetryDelaysMs?: readonly number[];
}

export interface InvokeOptions {
  /** How long the call may wait for an environment before it is throttled. Lambda itself never waits. */
  readonly waitMs?: number;
  /** Base64 of JSON. */
  readonly clientContext?: string | undefined;
  readonly requestId?: string;
  /** Wait until all that the function wrote before its answer is in `logTail`. */
  readonly withLog?: boolean;
}

export interface InvocationResult extends Outcome {
  readonly requestId: string;
  /** The end of what the function wrote. */
  readonly logTail: Buffer;
  /** A new environment was started for it; how long that took. */
  readonly initMs: number | undefined;
}

interface LocalFunction {
  readonly definition: FunctionDefinition;
  readonly pool: EnvironmentPool;
}

/** Turns of the event loop in which what a process wrote before its answer has been read, too. */
const TURNS_OF_OUTPUT = 2;

export class LocalLambda {
  readonly eventRetryDelaysMs: readonly number[];
  readonly #guard = new OrphanGuard();
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #onLog: (line: string) => void;

  constructor(options: LocalLambdaOptions) {
    const { functions, onLog, onOutput, maxEnvironments = MAX_ENVIRONMENTS } = options;
    const freezes = options.freezes ?? process.platform !== 'win32';
    this.#onLog = onLog;
    this.eventRetryDelaysMs = options.eventRetryDelaysMs ?? EVENT_RETRY_DELAYS_MS;
    this.#functions = new Map(
      functions.map((definition) => {
        const onLine = (line: string) => {
          onLog(`${definition.name} ${line}`);
          onOutput?.(line);
        };
        const pool = new EnvironmentPool({
          definition,
          guard: this.#guard,
          freezes,
          maxEnvironments,
          onLine,
        });
        return [definition.name, { definition, pool }];
      }),
    );
  }

  /** Of the process that ends what this one leaves behind when it is killed. */
  get guardPid(): number | undefined {
    return this.#guard.pid;
  }

  has(name: string): boolean {
    return this.#functions.has(name);
  }

  /** Environments of all functions. */
  get environments(): number {
    return [...this.#functions.values()].reduce((sum, { pool }) => sum + pool.size, 0);
  }

  /**
   * Runs the function; what it did wrong is in the result. Throws LambdaError: ResourceNotFoundException,
   * RequestTooLargeException, TooManyRequestsException, and ServiceException when the stack is being stopped.
   */
  async invoke(name: string, payload: Buffer, options: InvokeOptions = {}): Promise<InvocationResult> {
    const { waitMs = 0, clientContext, requestId = randomUUID(), withLog = false } = options;
    const { pool } = this.#find(name);
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new LambdaError(
        'RequestTooLargeException',
        `${payload.length} byte payload is too large for the RequestResponse invocation type (limit ${MAX_PAYLOAD_BYTES} bytes)`,
      );
    }
    const taken = await pool.take(waitMs);
    if (taken.kind === 'INIT_FAILED') {
      this.#onLog(`${name} REPORT RequestId: ${requestId}\tStatus: error (initialization)`);
      return { ...taken.outcome, requestId, logTail: Buffer.alloc(0), initMs: undefined };
    }
    const { environment, initMs } = taken;
    const startedAtMs = performance.now();
    const outcome = await environment.invoke({ requestId, payload, clientContext, traceId: newTraceId() });
    const durationMs = performance.now() - startedAtMs;
    this.#onLog(reportLine({ name, requestId, durationMs, initMs, outcome }));
    for (let turn = 0; withLog && turn < TURNS_OF_OUTPUT; turn += 1) await nextTurn();
    return { ...outcome, requestId, logTail: environment.logTail, initMs };
  }

  /** Its bundle has changed: later invocations use the new one. */
  retire(name: string): void {
    this.#find(name).pool.retire();
  }

  /** Kills all environments, whatever they do, and resolves when no process is left. */
  async close(): Promise<void> {
    await Promise.all([...this.#functions.values()].map(({ pool }) => pool.close()));
    await this.#guard.close();
  }

  #find(name: string): LocalFunction {
    const found = this.#functions.get(name);
    if (found) return found;
    throw new LambdaError('ResourceNotFoundException', `Function not found: ${name}`);
  }
}

interface Report {
  readonly name: string;
  readonly requestId: string;
  readonly durationMs: number;
  readonly initMs: number | undefined;
  readonly outcome: Outcome;
}

function reportLine({ name, requestId, durationMs, initMs, outcome }: Report): string {
  return [
    `${name} REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
    ...(outcome.functionError === undefined ? [] : ['Status: error']),
  ].join('\t');
}

/** AWS X-Ray's form; nothing is sampled here. */
export function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=0`;
}
