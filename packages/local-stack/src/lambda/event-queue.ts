/**
 * Asynchronous invocations: taken at once, run as soon as an environment is free, and tried again when the function
 * fails. It is kept in memory: what waits here when the stack ends is gone, which Lambda's own queue does not do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LambdaError } from './errors.ts';
import { EVENT_RETRIES, MAX_EVENT_BYTES, MAX_QUEUED_EVENTS } from './limits.ts';
import type { LocalLambda } from './local-lambda.ts';

/** Lambda keeps an event for six hours at most. */
const MAX_EVENT_AGE_MS = 6 * 3_600_000;

export interface QueuedEvent {
  readonly name: string;
  readonly payload: Buffer;
  readonly requestId: string;
  readonly clientContext: string | undefined;
}

export class EventQueue {
  readonly #lambda: LocalLambda;
  readonly #onLog: (line: string) => void;
  readonly #lengths = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(lambda: LocalLambda, onLog: (line: string) => void) {
    this.#lambda = lambda;
    this.#onLog = onLog;
  }

  /** Throws LambdaError: ResourceNotFoundException, RequestTooLargeException, TooManyRequestsException (full). */
  add(event: QueuedEvent): void {
    const { name, payload } = event;
    if (!this.#lambda.has(name))
      throw new LambdaError('ResourceNotFoundException', `Function not found: ${name}`);
    if (payload.length > MAX_EVENT_BYTES) {
      throw new LambdaError(
        'RequestTooLargeException',
        `${payload.length} byte payload is too large for the Event invocation type (limit ${MAX_EVENT_BYTES} bytes)`,
      );
    }
    const length = this.#lengths.get(name) ?? 0;
    if (length >= MAX_QUEUED_EVENTS) {
      throw new LambdaError(
        'TooManyRequestsException',
        `${MAX_QUEUED_EVENTS} events of ${name} wait already.`,
      );
    }
    this.#lengths.set(name, length + 1);
    void this.#run(event).finally(() => this.#lengths.set(name, (this.#lengths.get(name) ?? 1) - 1));
  }

  /** Nothing is tried again after this. */
  close(): void {
    this.#closing.abort();
  }

  async #run(event: QueuedEvent): Promise<void> {
    const { name, payload, requestId, clientContext } = event;
    for (let attempt = 0; !this.#closing.signal.aborted; attempt += 1) {
      const said = await this.#lambda
        .invoke(name, payload, { waitMs: MAX_EVENT_AGE_MS, requestId, clientContext })
        .then(({ functionError, payload: answer }) => functionError && answer.toString('utf8'))
        .catch((error: unknown) => String(error));
      if (said === undefined) return;
      if (attempt >= EVENT_RETRIES) {
        this.#onLog(`${name} gives up on the event ${requestId}: ${said}`);
        return;
      }
      const delays = this.#lambda.eventRetryDelaysMs;
      await delay(delays[attempt] ?? delays.at(-1) ?? 0, undefined, { signal: this.#closing.signal }).catch(
        () => undefined,
      );
    }
  }
}
