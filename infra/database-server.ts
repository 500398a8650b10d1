/** What an RDS instance and an Aurora cluster have in common. */
import type { DatabaseKind } from './database-engines.ts';
import type { Metric } from './metrics.ts';
import type { Network } from './network.ts';
import type { AlarmOn } from './own-alarms.ts';
import type { StageSettings } from './settings.ts';

export const DATABASE_NAME = 'flughafendb';
export const USERNAME = 'afterwrite';
export const GB = 1024 ** 3;

export interface ServerOptions {
  readonly kind: DatabaseKind;
  readonly settings: StageSettings;
  readonly network: Network | null;
  readonly hasProxy: boolean;
}

export interface DatabaseServer {
  readonly component: sst.aws.Mysql | sst.aws.Postgres | sst.aws.Aurora;
  /** Under which CloudWatch counts what the server that writes does. */
  readonly dimensions: Metric['dimensions'];
  /** The alarm on storage that runs out. */
  readonly storage: Omit<AlarmOn<Metric>, 'name'>;
}

/** Of the server of this machine, which `sst dev` uses. */
export function localServer({ port, localUser }: DatabaseKind) {
  return { host: 'localhost', port, username: localUser, password: '', database: DATABASE_NAME };
}

/** How long its data outlives a mistake: the same words for an instance and a cluster. */
export function protection({ database, isProtected }: StageSettings) {
  const { isDeletionProtected } = database;
  return {
    backupRetentionPeriod: database.backupDays,
    deletionProtection: isDeletionProtected,
    skipFinalSnapshot: !isDeletionProtected,
    ...(isDeletionProtected && { finalSnapshotIdentifier: `${$app.name}-${$app.stage}-final` }),
    deleteAutomatedBackups: !isDeletionProtected,
    copyTagsToSnapshot: true,
    // Changes that restart the server, and patches, wait for the maintenance window where somebody's data is.
    applyImmediately: !isProtected,
    allowMajorVersionUpgrade: false,
  };
}

export function proxyOf(network: Network | null) {
  const group = network?.groups.proxy;
  return { requireTls: true, vpcSecurityGroupIds: group ? [group.id] : [] };
}
