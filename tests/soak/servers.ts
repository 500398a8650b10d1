/** The servers of a round, each on its own port and folder, to be killed and started again on what is left. */
import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createFlughafenSchema, seedFlights } from '@afterwrite/flights';
import {
  type EngineName,
  makeTemporaryDataDir,
  parseMode,
  type RunningEngine,
  startEngine,
} from '@afterwrite/local-engines';
import { createConnection } from 'mysql2/promise';
import type { Random } from '../support/random.ts';
import { asSql } from '../support/as-sql.ts';

const HALF_A_RECORD = '*3\r\n$3\r\nSET\r\n$9\r\nsoak-torn\r\n$4\r\nhal';

export class Server {
  readonly #name: EngineName;
  readonly #dataDir = makeTemporaryDataDir();
  readonly #args: readonly string[];
  #engine: RunningEngine | undefined;

  constructor(name: EngineName, args: readonly string[] = []) {
    this.#name = name;
    this.#args = args;
  }

  get engine(): RunningEngine {
    if (!this.#engine) throw new Error(`${this.#name} was not started`);
    return this.#engine;
  }

  async start(): Promise<RunningEngine> {
    const port = this.#engine?.port;
    const options = {
      mode: parseMode(process.env.LOCAL_ENGINES),
      dataDir: this.#dataDir.path,
      args: this.#args,
      ...(port === undefined ? {} : { port }),
    };
    this.#engine = await startEngine(this.#name, options);
    return this.#engine;
  }

  /** SIGKILL; when that was, in milliseconds since 1970. */
  async kill(): Promise<number> {
    const { pid } = this.engine;
    // By its number, because the orderly way first waits for the folder's lock.
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    const killedAtMs = Date.now();
    await this.engine.kill();
    return killedAtMs;
  }

  /** The power went while a record was being written, that is, before anybody was told of it: its first half is there. */
  async tearLastWrite(random: Random): Promise<void> {
    await appendFile(
      await aofOf(this.engine.dataDir),
      HALF_A_RECORD.slice(0, 1 + random.below(HALF_A_RECORD.length)),
    );
  }

  async remove(): Promise<void> {
    await this.#engine?.kill();
    await this.#dataDir.remove();
  }
}

export interface Database {
  readonly environment: Readonly<Record<string, string>>;
  drop(): Promise<void>;
}

/** A database of its own with the public schema and some flights. */
export async function makeDatabase(engine: RunningEngine, name: string, flights: number): Promise<Database> {
  const { host, port, user = '', password = '' } = engine;
  const connect = () => createConnection({ host, port, user, password, timezone: 'Z', dateStrings: true });
  const connection = await connect();
  await createFlughafenSchema(asSql(connection), { database: name });
  await seedFlights(asSql(connection), { flights });
  await connection.end();
  return {
    environment: {
      DB_HOST: host,
      DB_PORT: String(port),
      DB_NAME: name,
      DB_USER: user,
      DB_PASSWORD: password,
    },
    async drop() {
      const last = await connect();
      await last.query('DROP DATABASE IF EXISTS ??', [name]);
      await last.end();
    },
  };
}

/** The file that a Valkey engine appends to. There is one as long as nothing rewrites it. */
export async function aofOf(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'data', 'appendonlydir');
  const [name, ...others] = (await readdir(folder)).filter((each) => each.endsWith('.incr.aof'));
  if (name === undefined || others.length > 0)
    throw new Error(`${folder}: one file was expected to be appended to`);
  return join(folder, name);
}
