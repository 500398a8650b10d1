/** Lambda's Invoke API on a loopback port: `@aws-sdk/client-lambda` works with nothing but its endpoint set. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LambdaError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { LOOPBACK, readBody } from './http.ts';
import { MAX_PAYLOAD_BYTES } from './limits.ts';
import type { LocalLambda } from './local-lambda.ts';
import { FUNCTION_VERSION } from './variables.ts';

const INVOKE_PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
/** A name, a part of an ARN that ends in one, or a whole ARN; then, perhaps, a qualifier. */
const FUNCTION_NAME =
  /^(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?(?:\d{12}:)?(?:function:)?([A-Za-z0-9-_]{1,64})(?::(\$LATEST|[A-Za-z0-9-_]{1,128}))?$/;
/** Lambda says how soon a throttled caller should come back; here an environment is free a moment later. */
const RETRY_AFTER_SECONDS = 1;

export interface InvokeApiOptions {
  /** The functions may want to know where they can be invoked: called once the port is ours. */
  readonly makeLambda: (endpoint: string) => LocalLambda;
  /** 0: one that is free. */
  readonly port: number;
  readonly onLog: (line: string) => void;
}

export class InvokeApi {
  readonly lambda: LocalLambda;
  /** For the SDK's `endpoint`, and AWS_ENDPOINT_URL_LAMBDA. */
  readonly endpoint: string;
  readonly #server: Server;
  readonly #events: EventQueue;

  private constructor(server: Server, { makeLambda, onLog }: InvokeApiOptions) {
    this.#server = server;
    this.endpoint = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
    this.lambda = makeLambda(this.endpoint);
    this.#events = new EventQueue(this.lambda, onLog);
    server.on('request', (request, response) => {
      this.#handle(request, response).catch((error: unknown) => refuse(response, error));
    });
  }

  /** Rejects with the system's error when the port is taken. */
  static async listen(options: InvokeApiOptions): Promise<InvokeApi> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, LOOPBACK, resolve);
    });
    return new InvokeApi(server, options);
  }

  close(): void {
    this.#events.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.endpoint);
    const asked = INVOKE_PATH.exec(pathname)?.[1];
    if (asked === undefined || request.method !== 'POST') {
      throw new LambdaError('ResourceNotFoundException', 'Only Invoke is offered here.');
    }
    const name = functionNameOf(asked);
    const payload = await readPayload(request);
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    if (!this.lambda.has(name))
      throw new LambdaError('ResourceNotFoundException', `Function not found: ${name}`);
    if (type === 'RequestResponse') {
      await this.#invoke({ name, payload, request, response });
    } else if (type === 'Event') {
      const requestId = randomUUID();
      this.#events.add({ name, payload, requestId, clientContext: clientContextOf(request) });
      this.#answer(response, 202, requestId);
    } else if (type === 'DryRun') {
      this.#answer(response, 204, randomUUID());
    } else {
      throw new LambdaError('InvalidRequestContentException', `Unknown invocation type ${String(type)}.`);
    }
  }

  async #invoke(call: {
    readonly name: string;
    readonly payload: Buffer;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
  }): Promise<void> {
    const { name, payload, request, response } = call;
    const withLog = request.headers['x-amz-log-type'] === 'Tail';
    const result = await this.lambda.invoke(name, payload, {
      clientContext: clientContextOf(request),
      withLog,
    });
    if (result.functionError !== undefined) response.setHeader('X-Amz-Function-Error', result.functionError);
    if (withLog) response.setHeader('X-Amz-Log-Result', result.logTail.toString('base64'));
    this.#answer(response, 200, result.requestId, result.payload);
  }

  #answer(response: ServerResponse, status: number, requestId: string, payload?: Buffer): void {
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'X-Amzn-RequestId': requestId,
      'X-Amz-Executed-Version': FUNCTION_VERSION,
      ...(payload === undefined ? {} : { 'Content-Length': payload.length }),
    });
    response.end(payload);
  }
}

/** There is one version of everything here: a qualifier is taken and has no effect. */
function functionNameOf(asked: string): string {
  let decoded = asked;
  try {
    decoded = decodeURIComponent(asked);
  } catch {
    // No name holds what cannot be decoded.
  }
  const name = FUNCTION_NAME.exec(decoded)?.[1];
  if (name !== undefined) return name;
  throw new LambdaError('ResourceNotFoundException', `Function not found: ${decoded}`);
}

async function readPayload(request: IncomingMessage): Promise<Buffer> {
  const body = await readBody(request, MAX_PAYLOAD_BYTES);
  if (body === undefined) {
    throw new LambdaError(
      'RequestTooLargeException',
      `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation`,
    );
  }
  if (body.length === 0) return Buffer.from('{}');
  try {
    JSON.parse(body.toString('utf8'));
    return body;
  } catch (error) {
    throw new LambdaError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function clientContextOf(request: IncomingMessage): string | undefined {
  const value = request.headers['x-amz-client-context'];
  return typeof value === 'string' ? value : undefined;
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known =
    error instanceof LambdaError
      ? error
      : new LambdaError('ServiceException', 'The invocation could not be made.');
  response.writeHead(known.status, {
    'Content-Type': 'application/json',
    'X-Amzn-ErrorType': known.code,
    'X-Amzn-RequestId': randomUUID(),
    ...(known.status === 429 ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {}),
  });
  const reason = known.status === 429 ? { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' } : {};
  response.end(
    JSON.stringify({ Type: known.status < 500 ? 'User' : 'Service', Message: known.message, ...reason }),
  );
}
