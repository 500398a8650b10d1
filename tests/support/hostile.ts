/**
 * Requests that nobody sends by mistake alone: broken, wrong, huge and malicious ones, with a share of good updates among
 * them. The same seed gives the same requests, except for what the server's own answers put into `memory`.
 */
import * as values from './hostile-values.ts';
import { type Random, randomFrom } from './random.ts';

export interface HostileRequest {
  readonly method: string;
  /** As in the request line, without the query. */
  readonly path: string;
  readonly query: string;
  /** Lower-case names. What HTTP could not carry is in here too. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Whether `body` is Base64, or claims to be. */
  readonly isBase64: boolean;
}

export interface HostileReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Delivers one request: to the handlers in this process, or over HTTP. */
export type Send = (request: HostileRequest) => Promise<HostileReply>;

/** What earlier answers gave, to be used again, and misused. */
export interface Memory {
  readonly receipts: string[];
  readonly tags: string[];
  /** Accepted ones with an idempotency key. */
  readonly keyed: HostileRequest[];
}

export interface HostileOptions {
  readonly seed: number;
  /** Flights 1 to this exist. */
  readonly flights: number;
}

type Kind = (source: HostileSource) => Partial<HostileRequest>;

export class HostileSource {
  readonly random: Random;
  readonly memory: Memory = { receipts: [], tags: [], keyed: [] };
  readonly #flights: number;
  #count = 0;

  constructor({ seed, flights }: HostileOptions) {
    this.random = randomFrom(seed);
    this.#flights = flights;
  }

  next(): HostileRequest {
    this.#count += 1;
    const kind = this.random.weighted(KINDS);
    const request = { method: 'GET', path: '/', query: '', headers: {}, body: undefined, isBase64: false };
    const made = { ...request, ...kind(this) };
    return this.random.chance(0.03)
      ? { ...made, headers: { ...made.headers, ...values.oddHeaders(this.random) } }
      : made;
  }

  /** Keeps a few of what an answer gave. */
  learn(request: HostileRequest, { receipt, version }: { receipt: string; version: string }): void {
    const keep = <T>(list: T[], value: T) => {
      if (list.push(value) > 50) list.shift();
    };
    keep(this.memory.receipts, receipt);
    keep(this.memory.tags, `"${version}"`);
    if (request.headers['idempotency-key'] !== undefined) keep(this.memory.keyed, request);
  }

  /** Of a flight that exists, mostly; as it stands in a path. */
  flightId(hostile = 0.1): string {
    const { random } = this;
    if (!random.chance(hostile)) return String(1 + random.below(this.#flights));
    return values.inPath(random, random.pick([...values.IDS, values.text(random)]));
  }

  /** A body that is right, with a comment that no other has. */
  update(): string[][] {
    const { random } = this;
    const departure = Date.UTC(2030, 0, 1) + random.below(300_000_000) * 1000;
    const arrival = departure + (1 + random.below(20 * 3600)) * 1000;
    const comment = `${this.#count} ${random.chance(0.4) ? values.text(random).toWellFormed() : ''}`;
    const pairs = [
      ['departure', JSON.stringify(values.time(random, departure))],
      ['arrival', JSON.stringify(values.time(random, arrival))],
    ];
    if (random.chance(0.9)) pairs.push(['comment', JSON.stringify(comment)]);
    else if (random.chance(0.3)) pairs.push(['comment', 'null']);
    if (random.chance(0.6)) pairs.push(['user', JSON.stringify(random.pick(values.USERS))]);
    return pairs;
  }

  idempotencyKey(): string {
    return `key ${this.#count}`;
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };

const goodUpdate: Kind = (source) => {
  const { random, memory } = source;
  const headers: Record<string, string> = { ...JSON_TYPE };
  if (random.chance(0.4)) headers['idempotency-key'] = source.idempotencyKey();
  if (random.chance(0.03)) headers.prefer = 'wait=1';
  if (random.chance(0.1) && memory.tags.length > 0) headers['if-match'] = random.pick(memory.tags);
  const body = values.object(source.update());
  const isBase64 = random.chance(0.1);
  return {
    method: 'PATCH',
    path: `/flights/${source.flightId(0)}`,
    headers,
    isBase64,
    body: isBase64 ? Buffer.from(body).toString('base64') : body,
  };
};

const badBody: Kind = (source) => ({
  method: 'PATCH',
  path: `/flights/${source.flightId()}`,
  headers: JSON_TYPE,
  ...values.spoiltBody(source.random, source.update()),
});

const badHeaders: Kind = (source) => {
  const { random, memory } = source;
  const header = (odd: readonly string[]) => random.pick([...odd, values.text(random)]);
  const headers: Record<string, string> = { ...JSON_TYPE };
  if (random.chance(0.4)) headers['if-match'] = header([...values.TAGS, ...memory.tags.slice(-2)]);
  if (random.chance(0.4)) headers['idempotency-key'] = header(values.KEYS);
  if (random.chance(0.3)) headers.prefer = header(values.PREFERENCES);
  if (random.chance(0.2)) headers['content-type'] = header(values.CONTENT_TYPES);
  const body = values.object(source.update());
  return { method: 'PATCH', path: `/flights/${source.flightId()}`, headers, body };
};

/** The same again, or another request under the same key. */
const replay: Kind = (source) => {
  const { random, memory } = source;
  if (memory.keyed.length === 0) return goodUpdate(source);
  const earlier = random.pick(memory.keyed);
  if (random.chance(0.6)) return earlier;
  return { ...earlier, isBase64: false, body: values.object(source.update()) };
};

const read: Kind = (source) => {
  const { random, memory } = source;
  const tag = random.pick([...values.TAGS, ...memory.tags]);
  return {
    path: `/flights/${source.flightId(0.4)}`,
    headers: random.chance(0.5) ? { 'if-none-match': tag } : {},
  };
};

function get(path: string, queries: readonly string[] = []): Kind {
  return (source) => {
    const { random } = source;
    const query = random.chance(0.7) ? values.query(random, queries) : '';
    return { path: path.replace('{flightId}', source.flightId(0.4)), query };
  };
}

const receipt: Kind = ({ random, memory }) => {
  const odd = random.pick([values.receipt(random), values.receipt(random), values.text(random)]);
  const known = memory.receipts.length > 0 && random.chance(0.4) ? random.pick(memory.receipts) : odd;
  return { path: `/writes/${values.inPath(random, known)}` };
};

function post(path: string, field: string): Kind {
  return ({ random }) => {
    const pairs = random.chance(0.7) ? [[field, values.json(random)]] : [];
    const good = { body: values.object(pairs), isBase64: false };
    return {
      method: 'POST',
      path,
      headers: JSON_TYPE,
      ...(random.chance(0.5) ? good : values.spoiltBody(random, pairs)),
    };
  };
}

const noSuchRoute: Kind = (source) => ({
  method: source.random.pick(['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'BREW']),
  path: source.random.pick([
    '/flights',
    `/flights/${source.flightId()}`,
    '/queue/flush',
    `/flights/${source.flightId()}/x`,
    '/queue/dead-letters/',
    '//',
    '/..',
  ]),
  headers: JSON_TYPE,
  body: source.random.chance(0.5) ? values.json(source.random) : undefined,
});

const KINDS: readonly (readonly [weight: number, kind: Kind])[] = [
  [25, goodUpdate],
  [20, badBody],
  [14, badHeaders],
  [3, replay],
  [6, read],
  [4, get('/flights/{flightId}/log', ['limit', 'before'])],
  [3, get('/flights', ['flightno', 'limit'])],
  [3, get('/flights/{flightId}/consistency')],
  [7, receipt],
  [3, get('/queue/dead-letters', ['limit', 'after', 'flightId'])],
  [2, get('/queue')],
  [3, post('/queue/process', 'batchSize')],
  [1, post('/queue/flush', 'x')],
  [3, post('/queue/dead-letters/redrive', 'seqs')],
  [1, get('/health')],
  [1, get('/openapi.json')],
  [4, noSuchRoute],
];
