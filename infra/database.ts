/** The record of truth, on RDS or Aurora as the stage's settings say. In `sst dev` the one on this machine. */
import { createCluster } from './database-cluster.ts';
import { databaseEngines, type DatabaseKind } from './database-engines.ts';
import { createInstance } from './database-instance.ts';
import type { DatabaseServer, ServerOptions } from './database-server.ts';
import type { Network } from './network.ts';
import { createCredentials, type Credentials } from './secrets.ts';
import type { StageSettings } from './settings.ts';

export interface Database extends DatabaseServer {
  readonly title: string;
  /** What the functions are told. */
  readonly environment: Record<string, $util.Input<string>>;
  readonly credentials: Credentials | null;
}

/** Amazon's authorities, RDS's among them: Lambda's Node trusts the public ones only. */
const LAMBDA_CA_FILE = '/var/runtime/ca-cert.pem';

const shapes: Readonly<Record<DatabaseKind['shape'], (options: ServerOptions) => DatabaseServer>> = {
  instance: createInstance,
  cluster: createCluster,
};

export function createDatabase(
  settings: StageSettings,
  network: Network | null,
  hasProxy: boolean,
): Database {
  const kind = databaseEngines[settings.database.engine];
  const { title } = kind;
  const server = shapes[kind.shape]({ kind, settings, network, hasProxy });
  const { component } = server;
  const place = {
    DB_ENGINE: kind.driver,
    // Of a cluster the address of whichever writes.
    DB_HOST: component.host,
    DB_PORT: String(kind.port),
    DB_NAME: component.database,
  };
  if ($dev) {
    const environment = { ...place, DB_USER: component.username, DB_PASSWORD: component.password };
    return { ...server, title, environment, credentials: null };
  }
  const credentials = createCredentials(
    'Database',
    `User and password of ${title}`,
    { username: component.username, password: component.password },
    settings.secretRecoveryDays,
  );
  const environment = {
    ...place,
    DB_TLS: 'true',
    // The proxy shows a certificate that everybody trusts.
    ...(!hasProxy && { DB_TLS_CA: LAMBDA_CA_FILE }),
    DB_SECRET_ARN: credentials.secret.arn,
  };
  return { ...server, title, environment, credentials };
}
