/**
 * The Lambda Runtime API (version 2018-06-01) for one environment, on a loopback port of its own, as each environment on
 * AWS has its own. What always holds: at most one invocation is out at the runtime, and only its id is answered for;
 * an answer that comes late, twice or for another id is refused and changes nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LOOPBACK, readBody } from './http.ts';
import { MAX_RESPONSE_BYTES } from './limits.ts';
import { failure, type Outcome } from './outcome.ts';
import { functionArn } from './variables.ts';

export interface Invocation {
  readonly requestId: string;
  readonly payload: Buffer;
  /** Base64, as it came; undefined when the caller sent none. */
  readonly clientContext?: string | undefined;
  readonly traceId: string;
}

export interface RuntimeEvents {
  /** The runtime asks for an event: it has started, or has done with the one before. */
  onNext(): void;
  onOutcome(outcome: Outcome): void;
  /** The code outside of the handler failed. */
  onInitError(outcome: Outcome): void;
}

const PREFIX = '/2018-06-01/runtime';
const ANSWER = /^\/invocation\/([^/]+)\/(response|error)$/;

export class RuntimeApi {
  readonly #server: Server;
  readonly #functionName: string;
  readonly #events: RuntimeEvents;
  #asking: ServerResponse | undefined;
  #requestId: string | undefined;

  private constructor(server: Server, functionName: string, events: RuntimeEvents) {
    this.#server = server;
    this.#functionName = functionName;
    this.#events = events;
  }

  static async listen(functionName: string, events: RuntimeEvents): Promise<RuntimeApi> {
    const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 });
    const api = new RuntimeApi(server, functionName, events);
    server.on('request', (request, response) => {
      api.#handle(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, LOOPBACK, resolve);
    });
    return api;
  }

  /** host:port */
  get address(): string {
    return `${LOOPBACK}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Only after `onNext`. */
  deliver(invocation: Invocation, deadlineMs: number): void {
    const response = this.#asking;
    if (response === undefined || this.#requestId !== undefined)
      throw new Error('The runtime did not ask for an event.');
    this.#asking = undefined;
    this.#requestId = invocation.requestId;
    const { requestId, clientContext, payload, traceId } = invocation;
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': payload.length,
      'Lambda-Runtime-Aws-Request-Id': requestId,
      'Lambda-Runtime-Deadline-Ms': String(deadlineMs),
      'Lambda-Runtime-Invoked-Function-Arn': functionArn(this.#functionName),
      'Lambda-Runtime-Trace-Id': traceId,
      ...(clientContext === undefined
        ? {}
        : { 'Lambda-Runtime-Client-Context': Buffer.from(clientContext, 'base64').toString('utf8') }),
    });
    response.end(payload);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request;
    const path = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : '';
    const answer = ANSWER.exec(path);
    if (method === 'GET' && path === '/invocation/next') {
      this.#ask(response);
    } else if (method === 'POST' && path === '/init/error') {
      const body = await readBody(request, MAX_RESPONSE_BYTES);
      accept(response);
      this.#events.onInitError(errorOutcome(body));
    } else if (method === 'POST' && answer) {
      await this.#take(request, response, { requestId: answer[1] ?? '', isError: answer[2] === 'error' });
    } else refuse(response, 404, 'NotFound');
  }

  #ask(response: ServerResponse): void {
    if (this.#requestId === undefined) {
      this.#asking = response;
      this.#events.onNext();
    } else refuse(response, 403, 'InvalidStateTransition');
  }

  async #take(
    request: IncomingMessage,
    response: ServerResponse,
    { requestId, isError }: { readonly requestId: string; readonly isError: boolean },
  ): Promise<void> {
    const body = await readBody(request, MAX_RESPONSE_BYTES);
    if (requestId !== this.#requestId) {
      refuse(response, 400, 'InvalidRequestID');
      return;
    }
    this.#requestId = undefined;
    if (isError) {
      accept(response);
      this.#events.onOutcome(errorOutcome(body));
    } else if (body === undefined) {
      refuse(response, 413, 'RequestEntityTooLarge');
      this.#events.onOutcome(
        failure(
          'Function.ResponseSizeTooLarge',
          `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
        ),
      );
    } else {
      accept(response);
      this.#events.onOutcome({ payload: body, functionError: undefined });
    }
  }
}

function errorOutcome(body: Buffer | undefined): Outcome {
  return body === undefined
    ? failure('Function.ErrorTooLarge', 'The description of the error was too large.')
    : { payload: body, functionError: 'Unhandled' };
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Type': 'application/json' });
  response.end('{"status":"OK"}\n');
}

function refuse(response: ServerResponse, status: number, errorType: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify({ errorType, errorMessage: errorType })}\n`);
}
