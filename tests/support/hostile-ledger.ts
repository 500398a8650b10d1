/**
 * What the answers to hostile requests promise, kept apart from the system: from it follows what every table must hold in
 * the end. And what an answer must never be or say.
 */
import { routes } from '@afterwrite/functions/routes';
import * as schemas from '@afterwrite/functions/schemas';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { z } from 'zod';
import type { HostileReply, HostileRequest } from './hostile.ts';

interface Accepted {
  readonly flightId: number;
  /** Strictly increasing within a flight. */
  readonly seq: number;
  readonly departure: string;
  readonly arrival: string;
  readonly user: string;
  readonly comment: string | null;
}

interface AcceptedAnswer {
  readonly receipt: string;
  readonly version: string;
  readonly seq: number;
}

type FlightRow = Record<string, unknown> & { readonly flight_id: number };

export interface Tables {
  readonly flights: ReadonlyMap<number, FlightRow>;
  /** Rows of flight_log as text. */
  readonly log: readonly string[];
  /** All others but the engine's own: name and checksum. */
  readonly others: Readonly<Record<string, string>>;
  readonly deadLetters: number;
}

/** What only the inside says. Hostile texts hold none of it. */
const LEAKS =
  /mysql|valkey|node_modules|file:\/\/|\.ts:\d|\.lua|\bat \S+ \(|afterwrite_|flight_id|information_schema|ECONN|ER_[A-Z]|WRONGTYPE|127\.0\.0\.1|localhost/i;
const HEADER_VALUE = /^[\t\u0020-\u007e]*$/;

const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  'GET /flights': schemas.findAnswer,
  'GET /flights/{flightId}': schemas.readAnswer,
  'PATCH /flights/{flightId}': schemas.updateAnswer,
  'GET /flights/{flightId}/consistency': schemas.consistencyAnswer,
  'GET /flights/{flightId}/log': schemas.logAnswer,
  'GET /writes/{receipt}': schemas.writeAnswer,
  'GET /queue': schemas.queueAnswer,
  'POST /queue/process': schemas.processAnswer,
  'POST /queue/flush': schemas.processAnswer,
  'GET /queue/dead-letters': schemas.lettersAnswer,
  'POST /queue/dead-letters/redrive': schemas.redriveAnswer,
  'GET /health': schemas.healthAnswer,
};

/** What is wrong with an answer; undefined when nothing is. */
export function faultOf(
  request: HostileRequest,
  { status, headers, body }: HostileReply,
): string | undefined {
  if (status < 200 || status >= 500) return `status ${status}`;
  if (!Object.values(headers).every((value) => HEADER_VALUE.test(value)))
    return 'a header that cannot be sent';
  if (status === 204 || status === 304) return body === '' ? undefined : `${status} with a body`;
  if (request.method === 'HEAD' && body === '') return undefined;
  const type = headers['content-type'] ?? '';
  const content = parsed(body);
  if (content === undefined) return 'the body is not JSON';
  if (status < 400) {
    const answer = ANSWERS[routeOf(request) ?? '']?.safeParse(content);
    if (answer?.success === false) return `not as documented: ${answer.error.message}`;
    return type === 'application/json' ? undefined : `content type ${type}`;
  }
  if (type !== 'application/problem+json') return `content type ${type}`;
  const problem = schemas.problemDocument.strict().safeParse(content);
  if (!problem.success) return `no problem document: ${problem.error.message}`;
  if (problem.data.status !== status) return `it says ${problem.data.status}`;
  if (!problem.data.type.startsWith('urn:afterwrite:problem:')) return `type ${problem.data.type}`;
  const leak = LEAKS.exec(body);
  return leak ? `it says '${leak[0]}'` : undefined;
}

export class Ledger {
  readonly #accepted = new Map<string, Accepted>();
  /** Flight and idempotency key to the one receipt that they may give. */
  readonly #keyed = new Map<string, string>();

  get size(): number {
    return this.#accepted.size;
  }

  /** Keeps an accepted update, once a receipt. Throws where a receipt, or a key, stands for more than one. */
  note(request: HostileRequest, reply: HostileReply): AcceptedAnswer | undefined {
    if (request.method !== 'PATCH' || (reply.status !== 202 && reply.status !== 200)) return undefined;
    const answer = parsed(reply.body) as AcceptedAnswer;
    const update = { ...readUpdate(request), seq: answer.seq };
    const known = this.#accepted.get(answer.receipt);
    if (known && JSON.stringify(known) !== JSON.stringify(update)) {
      throw new Error(
        `${answer.receipt} was given to ${JSON.stringify(known)} and ${JSON.stringify(update)}`,
      );
    }
    const key = request.headers['idempotency-key']?.trim() ?? '';
    const keyed = `${update.flightId} ${key}`;
    if (key !== '' && (this.#keyed.get(keyed) ?? answer.receipt) !== answer.receipt) {
      throw new Error(`flight and key ${keyed} were accepted twice: ${answer.receipt}`);
    }
    this.#keyed.set(keyed, answer.receipt);
    this.#accepted.set(answer.receipt, update);
    return answer;
  }

  /** What the tables must hold once all is stored. */
  expected(before: Tables): Tables {
    const flights = new Map(before.flights);
    const log: string[] = [...before.log];
    for (const update of [...this.#accepted.values()].sort((one, other) => one.seq - other.seq)) {
      const was = flights.get(update.flightId);
      if (!was) throw new Error(`an update of flight ${update.flightId}, which does not exist, was accepted`);
      const is = { ...was, departure: update.departure, arrival: update.arrival };
      flights.set(update.flightId, is);
      log.push(logRow(was, is, update));
    }
    return { ...before, flights, log: log.sort() };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What was sent, read again by other means than the system's own. */
function readUpdate({ path, body = '', isBase64 }: HostileRequest): Omit<Accepted, 'seq'> {
  const text = Buffer.from(body, isBase64 ? 'base64' : 'utf8')
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const { departure, arrival, user, comment } = JSON.parse(text) as Record<string, string | null | undefined>;
  return {
    flightId: Number(decodeURIComponent(path.split('/')[2] ?? '')),
    departure: datetime(departure ?? ''),
    arrival: datetime(arrival ?? ''),
    user: user ?? 'anonymous',
    comment: comment ?? null,
  };
}

function datetime(text: string): string {
  const iso = text.trim().toUpperCase().replace(' ', 'T');
  const at = new Date(/(Z|[+-]\d{2}:?\d{2})$/.test(iso.slice(10)) ? iso : `${iso}Z`);
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

function logRow(was: FlightRow, is: FlightRow, { seq, user, comment }: Accepted): string {
  const at = new Date(Math.floor(seq / 1000)).toISOString().slice(0, 19).replace('T', ' ');
  const pairs = ['flightno', 'from', 'to', 'departure', 'arrival', 'airplane_id', 'airline_id'];
  return JSON.stringify([at, user, is.flight_id, comment, ...pairs.flatMap((name) => [was[name], is[name]])]);
}

const LOG_COLUMNS = ['flightno', 'from', 'to', 'departure', 'arrival', 'airplane_id', 'airline_id']
  .map((name) => `${name}_old, ${name}_new`)
  .join(', ');

/** `db` gives times as text. */
export async function readTables(db: Connection): Promise<Tables> {
  const rows = async (sql: string) => (await db.query<RowDataPacket[]>(sql))[0];
  const flights = (await rows('SELECT * FROM flight')) as unknown as FlightRow[];
  const log = (await rows(`SELECT log_date, user, flight_id, comment, ${LOG_COLUMNS} FROM flight_log`)).map(
    (row) => JSON.stringify(Object.values(row)),
  );
  const names = (await rows('SHOW TABLES'))
    .map((row) => String(Object.values(row)[0]))
    .filter((name) => !/^(afterwrite_.*|flight|flight_log)$/.test(name));
  const checksums = await Promise.all(
    names.map(async (name) => [name, String((await rows(`CHECKSUM TABLE \`${name}\``))[0]?.Checksum)]),
  );
  const [letters] = await rows('SELECT COUNT(*) AS count FROM afterwrite_dead_letters');
  return {
    flights: new Map(flights.map((row) => [row.flight_id, row])),
    log: log.sort(),
    others: Object.fromEntries(checksums) as Record<string, string>,
    deadLetters: Number(letters?.count),
  };
}

/** Names of keys that are not ours. `tag`: as in `{namespace.flight.0}`, without braces and number. */
export function foreignKeys(keys: readonly string[], tag: string): string[] {
  const own = new RegExp(
    `^\\{${tag}\\d+\\}:([1-9]\\d{0,9}|fill:[1-9]\\d{0,9}|queue|seq|pending|once|once:order|lease|stopped|pace|breaker|nudge|store)$`,
  );
  return keys.filter((key) => !own.test(key));
}

function routeOf({ method, path }: HostileRequest): string | undefined {
  const route = routes.find(
    (each) => each.method === method && new RegExp(`^${each.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  return route && `${route.method} ${route.path}`;
}

/** `202 PATCH /flights/{flightId}`: for the figures of a run. */
export function classOf(request: HostileRequest, { status }: HostileReply): string {
  return `${status} ${routeOf(request) ?? 'no route'}`;
}
