/**
 * One Valkey and one MySQL for the whole test run, and a cluster of three, in temporary folders. Test files take their
 * places by `inject`, and a namespace and a database of their own, so that files run beside each other.
 */
import { makeTemporaryDataDir, parseMode, startEngines, startValkeyCluster } from '@afterwrite/local-engines';
import type { TestProject } from 'vitest/node';

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
  const [node] = cluster.nodes;
  if (!node) throw new Error('the cluster has no nodes');
  project.provide('valkeyCluster', place(node));
  return async () => {
    await Promise.all([engines.stopAll(), cluster.stop()]);
    await folder.remove();
  };
}
