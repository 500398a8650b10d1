/**
 * Which servers a command works on: those of CACHE_ENGINE and DB_ENGINE. A server named by CACHE_HOST, QUEUE_HOST or
 * DB_HOST is used and nothing else: if it fails, that is the error, because data written to some other server would look
 * lost. For one that is not named a local engine is started, or joined when another command runs it already.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ChosenEngines,
  type EngineName,
  enginesOf,
  parseMode,
  type Rung,
  type RunningEngine,
  startEngines,
  titleOf,
} from '@afterwrite/local-engines';
import { parseSettings, type Settings } from '@afterwrite/write-behind';

type Environment = Readonly<Record<string, string | undefined>>;

export interface StartServersOptions {
  /** What `readEnvironment` gives. */
  readonly environment: Environment;
  /** Where local engines keep their data, each pair in a folder of its own; default `.local/engines` in the project. */
  readonly dataDir?: string;
  readonly signal?: AbortSignal;
  /** One line each for what takes time. */
  readonly onProgress?: (line: string) => void;
  /** One line each for what a person should know at once. */
  readonly onNotice?: (line: string) => void;
}

export interface ServerPlace {
  /** The engine's name, as people write it. */
  readonly title: string;
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
  readonly cache: ServerPlace;
  /** The cache itself, unless that is memcached, which can keep no queue. */
  readonly queue: ServerPlace;
  readonly database: ServerPlace;
  /** Each server once. */
  readonly all: readonly ServerPlace[];
  /** Leaves the local engines; the last command that uses them ends them. Safe to repeat. */
  stop(): Promise<void>;
}

/** What a server is for: its variables begin with PREFIX_. */
interface Role {
  readonly prefix: 'CACHE' | 'QUEUE' | 'DB';
  readonly engine: EngineName;
  /** What must hold for the local engine, whatever the environment says; its place comes with the start. */
  readonly local: Environment;
}

type Client = (place: { host: string; port: number; user: string; database: string }) => string;

const CLIENTS: Readonly<Record<EngineName, Client>> = {
  valkey: ({ host, port }) => `valkey-cli -h ${host} -p ${String(port)}`,
  redis: ({ host, port }) => `redis-cli -h ${host} -p ${String(port)}`,
  'redis-7': ({ host, port }) => `redis-cli -h ${host} -p ${String(port)}`,
  memcached: ({ host, port }) => `nc ${host} ${String(port)}`,
  mysql: ({ host, port, user, database }) => `mysql -h ${host} -P ${String(port)} -u ${user} ${database}`,
  mariadb: ({ host, port, user, database }) => `mariadb -h ${host} -P ${String(port)} -u ${user} ${database}`,
  postgresql: ({ host, port, user, database }) => `psql -h ${host} -p ${String(port)} -U ${user} ${database}`,
};

const RUNG_WORDS: Readonly<Record<Rung, string>> = {
  containers: 'in a container',
  path: 'installed here',
  debian: "from Debian's packages",
};

const ENGINES_FOLDER = fileURLToPath(new URL('../../../.local/engines', import.meta.url));

/** Throws ConfigurationError before anything is started, and LocalEnginesError; nothing runs on then. */
export async function startServers(options: StartServersOptions): Promise<Servers> {
  const { environment, signal, onProgress, onNotice } = options;
  const { folder, ...engines } = enginesOf(environment);
  const roles = rolesOf(engines);
  const wanted = roles.filter((role) => isToStart(role, environment));
  const local = merged(wanted.map((role) => role.local));
  // A mistake in the configuration shows now, not after 80 MB were fetched.
  const checked = parseSettings({ ...environment, ...local });
  for (const role of wanted) noteIgnored(role, environment, onNotice);

  const titles = wanted.map(({ engine }) => titleOf(engine));
  if (wanted.length > 0) onProgress?.(`starting ${titles.join(' and ')} here`);
  const started = await startEngines(
    wanted.map(({ engine }) => engine),
    {
      mode: parseMode(checked.LOCAL_ENGINES),
      dataDir: join(options.dataDir ?? ENGINES_FOLDER, folder),
      shared: true,
      env: environment,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  );
  const places = merged(wanted.map((role) => placeOf(role, started.get(role.engine))));
  const settings = parseSettings({ ...environment, ...local, ...places });
  const all = roles.map((role) => describe(role, settings, started.engines.get(role.engine)));
  const [cache, database] = [all[0], all.at(-1)];
  if (!cache || !database) throw new Error('A cache and a database are always wanted.');
  // Where there are three of them, that between the two keeps the queue.
  const queue = all.at(-2) ?? cache;
  return { settings, cache, queue, database, all, stop: () => started.stopAll() };
}

/** The cache, then the queue's server where it is another one, then the database. */
function rolesOf({ cache, queue, database }: Omit<ChosenEngines, 'folder'>): readonly Role[] {
  return [
    roleOf('CACHE', cache, ['USERNAME', 'PASSWORD', 'TLS', 'TLS_CA', 'CLUSTER']),
    ...(queue === undefined
      ? []
      : [roleOf('QUEUE', queue, ['USERNAME', 'PASSWORD', 'TLS', 'TLS_CA', 'CLUSTER'])]),
    roleOf('DB', database, ['USER', 'PASSWORD', 'TLS', 'TLS_CA']),
  ];
}

function roleOf(prefix: Role['prefix'], engine: EngineName, others: readonly string[]): Role {
  const unset = ['PORT', ...others].map((name) => ({ [`${prefix}_${name}`]: '' }));
  return { prefix, engine, local: merged([...unset, { [`${prefix}_HOST`]: '127.0.0.1' }]) };
}

function describe(role: Role, settings: Settings, engine: RunningEngine | undefined): ServerPlace {
  const { host = '', port } = placeIn(role, settings);
  const title = engine ? titleOf(role.engine) : namedTitleOf(role);
  const address = `${host}:${String(port)}`;
  if (!engine) {
    const description = `${title} at ${address} (${role.prefix}_HOST)`;
    return { title, address, isLocal: false, description, client: undefined };
  }
  const { DB_USER, DB_NAME } = settings;
  return {
    title,
    address,
    isLocal: true,
    description: `${title} ${engine.version} at ${address} (started here, ${RUNG_WORDS[engine.source]})`,
    client: engine.password
      ? undefined
      : CLIENTS[role.engine]({ host, port, user: DB_USER, database: DB_NAME }),
  };
}

/** Of a server that the user named: the queue's may be either. */
function namedTitleOf({ prefix, engine }: Role): string {
  return { CACHE: titleOf(engine), QUEUE: 'Valkey or Redis', DB: titleOf(engine) }[prefix];
}

function placeIn({ prefix }: Role, settings: Settings): { host: string | undefined; port: number } {
  return { host: settings[`${prefix}_HOST`], port: settings[`${prefix}_PORT`] };
}

function merged(environments: readonly Environment[]): Environment {
  return Object.fromEntries(environments.flatMap((environment) => Object.entries(environment)));
}

function isNamed(prefix: Role['prefix'], environment: Environment): boolean {
  return (environment[`${prefix}_HOST`] ?? '') !== '';
}

/** The queue of a cache that others use, too, belongs to no server that only this machine knows. */
function isToStart({ prefix }: Role, environment: Environment): boolean {
  return !isNamed(prefix, environment) && !(prefix === 'QUEUE' && isNamed('CACHE', environment));
}

function placeOf({ prefix }: Role, { host, port, user, password = '' }: RunningEngine): Environment {
  return {
    [`${prefix}_HOST`]: host,
    [`${prefix}_PORT`]: String(port),
    ...(user === undefined ? {} : { [`${prefix}_USER`]: user, [`${prefix}_PASSWORD`]: password }),
  };
}

/** Who sets a port or a password and forgets the host would look for their data on the wrong server. */
function noteIgnored(
  { prefix, engine, local }: Role,
  environment: Environment,
  onNotice?: (line: string) => void,
): void {
  const ignored = Object.keys(local).filter((name) => (environment[name] ?? '') !== '');
  if (ignored.length === 0) return;
  onNotice?.(
    `${prefix}_HOST is not set, so a local ${titleOf(engine)} is used and ${ignored.join(', ')} ` +
      `${ignored.length === 1 ? 'has' : 'have'} no effect.`,
  );
}
