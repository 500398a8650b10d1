/**
 * The HTTP front: what API Gateway does before and after a function, on node:http. Every error is a problem document
 * that tells nothing of the inside; the log has it under the request id, which every response carries.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isLoopback } from '@afterwrite/write-behind';
import { LambdaError } from '../lambda/errors.ts';
import { readBody } from '../lambda/http.ts';
import type { LocalLambda } from '../lambda/local-lambda.ts';
import { answerOf, malformed } from './answer.ts';
import type { Authorize } from './authorizer.ts';
import { answerBrokenRequests } from './broken-requests.ts';
import { type Authorizer, gatewayEvent } from './event.ts';
import * as limits from './limits.ts';
import { type LocalRoute, readJsonBody } from './local-routes.ts';
import { refusalOfOtherName, refusalOfOtherSite } from './other-sites.ts';
import { type HttpAnswer, problemAnswer } from './problems.ts';
import { type FrontRoute, Router } from './router.ts';

export interface FrontOptions {
  readonly lambda: Pick<LocalLambda, 'invoke'>;
  readonly routes: readonly FrontRoute[];
  /** What is answered here. */
  readonly localRoutes?: readonly LocalRoute[];
  readonly authorize: Authorize;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly onLog: (line: string) => void;
  /** Longest wait for a function; tests have less patience than API Gateway. */
  readonly integrationTimeoutMs?: number;
  /** Longest wait for a free environment. */
  readonly throttleWaitMs?: number;
}

/** What is bound for all addresses is none to call, and not every system takes it for the loopback address. */
const EVERY_ADDRESS: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

type Direction =
  | { readonly kind: 'LOCAL'; readonly route: LocalRoute }
  | {
      readonly kind: 'FUNCTION';
      readonly route: FrontRoute;
      readonly parameters: Readonly<Record<string, string>>;
      readonly authorizer: Authorizer | undefined;
    }
  | { readonly kind: 'REFUSED'; readonly answer: HttpAnswer };

export class HttpFront {
  /** http://host:port, as it was bound; for every address of the machine, with the one to open from here. */
  url = '';
  readonly #options: FrontOptions;
  readonly #router: Router;
  readonly #server: Server;
  readonly #running = new Set<ServerResponse>();
  /** They have no end of their own, so that nobody waits for it. */
  readonly #streams = new Set<ServerResponse>();
  #isClosing = false;
  #onAllAnswered: () => void = () => undefined;

  private constructor(options: FrontOptions) {
    this.#options = options;
    this.#router = new Router([...(options.localRoutes ?? []), ...options.routes]);
    this.#server = createServer(
      {
        maxHeaderSize: limits.PARSER_HEADER_BYTES,
        requestTimeout: limits.REQUEST_TIMEOUT_MS,
        headersTimeout: limits.HEADERS_TIMEOUT_MS,
        keepAliveTimeout: limits.KEEP_ALIVE_MS,
        // Its absence is answered below, with a body.
        requireHostHeader: false,
      },
      (request, response) => void this.#serve(request, response),
    );
    answerBrokenRequests(this.#server);
  }

  /** Rejects with the system's error when the port is taken. */
  static async listen(options: FrontOptions): Promise<HttpFront> {
    const front = new HttpFront(options);
    await new Promise<void>((resolve, reject) => {
      front.#server.once('error', reject);
      front.#server.listen(options.port, options.host, resolve);
    });
    const { address, family, port } = front.#server.address() as AddressInfo;
    const reachable = EVERY_ADDRESS.get(address) ?? address;
    front.url = `http://${family === 'IPv6' ? `[${reachable}]` : reachable}:${port}`;
    return front;
  }

  /**
   * Takes no more requests, ends streams, and lets requests under way finish for `graceMs`; then cuts them. Resolves with
   * how many were cut.
   */
  async close(graceMs: number): Promise<number> {
    this.#isClosing = true;
    for (const stream of this.#streams) stream.destroy();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#running.size > 0) {
      const answered = new Promise<void>((resolve) => (this.#onAllAnswered = resolve));
      const giveUp = new AbortController();
      await Promise.race([answered, delay(graceMs, undefined, { signal: giveUp.signal })]);
      giveUp.abort();
    }
    const cut = this.#running.size;
    // Connections that are kept alive, or never said anything, too.
    this.#server.closeAllConnections();
    await closed;
    return cut;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    this.#running.add(response);
    response.once('close', () => {
      this.#streams.delete(response);
      this.#leave(response);
    });
    // The sender has gone, or is cut off below.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    let answer: HttpAnswer | 'STREAMS';
    try {
      answer = await this.#answer(request, response, requestId);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      this.#options.onLog(`front ${requestId} ${String(error)}`);
      answer = malformed();
    }
    if (answer === 'STREAMS') {
      if (this.#isClosing) response.destroy();
      else if (!response.destroyed) this.#streams.add(response);
      this.#leave(response);
      return;
    }
    send({ request, response, requestId, answer, isClosing: this.#isClosing });
  }

  #leave(response: ServerResponse): void {
    this.#running.delete(response);
    if (this.#running.size === 0) this.#onAllAnswered();
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<HttpAnswer | 'STREAMS'> {
    const { url = '' } = request;
    const [path = '', ...query] = targetOf(url).split('?');
    const directed = await this.#direct(request, path);
    if (directed.kind === 'REFUSED') {
      // Read to its end, or the sender may not see the answer.
      await readBody(request, 0);
      return directed.answer;
    }
    if (directed.kind === 'LOCAL') {
      const read = await readJsonBody(request);
      if (read.kind === 'REFUSED') return read.answer;
      return await directed.route.handle({ request, response, body: read.body });
    }
    const body = await readBody(request, limits.MAX_BODY_BYTES);
    if (body === undefined) return tooLarge();
    const { route, parameters, authorizer } = directed;
    const event = gatewayEvent({
      request,
      requestId,
      path,
      rawQueryString: query.join('?'),
      route,
      parameters,
      body,
      authorizer,
      now: new Date(),
    });
    return await this.#integrate(route, requestId, Buffer.from(JSON.stringify(event)));
  }

  async #direct(request: IncomingMessage, path: string): Promise<Direction> {
    const { method = '' } = request;
    const refused = (answer: HttpAnswer): Direction => ({ kind: 'REFUSED', answer });
    if (this.#isClosing) return refused(problemAnswer('stopping', 'It takes no more requests.'));
    const isForThisMachine = isLoopback(this.#options.host);
    const refusal =
      refusalOf(request) ?? (isForThisMachine ? refusalOfOtherName(request, this.#options.host) : undefined);
    if (refusal) return refused(refusal);
    const matched = this.#router.match(method, path);
    if (matched.kind === 'BAD_PATH') {
      return refused(problemAnswer('malformed-request', 'The path has a % that escapes nothing, or a #.'));
    }
    if (matched.kind === 'NO_PATH') return refused(problemAnswer('not-found', 'There is no such path.'));
    if (matched.kind === 'WRONG_METHOD') return refused(wrongMethod(method, matched.allowed));
    const { route, parameters } = matched;
    const isLocal = 'handle' in route;
    const otherSite = isForThisMachine || isLocal ? refusalOfOtherSite(request) : undefined;
    if (otherSite) return refused(otherSite);
    const verdict = await this.#options.authorize(request.headers.authorization, route.scope);
    if (verdict.kind === 'REFUSED') return verdict;
    if (isLocal) return { kind: 'LOCAL', route };
    return { kind: 'FUNCTION', route, parameters, authorizer: verdict.authorizer };
  }

  async #integrate(route: FrontRoute, requestId: string, event: Buffer): Promise<HttpAnswer> {
    const {
      lambda,
      onLog,
      integrationTimeoutMs = limits.INTEGRATION_TIMEOUT_MS,
      throttleWaitMs = limits.THROTTLE_WAIT_MS,
    } = this.#options;
    const answered = new AbortController();
    try {
      const result = await Promise.race([
        lambda.invoke(route.function, event, { waitMs: throttleWaitMs }),
        delay(integrationTimeoutMs, undefined, { signal: answered.signal }),
      ]);
      if (result === undefined) {
        onLog(`front ${requestId} ${route.function} has not answered within ${integrationTimeoutMs} ms`);
        return problemAnswer('gateway-timeout', 'It may still do what was asked.');
      }
      if (result.functionError === undefined) return answerOf(result.payload);
      onLog(`front ${requestId} ${route.function} failed: ${result.payload.toString('utf8')}`);
      return malformed();
    } catch (error) {
      if (!(error instanceof LambdaError)) throw error;
      onLog(`front ${requestId} ${route.function}: ${error.message}`);
      if (error.code === 'RequestTooLargeException') return tooLarge();
      if (error.code === 'TooManyRequestsException') return problemAnswer('throttled', 'Try again shortly.');
      return error.code === 'ServiceException' ? problemAnswer('stopping', 'Try again later.') : malformed();
    } finally {
      answered.abort();
    }
  }
}

/** What is wrong before it is known who should answer. */
function refusalOf({ url = '', headers, rawHeaders, httpVersion }: IncomingMessage): HttpAnswer | undefined {
  if (Buffer.byteLength(url) > limits.MAX_URL_BYTES) {
    return problemAnswer('uri-too-long', `An address may have ${limits.MAX_URL_BYTES} bytes.`);
  }
  const headerBytes = rawHeaders.reduce((sum, text) => sum + Buffer.byteLength(text), Buffer.byteLength(url));
  if (headerBytes > limits.MAX_HEADER_BYTES) {
    return problemAnswer('headers-too-large', `Headers may have ${limits.MAX_HEADER_BYTES} bytes.`);
  }
  if (httpVersion === '1.1' && headers.host === undefined) {
    return problemAnswer('malformed-request', 'The Host header is missing.');
  }
  return undefined;
}

/** A proxy's form of a request carries the whole address. */
function targetOf(url: string): string {
  return /^https?:\/\//i.test(url) ? url.replace(/^https?:\/\/[^/?]*/i, '') || '/' : url;
}

function wrongMethod(method: string, allowed: readonly string[]): HttpAnswer {
  const headers = { allow: allowed.join(', ') };
  return method === 'OPTIONS'
    ? { status: 204, headers, body: Buffer.alloc(0) }
    : problemAnswer('method-not-allowed', `It takes ${headers.allow}.`, headers);
}

function tooLarge(): HttpAnswer {
  return problemAnswer('too-large', 'The gateway lets 10 MB through, and Lambda takes 6 MB.');
}

interface Sending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly answer: HttpAnswer;
  readonly isClosing: boolean;
}

function send({ request, response, requestId, answer, isClosing }: Sending): void {
  const { status, headers, body } = answer;
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    ...(headers as Record<string, string | string[]>),
    'apigw-requestid': requestId,
    ...(hasBody ? { 'content-length': body.length } : {}),
    // What was not read would be taken for the next request.
    ...(isClosing || !request.complete ? { connection: 'close' } : {}),
  });
  response.end(hasBody ? body : undefined);
}
