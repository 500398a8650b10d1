/**
 * Aurora: a cluster whose storage is in three zones, with one that writes and, where the stage is highly available, one that
 * takes its place. Serverless: SST's component makes nothing else, both stages are one pair of numbers instead of a class of
 * instances that not every engine has, and the batches of a flush come in bursts.
 */
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

const LEAST_FOR_INSIGHTS_ACU = 2;

export function createCluster({ kind, settings, network, hasProxy }: ServerOptions): DatabaseServer {
  const { database } = settings;
  const { capacity, maxConnections } = database;
  const groups = network?.groups;
  const component = new sst.aws.Aurora('Database', {
    engine: kind.protocol,
    version: kind.version,
    scaling: { min: `${capacity.min} ACU`, max: `${capacity.max} ACU` },
    replicas: database.isMultiAz ? 1 : 0,
    database: DATABASE_NAME,
    username: USERNAME,
    proxy: hasProxy,
    vpc: { subnets: network?.subnetIds ?? [], securityGroups: groups ? [groups.database.id] : [] },
    dev: localServer(kind),
    transform: {
      clusterParameterGroup: {
        family: kind.family,
        parameters: [...kind.clusterParameters(maxConnections)],
      },
      instanceParameterGroup: { family: kind.family, parameters: [...kind.parameters(maxConnections)] },
      cluster: { ...protection(settings), enabledCloudwatchLogsExports: [...kind.logs] },
      instance: (args, _options, name) => {
        // One that is made as the writer and one that can take its place are not in the same zone.
        args.availabilityZone = network?.zones[name === 'DatabaseInstance' ? 0 : 1];
        // Up to 1 the capacity of a reader follows that of the writer: it can take its place at any moment.
        args.promotionTier = 1;
        args.publiclyAccessible = false;
        args.copyTagsToSnapshot = true;
        args.performanceInsightsEnabled = capacity.min >= LEAST_FOR_INSIGHTS_ACU;
        args.applyImmediately = !settings.isProtected;
        args.autoMinorVersionUpgrade = kind.isPatchedByAws;
        return undefined;
      },
      proxy: proxyOf(network),
    },
  });
  return {
    component,
    // Also after a failover it is the one that writes. There is no connection to the reader.
    dimensions: { DBClusterIdentifier: component.id, Role: 'WRITER' },
    storage: {
      meaning:
        'The data has grown over 90% of what the stage was planned for; Aurora makes room, and bills it.',
      metric: databaseMetric({ DBClusterIdentifier: component.id }, 'VolumeBytesUsed'),
      statistic: 'Maximum',
      threshold: Math.floor(database.storageGb * 0.9) * GB,
      // Aurora counts it every few minutes only.
      periodMinutes: 60,
    },
  };
}
