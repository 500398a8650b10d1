/** ElastiCache for Valkey in cluster mode: cached flights and the queue. In `sst dev` the one on this machine. */
import type { Network } from './network.ts';
import { createCredentials, type Credentials } from './secrets.ts';
import type { StageSettings } from './settings.ts';

export interface Cache {
  readonly redis: sst.aws.Redis;
  /** What the functions are told. */
  readonly environment: Record<string, $util.Input<string>>;
  readonly credentials: Credentials | null;
  /** Of each node, as CloudWatch names it. */
  readonly nodeIds: $util.Output<string>[];
}

const LOCAL = { host: 'localhost', port: 6379 };

export function createCache(settings: StageSettings, network: Network | null): Cache {
  const { cache } = settings;
  const redis = new sst.aws.Redis('Cache', {
    engine: 'valkey',
    version: cache.version,
    instance: cache.instance,
    cluster: { nodes: cache.shards },
    vpc: {
      subnets: network?.subnetIds ?? [],
      securityGroups: network ? [network.groups.cache.id] : [],
    },
    // Clean entries have a TTL and may go when memory runs out; the queue and dirty entries have none, so they never do.
    parameters: { 'maxmemory-policy': 'volatile-lru' },
    dev: LOCAL,
    transform: {
      cluster: {
        replicasPerNodeGroup: cache.replicas,
        // A failover needs somewhere to go.
        multiAzEnabled: cache.replicas > 0,
        snapshotRetentionLimit: cache.snapshotDays,
        // A change that restarts nodes waits for the maintenance window where somebody's data is.
        applyImmediately: !settings.isProtected,
        autoMinorVersionUpgrade: true,
      },
    },
  });
  if ($dev) {
    const environment = { CACHE_HOST: redis.host, CACHE_PORT: $interpolate`${redis.port}` };
    return { redis, environment, credentials: null, nodeIds: [] };
  }
  // SST keeps the token in a form of its own; the functions read the one that AWS's rotation uses.
  const credentials = createCredentials(
    'Cache',
    'User and password of Valkey',
    { username: redis.username, password: redis.password },
    settings.secretRecoveryDays,
  );
  const environment = {
    CACHE_HOST: redis.host,
    CACHE_PORT: $interpolate`${redis.port}`,
    CACHE_CLUSTER: 'true',
    CACHE_TLS: 'true',
    CACHE_SECRET_ARN: credentials.secret.arn,
  };
  return { redis, environment, credentials, nodeIds: nodeIdsOf(redis, cache) };
}

/** ElastiCache numbers shards with four digits and their nodes with three. */
function nodeIdsOf(
  redis: sst.aws.Redis,
  { shards, replicas }: StageSettings['cache'],
): $util.Output<string>[] {
  const id = redis.nodes.cluster.id;
  return Array.from({ length: shards }, (_, shard) =>
    Array.from({ length: 1 + replicas }, (__, node) => {
      return $interpolate`${id}-${pad(shard + 1, 4)}-${pad(node + 1, 3)}`;
    }),
  ).flat();
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
