/**
 * One Valkey and one MySQL for the whole test run, and a cluster of three, in temporary folders. Test files take their
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
    mysql: ServerPlace;
    valkeyCluster: ServerPlace;
    /** Of both Valkeys, for the engine: with a password that must stand nowhere. */
    cacheUser: { readonly name: string; readonly password: string };
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const mode = parseMode(process.env.LOCAL_ENGINES);
  const folder = makeTemporaryDataDir();
  const options = {
    mode,
    dataDir: folder.path,
    onProgress: (line: string) => process.stderr.write(`${line}\n`),
  };
  process.env[CAPTURE_VARIABLE] = folder.path;
  const cacheUser = { name: 'app', password: markedSecret('cache') };
  const engines = await startEngines(['valkey', 'mysql'], options);
  const cluster = await startValkeyCluster(options);
  const place = ({
    host,
    port,
    user = '',
    password = '',
  }: Partial<ServerPlace> & { host: string; port: number }) => ({
    host,
    port,
    user,
    password,
  });
  project.provide('valkey', place(engines.get('valkey')));
  project.provide('mysql', place(engines.get('mysql')));
  for (const { host, port } of [engines.get('valkey'), ...cluster.nodes]) {
    const admin = new Redis(port, host);
    // Of its own, beside the default user that has no password: tests look into the server as that one.
    await admin.acl('SETUSER', cacheUser.name, 'on', `>${cacheUser.password}`, '~*', '&*', '+@all');
    await admin.quit();
  }
  project.provide('cacheUser', cacheUser);
  const [node] = cluster.nodes;
  if (!node) throw new Error('the cluster has no nodes');
  project.provide('valkeyCluster', place(node));
  return async () => {
    await Promise.all([engines.stopAll(), cluster.stop()]);
    const { leaks, lines } = findSecrets(folder.path);
    await folder.remove();
    if (leaks.length === 0) return;
    const shown = leaks.slice(0, 20).map((leak) => `  ${leak}`);
    throw new Error(
      `Secrets stand in what was printed or logged (${String(lines)} lines searched), in ${String(leaks.length)} places:\n${shown.join('\n')}`,
    );
  };
}
