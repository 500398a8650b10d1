/**
 * The console of a deployment on this machine: hands requests on to the API with the credentials that it asks for, which a
 * browser does not have. Whoever reaches this may do what the credentials may. So it listens on the loopback address only,
 * answers to no other name than that (a page whose name is pointed at 127.0.0.1 afterwards says its own), and takes no
 * change from a page that is not its own. It hands on what is needed and no more, and says nothing of the credentials.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Target, TargetError } from './target.ts';

export interface ForwarderOptions {
  readonly target: Target;
  /** 0: one that is free. */
  readonly port: number;
  /** A line for what a person has to know: without bodies, headers and queries. */
  readonly onFault: (line: string) => void;
  readonly limits?: Partial<ForwarderLimits>;
}

export interface ForwarderLimits {
  /** The API takes 16 KiB. */
  readonly requestBytes: number;
  /** API Gateway's own limit is 10 MiB. A stream of events has no end, and no limit but `silentMs`. */
  readonly answerBytes: number;
  /** API Gateway answers within 30 s; also between two pieces of an answer, of which the caller takes each in that time. */
  readonly silentMs: number;
  readonly requestMs: number;
  readonly atOnce: number;
}

const LIMITS: ForwarderLimits = {
  requestBytes: 64 * 1024,
  answerBytes: 10 * 1024 ** 2,
  silentMs: 35_000,
  requestMs: 10_000,
  atOnce: 100,
};

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PATCH']);
/** What the API reads. Not cookies, not who calls: that is ours to say. */
const REQUEST_HEADERS = [
  'accept',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
  'traceparent',
];
/** What pages and programs read. Not set-cookie, and nothing that lets other sites read it (access-control-*). */
const ANSWER_HEADERS = [
  'apigw-requestid',
  'cache-control',
  'content-security-policy',
  'content-type',
  'etag',
  'permissions-policy',
  'preference-applied',
  'referrer-policy',
  'retry-after',
  'x-content-type-options',
];
const OWN_HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'sec-fetch-site',
};

/** An answer of our own. */
class Refusal extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #limits: ForwarderLimits;
  readonly #server: Server;

  /** Throws what listening throws. */
  static async listen(options: ForwarderOptions): Promise<Forwarder> {
    const forwarder = new Forwarder(options);
    forwarder.#server.listen(options.port, '127.0.0.1');
    await once(forwarder.#server, 'listening');
    return forwarder;
  }

  private constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    const { requestMs, atOnce } = this.#limits;
    this.#server = createServer(
      { requestTimeout: requestMs, headersTimeout: requestMs },
      (request, response) => {
        void this.#answer(request, response);
      },
    );
    this.#server.maxConnections = atOnce;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts what is under way: the API carries it out or not, as when a browser is closed. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the caller left')));
    try {
      this.#check(request);
      await this.#forward(request, response, gone);
    } catch (error) {
      if (response.headersSent || gone.signal.aborted) response.destroy();
      else refuse(request, response, this.#refusalOf(error));
    }
  }

  /** Throws a Refusal for what must not use the credentials. */
  #check({ method = '', headers }: IncomingMessage): void {
    const names = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${String(this.#port)}`);
    const { host = '', origin } = headers;
    if (!names.includes(host.toLowerCase())) {
      throw new Refusal(403, 'Another name', `This is for this machine alone: open ${this.url}.`);
    }
    if (!METHODS.has(method)) throw new Refusal(405, 'No such verb', 'The API takes GET, POST and PATCH.');
    const site = headers['sec-fetch-site'];
    const isRead = method === 'GET' || method === 'HEAD';
    // A link to the page may be followed from anywhere; a page of another port of this machine is another page.
    const isOwn = site === undefined || site === 'same-origin' || site === 'none';
    const isLink = isRead && headers['sec-fetch-mode'] === 'navigate';
    const isOwnOrigin = origin === undefined || names.some((name) => origin === `http://${name}`);
    if ((!isOwn && !isLink) || !isOwnOrigin) {
      throw new Refusal(403, 'Another site', 'A page of another site must not ask for this.');
    }
  }

  async #forward(request: IncomingMessage, response: ServerResponse, gone: AbortController): Promise<void> {
    const { target } = this.#options;
    const { silentMs } = this.#limits;
    const { method = 'GET', url = '/' } = request;
    const body = await this.#bodyOf(request);
    const silent = new AbortController();
    const timer = setTimeout(
      () => silent.abort(new Refusal(504, 'No answer in time', 'The API does not answer.')),
      silentMs,
    );
    const signal = AbortSignal.any([gone.signal, silent.signal]);
    try {
      const answer = await target.fetch(addressOf(target, url), {
        method,
        headers: pick(REQUEST_HEADERS, (name) => request.headers[name]),
        ...(body.length === 0 ? {} : { body }),
        signal,
      });
      timer.refresh();
      const headers = pick(ANSWER_HEADERS, (name) => answer.headers.get(name));
      response.writeHead(answer.status, { ...headers, ...OWN_HEADERS });
      let left = headers['content-type']?.startsWith('text/event-stream')
        ? Infinity
        : this.#limits.answerBytes;
      for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
        timer.refresh();
        left -= chunk.length;
        if (left < 0) throw new Error('the answer is too long');
        if (!response.write(chunk)) await once(response, 'drain', { signal });
      }
      response.end();
    } finally {
      clearTimeout(timer);
      silent.abort();
    }
  }

  async #bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Buffer[] = [];
    let left = this.#limits.requestBytes;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) throw new Refusal(413, 'Too large', 'The API takes no body as long as this.');
      chunks.push(chunk);
    }
    return Uint8Array.from(Buffer.concat(chunks));
  }

  #refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    const { target, onFault } = this.#options;
    const reason = error instanceof TargetError ? error.message : `${target.url} cannot be reached.`;
    onFault(reason);
    return new Refusal(502, 'No answer of the API', reason);
  }
}

/** Only a path of the API itself: `//other.example` would be another host's. */
function addressOf({ url }: Target, path: string): string {
  if (!path.startsWith('/')) throw new Refusal(400, 'No path', 'Only paths are handed on.');
  return `${url}${path.replace(/#.*$/s, '')}`;
}

function pick(
  names: readonly string[],
  read: (name: string) => string | readonly string[] | null | undefined,
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = read(name);
      return typeof value === 'string' && value !== '' ? [[name, value]] : [];
    }),
  );
}

/** As the API's own errors, so that its clients read them. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, title, message }: Refusal,
): void {
  const document = { type: 'about:blank', title, status, detail: message };
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    connection: 'close',
    ...OWN_HEADERS,
  });
  response.end(JSON.stringify(document));
  request.resume();
}
