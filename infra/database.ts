/** RDS for MySQL: the record of truth. In `sst dev` the one on this machine. */
import type { Network } from './network.ts';
import { createCredentials, type Credentials } from './secrets.ts';
import type { StageSettings } from './settings.ts';

export interface Database {
  readonly mysql: sst.aws.Mysql;
  /** What the functions are told. */
  readonly environment: Record<string, $util.Input<string>>;
  readonly credentials: Credentials | null;
}

const NAME = 'flughafendb';
const LOCAL = { host: 'localhost', port: 3306, username: 'root', password: '', database: NAME };
/** Amazon's authorities, RDS's among them: Lambda's Node trusts the public ones only. */
const LAMBDA_CA_FILE = '/var/runtime/ca-cert.pem';

export function createDatabase(
  settings: StageSettings,
  network: Network | null,
  hasProxy: boolean,
): Database {
  const { database } = settings;
  const groups = network?.groups;
  const mysql = new sst.aws.Mysql('Database', {
    version: database.version,
    instance: database.instance,
    storage: `${database.storageGb} GB`,
    database: NAME,
    username: 'afterwrite',
    multiAz: database.isMultiAz,
    proxy: hasProxy,
    vpc: { subnets: network?.subnetIds ?? [] },
    dev: LOCAL,
    transform: {
      // The whole list: SST's own turns require_secure_transport off.
      parameterGroup: { parameters: parameters(database) },
      instance: {
        // SST names none, which gives the default group of the VPC.
        vpcSecurityGroupIds: groups ? [groups.database.id] : [],
        publiclyAccessible: false,
        backupRetentionPeriod: database.backupDays,
        deletionProtection: database.isDeletionProtected,
        skipFinalSnapshot: !database.isDeletionProtected,
        ...(database.isDeletionProtected && {
          finalSnapshotIdentifier: `${$app.name}-${$app.stage}-final`,
        }),
        deleteAutomatedBackups: !database.isDeletionProtected,
        copyTagsToSnapshot: true,
        enabledCloudwatchLogsExports: ['error', 'slowquery'],
        // Changes that restart the server, and patches, wait for the maintenance window where somebody's data is.
        applyImmediately: !settings.isProtected,
        autoMinorVersionUpgrade: true,
        allowMajorVersionUpgrade: false,
      },
      proxy: { requireTls: true, vpcSecurityGroupIds: groups?.proxy ? [groups.proxy.id] : [] },
    },
  });
  const place = { DB_HOST: mysql.host, DB_PORT: $interpolate`${mysql.port}`, DB_NAME: mysql.database };
  if ($dev) {
    const environment = { ...place, DB_USER: mysql.username, DB_PASSWORD: mysql.password };
    return { mysql, environment, credentials: null };
  }
  const credentials = createCredentials(
    'Database',
    'User and password of MySQL',
    { username: mysql.username, password: mysql.password },
    settings.secretRecoveryDays,
  );
  const environment = {
    ...place,
    DB_TLS: 'true',
    // The proxy shows a certificate that everybody trusts.
    ...(!hasProxy && { DB_TLS_CA: LAMBDA_CA_FILE }),
    DB_SECRET_ARN: credentials.secret.arn,
  };
  return { mysql, environment, credentials };
}

function parameters({ maxConnections }: StageSettings['database']) {
  const wanted = {
    require_secure_transport: 'ON',
    max_connections: String(maxConnections),
    // A commit that was answered is on disk, in both logs: RDS's defaults, which nobody shall change unseen.
    innodb_flush_log_at_trx_commit: '1',
    sync_binlog: '1',
    // Batches are built to stay under it.
    max_allowed_packet: String(64 * 1024 * 1024),
    // Audit rows of large batches at half the cost; clients give no file unless they choose to.
    local_infile: '1',
    time_zone: 'UTC',
    slow_query_log: '1',
  };
  return Object.entries(wanted).map(([name, value]) => ({
    name,
    value,
    // Static ones are applied when the server restarts; none of these is.
    applyMethod: 'immediate',
  }));
}
