/** One request to the API with its time limit and retries; what is no success becomes an error of ours. */
import { AfterwriteClientError, ApiProblem, ApiUnreachableError } from './errors.ts';
import {
  parseRetryAfter,
  type RetryLimits,
  type RetryRule,
  RETRYABLE_STATUSES,
  withRetries,
} from './retry.ts';
import type { Runtime } from './runtime.ts';
import type { ProblemDocument } from './types.ts';

/** What of fetch is used. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

export interface TransportOptions {
  readonly baseUrl: string;
  readonly fetch: Fetch;
  /** Read before every attempt: a token may be renewed in between. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** Of one attempt. */
  readonly timeoutMs: number;
  readonly retry: RetryLimits;
  readonly runtime: Runtime;
}

export interface ApiRequest {
  readonly method: string;
  /** With its parameters in place. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly rule: RetryRule;
  readonly signal?: AbortSignal | undefined;
  /** More than usual, for an answer that is waited for. */
  readonly extraMs?: number;
  readonly idempotencyKey?: string;
  /** Statuses that are an answer, not an error. */
  readonly answers?: readonly number[];
}

export interface ApiReply {
  readonly status: number;
  readonly etag: string;
  /** undefined where there is none. */
  readonly body: unknown;
}

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Throws ApiProblem, ApiUnreachableError, or the reason of the caller's signal. */
  async send(request: ApiRequest): Promise<ApiReply> {
    const { runtime, retry } = this.#options;
    const { rule, signal } = request;
    return await withRetries({ runtime, limits: retry, rule, signal }, () => this.#attempt(request));
  }

  async #attempt(request: ApiRequest): Promise<ApiReply> {
    const { signal } = request;
    signal?.throwIfAborted();
    const headers = await this.#options.headers();
    const timeoutMs = this.#options.timeoutMs + (request.extraMs ?? 0);
    const limit = new AbortController();
    const cancel = () => limit.abort(signal?.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    try {
      const response = await this.#options.fetch(this.#url(request), {
        method: request.method,
        headers: { ...headers, ...jsonHeaders(request.body), ...request.headers },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: limit.signal,
      });
      return this.#read(request, response, await response.text());
    } catch (error) {
      if (error instanceof AfterwriteClientError) throw error;
      signal?.throwIfAborted();
      throw limit.signal.aborted
        ? this.#unreachable(request, 'TIMEOUT', `has not answered within ${timeoutMs} ms`, error)
        : this.#unreachable(request, 'UNREACHABLE', 'cannot be reached', error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    }
  }

  #url({ path, query = {} }: ApiRequest): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    const text = parameters.toString();
    return `${this.#options.baseUrl.replace(/\/+$/, '')}${path}${text === '' ? '' : `?${text}`}`;
  }

  #read(request: ApiRequest, { status, headers }: FetchResponse, text: string): ApiReply {
    const etag = headers.get('etag') ?? '';
    const isJson = /^application\/json\b/i.test(headers.get('content-type') ?? '');
    if (status === 304 && request.answers?.includes(304)) return { status, etag, body: undefined };
    const isAnswer = (status >= 200 && status < 300) || request.answers?.includes(status) === true;
    if (isAnswer && isJson) return { status, etag, body: this.#parse(request, text) };
    if (status >= 200 && status < 300) throw this.#unreachable(request, 'UNREADABLE_ANSWER', 'sent no JSON');
    throw new ApiProblem(problemOf(status, text), {
      retryable: RETRYABLE_STATUSES.has(status),
      retryAfterMs: parseRetryAfter(headers.get('retry-after'), this.#options.runtime.now()),
      idempotencyKey: request.idempotencyKey,
    });
  }

  /** A reply that was cut off in between is a reply that was lost. */
  #parse(request: ApiRequest, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#unreachable(request, 'UNREADABLE_ANSWER', 'sent JSON that cannot be read', error);
    }
  }

  #unreachable(request: ApiRequest, code: ApiUnreachableError['code'], what: string, cause?: unknown) {
    const message = `${request.method} ${request.path}: the API ${what}.`;
    return new ApiUnreachableError(code, message, cause, request.idempotencyKey);
  }
}

function jsonHeaders(body: unknown): Record<string, string> {
  return {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
}

/** Gateways and proxies have error pages of their own. */
function problemOf(status: number, text: string): ProblemDocument {
  const found = parseObject(text);
  const word = (name: keyof ProblemDocument) => {
    const value = found[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [field, limit, currentVersion] = [word('field'), word('limit'), word('currentVersion')];
  return {
    type: word('type') ?? 'about:blank',
    title: word('title') ?? 'Not an answer of the API',
    status,
    detail: word('detail') ?? 'It has no problem document.',
    ...(field === undefined ? {} : { field }),
    ...(limit === undefined ? {} : { limit }),
    ...(currentVersion === undefined ? {} : { currentVersion }),
  };
}

function parseObject(text: string): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
