/**
 * The API as methods, one a call, for browsers and Node.
 *
 * An update always carries an idempotency key, made once a call and kept over its retries: without it a lost reply would
 * leave the choice between losing the update and writing it twice.
 */
import { ApiUnreachableError, WriteNotStoredError } from './errors.ts';
import { DEFAULT_RETRY, type RetryLimits } from './retry.ts';
import { type Runtime, systemRuntime } from './runtime.ts';
import { type ApiReply, type ApiRequest, type Fetch, Transport } from './transport.ts';
import type * as api from './types.ts';

export interface ClientOptions {
  /** `https://host`, with the stage's path if there is one. */
  readonly baseUrl: string;
  readonly fetch?: Fetch;
  /** A bearer token, or what gives the present one. */
  readonly token?: string | (() => string | Promise<string>);
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of one attempt; a wait that was asked for comes on top. Default 10,000. */
  readonly timeoutMs?: number;
  readonly retry?: Partial<RetryLimits>;
  readonly runtime?: Partial<Runtime>;
}

export interface CallOptions {
  /** Ends the call, its waits and its retries; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** `etag` or `version` of an earlier read. */
  readonly ifNoneMatch?: string;
}

export interface UpdateOptions extends CallOptions {
  /** `etag` or `version`: only if the flight is still at it, else ApiProblem VERSION_CONFLICT. */
  readonly ifMatch?: string;
  /** 1 to 255 printable ASCII characters; made up where left out. */
  readonly idempotencyKey?: string;
  /** Answer once it is stored, or after so many whole seconds (20 at most); `state` then says which. */
  readonly waitSeconds?: number;
  /** How safe it shall be before it is answered; the answer's `durability` names what was reached. */
  readonly durability?: api.UpdateAnswer['durability'];
  /** W3C Trace Context: the update is followed under its trace id, to the transaction that stores it. */
  readonly traceparent?: string;
}

/** Longer than the functions' own reads take at worst, and shorter than people wait. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** POST /queue/flush runs for up to 25 s. */
const FLUSH_EXTRA_MS = 25_000;
/** Between two looks at a receipt: the first soon, then no more than once a second. */
const POLL = { firstMs: 100, mostMs: 1000, factor: 1.5 };
const DEFAULT_WAIT_MS = 30_000;

export class AfterwriteClient {
  readonly #transport: Transport;
  readonly #runtime: Runtime;

  constructor(options: ClientOptions) {
    const { baseUrl, token, headers = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.#runtime = { ...systemRuntime, ...options.runtime };
    this.#transport = new Transport({
      baseUrl,
      // Browsers refuse a fetch that is called as another object's method.
      fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
      headers: async () => {
        const bearer = typeof token === 'function' ? await token() : token;
        return bearer === undefined ? headers : { ...headers, authorization: `Bearer ${bearer}` };
      },
      timeoutMs,
      retry: { ...DEFAULT_RETRY, ...options.retry },
      runtime: this.#runtime,
    });
  }

  /** Throws ApiProblem NOT_FOUND. With `ifNoneMatch` also NOT_MODIFIED is an answer. */
  async getFlight(
    flightId: number,
    options?: CallOptions & { readonly ifNoneMatch?: never },
  ): Promise<api.FlightRead & { kind: 'FOUND' }>;
  async getFlight(flightId: number, options: ReadOptions): Promise<api.FlightRead>;
  async getFlight(flightId: number, { ifNoneMatch, signal }: ReadOptions = {}): Promise<api.FlightRead> {
    const reply = await this.#get('/flights/{flightId}', {
      parameters: { flightId },
      signal,
      ...(ifNoneMatch === undefined
        ? {}
        : { headers: { 'if-none-match': entityTag(ifNoneMatch) }, answers: [304] }),
    });
    const { status, etag } = reply;
    return status === 304
      ? { kind: 'NOT_MODIFIED', etag }
      : { kind: 'FOUND', etag, ...(reply.body as api.ReadAnswer) };
  }

  /** Flights by their number, the newest departure first, as the database has them: not yet what waits. */
  async findFlights({ signal, ...query }: api.FindQuery & CallOptions): Promise<api.FindAnswer> {
    return (await this.#get('/flights', { query, signal })).body as api.FindAnswer;
  }

  /** Accepted when this resolves, stored afterwards. Errors carry the `idempotencyKey` by which a doubt is settled. */
  async updateFlight(
    flightId: number,
    update: api.UpdateBody,
    { ifMatch, idempotencyKey = this.#runtime.uuid(), ...options }: UpdateOptions = {},
  ): Promise<api.UpdateAnswer> {
    const { waitSeconds, durability, traceparent, signal } = options;
    const reply = await this.#send('PATCH', '/flights/{flightId}', {
      parameters: { flightId },
      rule: 'SAFE',
      body: update,
      headers: {
        'idempotency-key': idempotencyKey,
        ...(ifMatch === undefined ? {} : { 'if-match': entityTag(ifMatch) }),
        ...(traceparent === undefined ? {} : { traceparent }),
        ...preferOf(waitSeconds, durability),
      },
      idempotencyKey,
      extraMs: (waitSeconds ?? 0) * 1000,
      signal,
    });
    return reply.body as api.UpdateAnswer;
  }

  /** What became of an update. Throws ApiProblem NOT_FOUND for a receipt that never was. */
  async write(receipt: string, { signal }: CallOptions = {}): Promise<api.WriteAnswer> {
    const reply = await this.#get('/writes/{receipt}', { parameters: { receipt }, signal });
    return reply.body as api.WriteAnswer;
  }

  /** Resolves once the database has the update. Throws WriteNotStoredError if it will not, or not in time. */
  async waitUntilStored(
    receipt: string,
    { timeoutMs = DEFAULT_WAIT_MS, signal }: CallOptions & { readonly timeoutMs?: number } = {},
  ): Promise<api.WriteAnswer> {
    const until = this.#runtime.now() + timeoutMs;
    for (let pauseMs = POLL.firstMs; ; pauseMs = Math.min(POLL.mostMs, pauseMs * POLL.factor)) {
      const write = await this.write(receipt, signal ? { signal } : {});
      if (write.state === 'stored') return write;
      const leftMs = until - this.#runtime.now();
      if (write.state !== 'pending' || leftMs <= 0)
        throw new WriteNotStoredError(receipt, write.state, write);
      await this.#runtime.sleep(Math.min(pauseMs, leftMs), signal);
    }
  }

  /** Cache and database side by side. */
  async consistency(flightId: number, { signal }: CallOptions = {}): Promise<api.ConsistencyAnswer> {
    const reply = await this.#get('/flights/{flightId}/consistency', { parameters: { flightId }, signal });
    return reply.body as api.ConsistencyAnswer;
  }

  /** One page of the audit trail, newest first; `next` is the next page's `before`. */
  async log(flightId: number, { signal, ...query }: api.LogQuery & CallOptions = {}): Promise<api.LogAnswer> {
    const reply = await this.#get('/flights/{flightId}/log', { parameters: { flightId }, query, signal });
    return reply.body as api.LogAnswer;
  }

  /** The audit trail page by page, newest first, each read when it is asked for. */
  async *logPages(
    flightId: number,
    options: api.LogQuery & CallOptions = {},
  ): AsyncGenerator<readonly api.LogEntry[], void, undefined> {
    for (let page = await this.log(flightId, options); ;) {
      yield page.entries;
      if (page.next === null) return;
      page = await this.log(flightId, { ...options, before: page.next });
    }
  }

  async queue({ signal }: CallOptions = {}): Promise<api.QueueAnswer> {
    return (await this.#get('/queue', { signal })).body as api.QueueAnswer;
  }

  /** Stores one batch. Not repeated after a lost reply: a second call takes a second batch. */
  async processQueue({ signal, ...body }: api.ProcessBody & CallOptions = {}): Promise<api.ProcessAnswer> {
    const reply = await this.#send('POST', '/queue/process', { rule: 'NOT_BEGUN', body, signal });
    return reply.body as api.ProcessAnswer;
  }

  /** Stores all that waits, as far as 25 s reach; `remaining` is what does not. */
  async flushQueue({ signal }: CallOptions = {}): Promise<api.ProcessAnswer> {
    const extraMs = FLUSH_EXTRA_MS;
    const reply = await this.#send('POST', '/queue/flush', { rule: 'NOT_BEGUN', body: {}, signal, extraMs });
    return reply.body as api.ProcessAnswer;
  }

  /** Updates that the database refuses, by letterId; `after` is the last one seen. Of one flight with `flightId`. */
  async deadLetters({ signal, ...query }: api.LettersQuery & CallOptions = {}): Promise<api.LettersAnswer> {
    return (await this.#get('/queue/dead-letters', { query, signal })).body as api.LettersAnswer;
  }

  /** Stores dead letters whose cause was mended: those of these seqs, or all. */
  async redrive({ signal, ...body }: api.RedriveBody & CallOptions = {}): Promise<api.RedriveAnswer> {
    const reply = await this.#send('POST', '/queue/dead-letters/redrive', {
      rule: 'NOT_BEGUN',
      body,
      signal,
      extraMs: FLUSH_EXTRA_MS,
    });
    return reply.body as api.RedriveAnswer;
  }

  /** Also what is not well is an answer: see `ok`. */
  async health({ signal }: CallOptions = {}): Promise<api.HealthAnswer> {
    const { body } = await this.#get('/health', { signal, answers: [503] });
    if (!isHealth(body)) throw new ApiUnreachableError('UNREADABLE_ANSWER', 'GET /health: not its answer.');
    return body;
  }

  async #get(path: api.PathOf<'GET'>, request: RequestOptions): Promise<ApiReply> {
    return await this.#send('GET', path, { ...request, rule: 'SAFE' });
  }

  async #send<M extends api.Method>(
    method: M,
    path: api.PathOf<M>,
    { parameters = {}, ...request }: RequestOptions & Pick<ApiRequest, 'rule'>,
  ): Promise<ApiReply> {
    const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) =>
      encodeURIComponent(parameters[name] ?? ''),
    );
    return await this.#transport.send({ ...request, method, path: filled });
  }
}

interface RequestOptions extends Omit<ApiRequest, 'method' | 'path' | 'rule'> {
  readonly parameters?: Readonly<Record<string, string | number>>;
}

/** A version as an entity tag; what is one already stays as it is. */
function preferOf(waitSeconds?: number, durability?: api.UpdateAnswer['durability']): { prefer?: string } {
  const wanted = [
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
    ...(durability === undefined ? [] : [`durability=${durability}`]),
  ];
  return wanted.length === 0 ? {} : { prefer: wanted.join(', ') };
}

function entityTag(text: string): string {
  return /^(W\/)?"|^\*$/.test(text) ? text : `"${text}"`;
}

function isHealth(body: unknown): body is api.HealthAnswer {
  return typeof body === 'object' && body !== null && 'checks' in body;
}
