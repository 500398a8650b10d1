/**
 * The benchmark's own servers, in a folder of their own that goes with them. All are durable, and it is looked up, not
 * believed: a figure that was made on relaxed settings is never reported.
 */
import { createFlughafenSchema, seedFlights } from '@afterwrite/flights';
import { type EngineName, makeTemporaryDataDir, parseMode } from '@afterwrite/local-engines';
import { type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { Redis } from 'iovalkey';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { asSql } from '../../tests/support/as-sql.ts';

export const FLIGHTS = 100_000;
const DATABASE = 'afterwrite_bench';

export interface Servers {
  /** `appendfsync everysec`: ours, the floors' and the peers'. */
  readonly valkey: RunningEngine;
  /** `appendfsync always`. */
  readonly valkeyAlways: RunningEngine;
  readonly mysql: RunningEngine;
  /** DB_… and CACHE_… of the first and the last of them. */
  readonly environment: Readonly<Record<string, string>>;
  /** What each server says of itself, for the report. */
  readonly settings: Readonly<Record<string, string>>;
  connect(): Promise<Connection>;
  stop(): Promise<void>;
}

interface StartOptions {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Further arguments of each server; they override ours. */
  readonly args?: Readonly<Partial<Record<EngineName, readonly string[]>>>;
}

export async function startBenchServers({ say, signal, args: further = {} }: StartOptions): Promise<Servers> {
  const folder = makeTemporaryDataDir();
  const started: RunningEngine[] = [];
  const stop = async () => {
    await Promise.allSettled(started.map((engine) => engine.stop()));
    await folder.remove();
  };
  const start = async (name: EngineName, instance: string, args: readonly string[] = []) => {
    const engine = await startEngine(name, {
      mode: parseMode(process.env.LOCAL_ENGINES),
      dataDir: folder.path,
      instance,
      args: [...args, ...(further[name] ?? [])],
      signal,
      onProgress: say,
    });
    started.push(engine);
    return engine;
  };
  try {
    say('starting Valkey (everysec), Valkey (always) and MySQL');
    const [valkey, valkeyAlways, mysql] = await Promise.all([
      start('valkey', 'valkey'),
      start('valkey', 'valkey-always', ['--appendfsync', 'always']),
      start('mysql', 'mysql'),
    ]);
    const connect = async (database?: string) =>
      await createConnection({
        host: mysql.host,
        port: mysql.port,
        user: mysql.user ?? '',
        password: mysql.password ?? '',
        timezone: 'Z',
        dateStrings: true,
        ...(database === undefined ? {} : { database }),
      });
    const connection = await connect();
    // Before the flights are made: who has to mend a server hears of it at once.
    const settings = {
      ...(await mysqlSettings(connection)),
      ...(await valkeySettings('valkey', valkey, 'everysec')),
      ...(await valkeySettings('valkey always', valkeyAlways, 'always')),
    };
    await createFlughafenSchema(asSql(connection), { database: DATABASE });
    await seedFlights(asSql(connection), {
      flights: FLIGHTS,
      onProgress: ({ done, total }) => say(`${String(done)} of ${String(total)} flights`),
    });
    await connection.end();
    return {
      valkey,
      valkeyAlways,
      mysql,
      settings,
      environment: {
        CACHE_HOST: valkey.host,
        CACHE_PORT: String(valkey.port),
        DB_HOST: mysql.host,
        DB_PORT: String(mysql.port),
        DB_NAME: DATABASE,
        DB_USER: mysql.user ?? '',
        DB_PASSWORD: mysql.password ?? '',
      },
      connect: () => connect(DATABASE),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** MySQL's names and what they must be: a commit is on the disk, in both logs, before it is answered. */
const MYSQL_DURABLE = {
  innodb_flush_log_at_trx_commit: 1,
  sync_binlog: 1,
  log_bin: 1,
  innodb_doublewrite: 'ON',
} as const;

export class RelaxedSettingError extends Error {
  override readonly name = 'RelaxedSettingError';
  constructor(server: string, setting: string, is: string, must: string) {
    super(
      `${server} runs with ${setting} = ${is}, and only ${must} is durable: no figure of this run would mean anything. ` +
        'Let the benchmark start its own servers, or mend the server.',
    );
  }
}

async function mysqlSettings(connection: Connection): Promise<Record<string, string>> {
  const names = Object.keys(MYSQL_DURABLE);
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT VERSION() AS version, ${names.map((name) => `@@${name} AS ${name}`).join(', ')}`,
  );
  const found = Object.entries(MYSQL_DURABLE).map(([name, must]) => {
    const is: unknown = row?.[name];
    if (String(is) !== String(must)) throw new RelaxedSettingError('MySQL', name, String(is), String(must));
    return [`mysql ${name}`, String(is)];
  });
  return { 'mysql version': String(row?.version), ...(Object.fromEntries(found) as Record<string, string>) };
}

export async function valkeySettings(
  title: string,
  { host, port }: Pick<RunningEngine, 'host' | 'port'>,
  appendfsync: 'everysec' | 'always',
): Promise<Record<string, string>> {
  const client = new Redis({ host, port, lazyConnect: true, maxRetriesPerRequest: 0 });
  try {
    await client.connect();
    const info = await client.info('server');
    const must = { appendonly: 'yes', appendfsync };
    const found: Record<string, string> = {
      [`${title} version`]:
        (/valkey_version:(\S+)/.exec(info) ?? /redis_version:(\S+)/.exec(info))?.[1] ?? '',
    };
    for (const [name, value] of Object.entries(must)) {
      const [, is = ''] = (await client.config('GET', name)) as string[];
      if (is !== value) throw new RelaxedSettingError(title, name, is, value);
      found[`${title} ${name}`] = is;
    }
    return found;
  } finally {
    client.disconnect();
  }
}
