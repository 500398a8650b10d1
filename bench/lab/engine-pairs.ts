/** Every database beside every cache, each with durable settings, which are looked up and not believed. */
import { createFlughafenSchema, FlightCache, seedFlights } from '@afterwrite/flights';
import {
  type EngineName,
  makeTemporaryDataDir,
  parseMode,
  type RunningEngine,
  startEngines,
} from '@afterwrite/local-engines';
import { connectDatabase, parseSettings, type SqlConnection, stderrLogger } from '@afterwrite/write-behind';
import { RelaxedSettingError, valkeySettings } from './servers.ts';

export const DATABASES = ['mysql', 'mariadb', 'postgresql'] as const;
export const CACHES = ['valkey', 'redis', 'memcached'] as const;

export interface EnginePair {
  readonly database: (typeof DATABASES)[number];
  readonly cache: (typeof CACHES)[number];
}

/** A pair that is open. */
export interface OpenPair extends EnginePair {
  readonly name: string;
  readonly cacheOf: FlightCache;
  readonly sql: SqlConnection;
}

export interface EngineServers {
  /** What each server says of itself, for the report. */
  readonly settings: Readonly<Record<string, string>>;
  open(pair: EnginePair): Promise<OpenPair>;
  stop(): Promise<void>;
}

const DATABASE = 'afterwrite_bench';

/** What a commit on the disk needs, by the names of the engine's own settings. */
const INNODB = {
  innodb_flush_log_at_trx_commit: '1',
  sync_binlog: '1',
  log_bin: '1',
  innodb_doublewrite: 'ON|1',
};
const DURABLE: Readonly<Record<EnginePair['database'], Readonly<Record<string, string>>>> = {
  mysql: INNODB,
  mariadb: INNODB,
  postgresql: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' },
};

const SETTING_TEXT: Readonly<Record<EnginePair['database'], (name: string) => string>> = {
  mysql: (name) => `@@${name}`,
  mariadb: (name) => `@@${name}`,
  postgresql: (name) => `current_setting('${name}')`,
};

interface StartOptions {
  readonly flights: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export async function startEngineServers({ flights, say, signal }: StartOptions): Promise<EngineServers> {
  const folder = makeTemporaryDataDir();
  const names: readonly EngineName[] = [...DATABASES, ...CACHES];
  say(`starting ${names.join(', ')}`);
  const mode = parseMode(process.env.LOCAL_ENGINES);
  const engines = await startEngines(names, { mode, dataDir: folder.path, signal, onProgress: say });
  const opened: OpenPair[] = [];
  const stop = async () => {
    await Promise.allSettled(opened.flatMap(({ cacheOf, sql }) => [cacheOf.close(), sql.close()]));
    await engines.stopAll();
    await folder.remove();
  };
  try {
    const settings: Record<string, string> = {};
    for (const database of DATABASES) {
      const sql = await connectDatabase(settingsOf({ database, cache: 'valkey' }, engines), {
        useDatabase: false,
      });
      Object.assign(settings, await databaseSettings(database, sql));
      say(`${database}: ${String(flights)} flights`);
      await createFlughafenSchema(sql, { database: DATABASE });
      await seedFlights(sql, { flights });
      await sql.close();
    }
    for (const cache of ['valkey', 'redis'] as const) {
      Object.assign(settings, await valkeySettings(cache, engines.get(cache), 'everysec'));
    }
    return {
      settings,
      async open(pair) {
        const chosen = settingsOf(pair, engines);
        const cacheOf = await FlightCache.open(chosen, { logger: stderrLogger() });
        const open = {
          ...pair,
          name: `${pair.database} and ${pair.cache}`,
          cacheOf,
          sql: await connectDatabase(chosen),
        };
        opened.push(open);
        return open;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function settingsOf({ database, cache }: EnginePair, engines: { get(name: EngineName): RunningEngine }) {
  const [db, front, queue] = [engines.get(database), engines.get(cache), engines.get('valkey')];
  return parseSettings({
    DB_ENGINE: database,
    DB_HOST: db.host,
    DB_PORT: String(db.port),
    DB_USER: db.user ?? '',
    DB_PASSWORD: db.password ?? '',
    DB_NAME: DATABASE,
    CACHE_ENGINE: cache,
    CACHE_HOST: front.host,
    CACHE_PORT: String(front.port),
    CACHE_NAMESPACE: `${database}-${cache}`,
    ...(cache === 'memcached' && { QUEUE_HOST: queue.host, QUEUE_PORT: String(queue.port) }),
  });
}

async function databaseSettings(
  database: EnginePair['database'],
  sql: SqlConnection,
): Promise<Record<string, string>> {
  const wanted = Object.entries(DURABLE[database]);
  const text = SETTING_TEXT[database];
  const [row = {}] = await sql.rows<Record<string, unknown>>(
    `SELECT version() AS version, ${wanted.map(([name]) => `${text(name)} AS ${name}`).join(', ')}`,
  );
  for (const [name, must] of wanted) {
    if (!must.split('|').includes(String(row[name]))) {
      throw new RelaxedSettingError(database, name, String(row[name]), must);
    }
  }
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [`${database} ${name}`, String(value)]),
  );
}
