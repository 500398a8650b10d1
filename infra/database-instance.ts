/** RDS: one instance, with a standby in another zone where the stage is highly available. */
import {
  DATABASE_NAME,
  type DatabaseServer,
  GB,
  localServer,
  protection,
  proxyOf,
  type ServerOptions,
  USERNAME,
} from './database-server.ts';
import { databaseMetric } from './metrics.ts';

export function createInstance({ kind, settings, network, hasProxy }: ServerOptions): DatabaseServer {
  const { database } = settings;
  const Component = { mysql: sst.aws.Mysql, postgres: sst.aws.Postgres }[kind.protocol];
  const component = new Component('Database', {
    version: kind.version,
    instance: database.instance,
    storage: `${database.storageGb} GB`,
    database: DATABASE_NAME,
    username: USERNAME,
    multiAz: database.isMultiAz,
    proxy: hasProxy,
    vpc: { subnets: network?.subnetIds ?? [] },
    dev: localServer(kind),
    transform: {
      parameterGroup: { family: kind.family, parameters: [...kind.parameters(database.maxConnections)] },
      instance: {
        engine: kind.engine,
        // SST names none, which gives the default group of the VPC.
        vpcSecurityGroupIds: network ? [network.groups.database.id] : [],
        publiclyAccessible: false,
        ...protection(settings),
        enabledCloudwatchLogsExports: [...kind.logs],
        autoMinorVersionUpgrade: true,
      },
      proxy: proxyOf(network),
    },
  });
  const dimensions = { DBInstanceIdentifier: component.id };
  return {
    component,
    dimensions,
    storage: {
      meaning: 'Less than 10% of the most that the storage may grow to is free (at least 2 GB).',
      metric: databaseMetric(dimensions, 'FreeStorageSpace'),
      statistic: 'Minimum',
      threshold: Math.max(2, database.storageGb * 0.1) * GB,
      isBelow: true,
      minutes: 5,
    },
  };
}
