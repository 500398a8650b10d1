/**
 * Statements on one connection, which are sent without waiting for the replies of those before: what a transaction needs no
 * answer to costs no round trip. Whoever waits for an answer waits for all before it and gets the first error of them; the
 * server refuses by itself what comes after an error in a transaction.
 */
import {
  type Client,
  type ClientConfig,
  type Connection,
  escapeIdentifier,
  Query,
  type QueryResult,
} from 'pg';
import { StoreError, StoreUnavailableError } from '../../errors.ts';
import type { DatabaseSettings } from '../engine.ts';
import type { SqlValue } from '../sql-mapping.ts';
import { storeError } from './postgres-errors.ts';
import { columnTypes, copyChunks, type Parameter, parameter } from './postgres-values.ts';

type Reply = Pick<QueryResult<object>, 'rows' | 'rowCount' | 'command'>;
type Done = (error: Error | null | undefined, result: Reply) => void;

/** Values of one statement: the protocol counts them in 16 bits. */
const MAX_VALUES = 65_535;
/** Rows of one INSERT of ours. */
const MAX_ROWS = 2000;

/** Everything that the driver would otherwise take from the environment is named here. */
export function clientConfig(settings: DatabaseSettings): ClientConfig {
  const { host, port, database, user, password, connectTimeoutMs, tls, tlsCa } = settings;
  return {
    host,
    port,
    database,
    user,
    // As a function, because an empty one would be looked for elsewhere.
    password: () => password,
    // Verified, with the name of the host, 1.2 at the least.
    ssl: tls && {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(tlsCa === undefined ? {} : { ca: tlsCa }),
    },
    application_name: 'afterwrite',
    connectionTimeoutMillis: connectTimeoutMs,
    pipeline: true,
    types: columnTypes,
  };
}

/** At once, whatever is under way: the server rolls back what was open. */
export function destroyClient(client: Client): void {
  client.connection.stream.destroy();
}

/** `shown`: without all but the first of its rows. */
function insertText(table: string, columns: readonly string[], rows: number) {
  let count = 0;
  const row = () => `(${columns.map(() => `$${String(++count)}`).join(', ')})`;
  const [first = '', ...others] = Array.from({ length: rows }, row);
  const names = columns.map(escapeIdentifier).join(', ');
  const shown = `INSERT INTO ${escapeIdentifier(table)} (${names}) VALUES ${first}`;
  return { text: [shown, ...others].join(', '), shown: others.length === 0 ? shown : `${shown}, …` };
}

/** What the driver's types leave out. */
interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/**
 * COPY with its rows behind it: should the server refuse to begin, it reads on and ignores them, as the protocol says. So
 * statements may be sent after it before the server has answered.
 */
class CopyQuery extends Query {
  readonly #text: string;
  readonly #chunks: readonly Buffer[];

  constructor(text: string, chunks: readonly Buffer[], done: Done) {
    super(text, done);
    this.#text = text;
    this.#chunks = chunks;
    this.submit = (connection) => {
      this.#send(connection as CopyConnection);
    };
  }

  #send(connection: CopyConnection): void {
    connection.stream.cork();
    connection.query(this.#text);
    for (const chunk of this.#chunks) connection.sendCopyFromChunk(chunk);
    connection.endCopyFrom();
    connection.stream.uncork();
  }

  handleCopyInResponse(): void {
    // Its rows are on the way.
  }
}

export class PostgresClient {
  readonly #client: Client;
  readonly #timeoutMs: number | undefined;
  /** Texts of what was sent, without values. */
  readonly statements: string[] = [];
  #unanswered: Promise<Reply>[] = [];
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #isLate = false;

  /** `timeoutMs`: longest wait for a reply; without, none. */
  constructor(client: Client, timeoutMs?: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /** Rows of a SELECT. Errors come named (`storeError`), so that the flush can tell a refused value by its class. */
  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.#answered(this.#send(text, values))).rows as T[];
  }

  /** The same, each row as an array in the statement's order of columns. */
  async arrays<T extends readonly unknown[]>(text: string): Promise<T[]> {
    const reply = this.#submit(text, (done) => {
      this.#client.query({ text, rowMode: 'array' }, done);
    });
    return (await this.#answered(reply)).rows as unknown as T[];
  }

  /** Rows of a SELECT, for whoever waits for them later; all that was sent before it is answered then, too. */
  ask(text: string, values: readonly unknown[]): Promise<Reply> {
    return this.#send(text, values);
  }

  /** Any other statement; the count of rows that it wrote. */
  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    return (await this.#answered(this.#send(text, values))).rowCount ?? 0;
  }

  /** One whose answer nobody needs; its error comes with the next answer. */
  send(text: string, values: readonly unknown[] = []): void {
    void this.#send(text, values);
  }

  /** Adds rows by COPY, in the same way. */
  sendCopy(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): void {
    const names = columns.map(escapeIdentifier).join(', ');
    const text = `COPY ${escapeIdentifier(table)} (${names}) FROM STDIN`;
    const chunks = copyChunks(rows);
    void this.#submit(text, (done) => this.#client.query(new CopyQuery(text, chunks, done)));
  }

  /** Adds rows by INSERT, in the same way. */
  sendInserts(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): void {
    const size = Math.min(MAX_ROWS, Math.floor(MAX_VALUES / columns.length));
    for (let start = 0; start < rows.length; start += size) {
      const some = rows.slice(start, start + size);
      const { text, shown } = insertText(table, columns, some.length);
      void this.#send(text, some.flat(), shown);
    }
  }

  /** Waits for all that was sent. Throws the first error of it. */
  async settled(): Promise<void> {
    await this.#answered(Promise.resolve(undefined));
  }

  /** Throws where the server has rolled back instead, which it calls no error. */
  async commit(): Promise<void> {
    const { command } = await this.#answered(this.#send('COMMIT', []));
    if (command !== 'COMMIT')
      throw new StoreError(`PostgreSQL: the transaction was not committed (${command})`);
  }

  async #answered<T>(reply: Promise<T>): Promise<T> {
    for (const before of this.#unanswered.splice(0)) await before;
    return await reply;
  }

  #send(text: string, values: readonly unknown[], shown = text): Promise<Reply> {
    // Before anything is sent: the driver would send half of a statement that holds what it cannot write.
    const parameters: Parameter[] = values.map(parameter);
    return this.#submit(shown, (done) => {
      this.#client.query({ text, values: parameters }, done);
    });
  }

  #submit(shown: string, give: (done: Done) => unknown): Promise<Reply> {
    this.statements.push(shown);
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting++;
      this.#watch();
      give((error, result) => {
        this.#waiting--;
        this.#watch();
        if (!error) resolve(result);
        else reject(this.#isLate ? this.#lateError(error) : storeError(error));
      });
    });
    // Whoever waits next gets it.
    reply.catch(() => undefined);
    this.#unanswered.push(reply);
    return reply;
  }

  /** Each reply gives the next one the whole time. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#waiting === 0 || this.#timeoutMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      destroyClient(this.#client);
    }, this.#timeoutMs);
  }

  #lateError(cause: Error): StoreUnavailableError {
    return new StoreUnavailableError(`PostgreSQL: no reply within ${String(this.#timeoutMs)} ms`, cause);
  }
}
