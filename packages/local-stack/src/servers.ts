/**
 * Which Valkey and which MySQL a command works on. A server named by CACHE_HOST or DB_HOST is used and nothing else: if
 * it fails, that is the error, because data written to some other server would look lost. For one that is not named a
 * local engine is started, or joined when another command runs it already.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type EngineName,
  parseMode,
  type Rung,
  type RunningEngine,
  startEngines,
} from '@afterwrite/local-engines';
import { parseSettings, type Settings } from '@afterwrite/write-behind';

type Environment = Readonly<Record<string, string | undefined>>;

export interface StartServersOptions {
  /** What `readEnvironment` gives. */
  readonly environment: Environment;
  /** Where local engines keep their data; default `.local/engines` in the project's root. */
  readonly dataDir?: string;
  readonly signal?: AbortSignal;
  /** One line each for what takes time. */
  readonly onProgress?: (line: string) => void;
  /** One line each for what a person should know at once. */
  readonly onNotice?: (line: string) => void;
}

export interface ServerPlace {
  /** In words: where it is, and where it comes from. */
  readonly description: string;
  /** host:port */
  readonly address: string;
  /** Ours: its schema and data are made by us. */
  readonly isLocal: boolean;
  /** The command that looks into it; only of ours, which asks for no password. */
  readonly client: string | undefined;
}

export interface Servers {
  readonly settings: Settings;
  readonly valkey: ServerPlace;
  readonly mysql: ServerPlace;
  /** Leaves the local engines; the last command that uses them ends them. Safe to repeat. */
  stop(): Promise<void>;
}

interface ServerKind {
  readonly engine: EngineName;
  readonly title: string;
  /** The variable that names a server of the user's own. */
  readonly host: string;
  readonly port: string;
  /** What must hold for the local engine, whatever the environment says. */
  readonly local: Environment;
  readonly client: (settings: Settings) => string;
}

const KINDS = {
  valkey: {
    engine: 'valkey',
    title: 'Valkey',
    host: 'CACHE_HOST',
    port: 'CACHE_PORT',
    local: {
      CACHE_HOST: '127.0.0.1',
      CACHE_PORT: '6379',
      CACHE_USERNAME: '',
      CACHE_PASSWORD: '',
      CACHE_TLS: 'false',
      CACHE_TLS_CA: '',
      CACHE_CLUSTER: 'false',
    },
    client: ({ CACHE_HOST, CACHE_PORT }: Settings) => `valkey-cli -h ${CACHE_HOST} -p ${String(CACHE_PORT)}`,
  },
  mysql: {
    engine: 'mysql',
    title: 'MySQL',
    host: 'DB_HOST',
    port: 'DB_PORT',
    local: {
      DB_HOST: '127.0.0.1',
      DB_PORT: '3306',
      DB_USER: 'root',
      DB_PASSWORD: '',
      DB_TLS: 'false',
      DB_TLS_CA: '',
    },
    client: ({ DB_HOST, DB_PORT, DB_USER, DB_NAME }: Settings) =>
      `mysql -h ${DB_HOST} -P ${String(DB_PORT)} -u ${DB_USER} ${DB_NAME}`,
  },
} as const satisfies Partial<Record<EngineName, ServerKind>>;

const RUNG_WORDS: Readonly<Record<Rung, string>> = {
  containers: 'in a container',
  path: 'installed here',
  debian: "from Debian's packages",
};

const ENGINES_FOLDER = '.local/engines';

/** Throws ConfigurationError before anything is started, and LocalEnginesError; nothing runs on then. */
export async function startServers(options: StartServersOptions): Promise<Servers> {
  const { environment, signal, onProgress, onNotice } = options;
  const wanted = Object.values(KINDS).filter((kind) => !isNamed(kind, environment));
  const local = merged(wanted.map((kind) => kind.local));
  // A mistake in the configuration shows now, not after 80 MB were fetched.
  const checked = parseSettings({ ...environment, ...local });
  for (const kind of wanted) noteIgnored(kind, environment, onNotice);

  if (wanted.length > 0) onProgress?.(`starting ${wanted.map(({ title }) => title).join(' and ')} here`);
  const started = await startEngines(
    wanted.map(({ engine }) => engine),
    {
      mode: parseMode(checked.LOCAL_ENGINES),
      dataDir: options.dataDir ?? join(fileURLToPath(new URL('../../..', import.meta.url)), ENGINES_FOLDER),
      shared: true,
      env: environment,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  );
  const places = merged(wanted.map((kind) => placeOf(kind, started.get(kind.engine))));
  const settings = parseSettings({ ...environment, ...local, ...places });
  const describe = (kind: ServerKind, host: string, port: number): ServerPlace => {
    const engine = started.engines.get(kind.engine);
    const address = `${host}:${String(port)}`;
    return engine
      ? {
          address,
          isLocal: true,
          description: `${kind.title} ${engine.version} at ${address} (started here, ${RUNG_WORDS[engine.source]})`,
          client: engine.password ? undefined : kind.client(settings),
        }
      : {
          address,
          isLocal: false,
          description: `${kind.title} at ${address} (${kind.host})`,
          client: undefined,
        };
  };
  return {
    settings,
    valkey: describe(KINDS.valkey, settings.CACHE_HOST, settings.CACHE_PORT),
    mysql: describe(KINDS.mysql, settings.DB_HOST, settings.DB_PORT),
    stop: () => started.stopAll(),
  };
}

function merged(environments: readonly Environment[]): Environment {
  return Object.fromEntries(environments.flatMap((environment) => Object.entries(environment)));
}

function isNamed(kind: ServerKind, environment: Environment): boolean {
  return (environment[kind.host] ?? '') !== '';
}

function placeOf(kind: ServerKind, engine: RunningEngine): Environment {
  return {
    [kind.host]: engine.host,
    [kind.port]: String(engine.port),
    ...(kind.engine === 'mysql'
      ? { DB_USER: engine.user ?? 'root', DB_PASSWORD: engine.password ?? '' }
      : {}),
  };
}

/** Who sets a port or a password and forgets the host would look for their data on the wrong server. */
function noteIgnored(kind: ServerKind, environment: Environment, onNotice?: (line: string) => void): void {
  const ignored = Object.keys(kind.local).filter((name) => (environment[name] ?? '') !== '');
  if (ignored.length === 0) return;
  onNotice?.(
    `${kind.host} is not set, so a local ${kind.title} is used and ${ignored.join(', ')} ` +
      `${ignored.length === 1 ? 'has' : 'have'} no effect.`,
  );
}
