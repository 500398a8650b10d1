/**
 * One server of each engine for the whole test run, and a cluster of three Valkeys, in temporary folders. Test files take their
 * places by `inject`, and a namespace and a database of their own, so that files run beside each other.
 */
import { makeTemporaryDataDir, parseMode, startEngines, startValkeyCluster } from '@afterwrite/local-engines';
import { Redis } from 'iovalkey';
import type { TestProject } from 'vitest/node';
import { CAPTURE_VARIABLE, findSecrets, markedSecret } from './capture.ts';

export interface ServerPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    valkey: ServerPlace;
    redis: ServerPlace;
    'redis-7': ServerPlace;
    memcached: ServerPlace;
    mysql: ServerPlace;
    mariadb: ServerPlace;
    postgresql: ServerPlace;
    valkeyCluster: ServerPlace;
    /** Of all that can be a queue's server, for the engine: with a password that must stand nowhere. */
    cacheUser: { readonly name: string; readonly password: string };
  }
}

/** Servers of a run that had them before this one and keeps them after it, as JSON of `Places`. */
export const GIVEN_SERVERS_VARIABLE = 'AFTERWRITE_TEST_SERVERS';

const QUEUE_SERVERS = ['valkey', 'redis', 'redis-7'] as const;
const OTHERS = ['memcached', 'mysql', 'mariadb', 'postgresql'] as const;
const SERVERS = [...QUEUE_SERVERS, ...OTHERS];

interface Places {
  readonly servers: Readonly<Record<(typeof SERVERS)[number] | 'valkeyCluster', ServerPlace>>;
  readonly cacheUser: { readonly name: string; readonly password: string };
}

export interface TestServers {
  readonly places: Places;
  stop(): Promise<void>;
}

export async function startServers(): Promise<TestServers> {
  const folder = makeTemporaryDataDir();
  const options = {
    mode: parseMode(process.env.LOCAL_ENGINES),
    dataDir: folder.path,
    onProgress: (line: string) => process.stderr.write(`${line}\n`),
  };
  const cacheUser = { name: 'app', password: markedSecret('cache') };
  const engines = await startEngines(SERVERS, options);
  const cluster = await startValkeyCluster(options);
  for (const { host, port } of [...QUEUE_SERVERS.map((name) => engines.get(name)), ...cluster.nodes]) {
    const admin = new Redis(port, host);
    // Of its own, beside the default user that has no password: tests look into the server as that one.
    await admin.acl('SETUSER', cacheUser.name, 'on', `>${cacheUser.password}`, '~*', '&*', '+@all');
    await admin.quit();
  }
  const [node] = cluster.nodes;
  if (!node) throw new Error('the cluster has no nodes');
  return {
    places: {
      servers: {
        ...(Object.fromEntries(SERVERS.map((name) => [name, place(engines.get(name))])) as Record<
          (typeof SERVERS)[number],
          ServerPlace
        >),
        valkeyCluster: place(node),
      },
      cacheUser,
    },
    async stop() {
      await Promise.all([engines.stopAll(), cluster.stop()]);
      await folder.remove();
    },
  };
}

function place({
  host,
  port,
  user = '',
  password = '',
}: Partial<ServerPlace> & { host: string; port: number }): ServerPlace {
  return { host, port, user, password };
}

/** What the run prints and logs is kept, and searched for secrets at its end. */
function captureOutput(): () => Promise<void> {
  const folder = makeTemporaryDataDir();
  process.env[CAPTURE_VARIABLE] = folder.path;
  return async () => {
    const { leaks, lines } = findSecrets(folder.path);
    await folder.remove();
    if (leaks.length === 0) return;
    const shown = leaks.slice(0, 20).map((leak) => `  ${leak}`);
    throw new Error(
      `Secrets stand in what was printed or logged (${String(lines)} lines searched), in ${String(leaks.length)} places:\n${shown.join('\n')}`,
    );
  };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env[GIVEN_SERVERS_VARIABLE];
  const searched = given === undefined ? captureOutput() : () => Promise.resolve();
  const { places, stop } =
    given === undefined
      ? await startServers()
      : { places: JSON.parse(given) as Places, stop: () => Promise.resolve() };
  for (const name of [...SERVERS, 'valkeyCluster'] as const) project.provide(name, places.servers[name]);
  project.provide('cacheUser', places.cacheUser);
  return async () => {
    await stop();
    await searched();
  };
}
