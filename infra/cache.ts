/**
 * ElastiCache: cached flights and the queue, in Valkey or Redis in cluster mode; or clean flights in memcached, and the queue
 * with the updates that wait in Valkey beside it, because memcached keeps nothing for sure. A stage that goes over to
 * memcached keeps its Valkey, and with it what waits there. In `sst dev` the servers on this machine.
 */
import { cacheEngines, MEMCACHED_PORT, SERVER_PORT, type ServerKind } from './cache-engines.ts';
import type { Metric } from './metrics.ts';
import type { Network } from './network.ts';
import { createCredentials, type Credentials } from './secrets.ts';
import type { StageSettings } from './settings.ts';

type Environment = Record<string, $util.Input<string>>;
type Dimensions = Metric['dimensions'];

export interface Cache {
  /** Has the queue. */
  readonly server: {
    readonly title: string;
    readonly component: sst.aws.Redis;
    /** As CloudWatch names each of them. */
    readonly nodes: readonly Dimensions[];
  };
  readonly memcached: Memcached | null;
  /** What the functions are told. */
  readonly environment: Environment;
  readonly credentials: Credentials | null;
}

export interface Memcached {
  readonly title: string;
  readonly cluster: aws.elasticache.Cluster;
  readonly node: Dimensions;
}

export function createCache(settings: StageSettings, network: Network | null): Cache {
  const { engine } = settings.cache;
  const { title, server: kind, serverPrefix, memcached: memcachedKind } = cacheEngines[engine];
  const component = createServer(kind, settings, network);
  const place = {
    [`${serverPrefix}_HOST`]: component.host,
    [`${serverPrefix}_PORT`]: String(SERVER_PORT),
  };
  const common = { CACHE_ENGINE: engine, ...place };
  if ($dev) {
    const clean = memcachedKind && { CACHE_HOST: 'localhost', CACHE_PORT: String(MEMCACHED_PORT) };
    const server = { title: kind.title, component, nodes: [] };
    return { server, memcached: null, environment: { ...common, ...clean }, credentials: null };
  }
  const memcached = memcachedKind && network && createMemcached(memcachedKind, settings, network);
  // SST keeps the token in a form of its own; the functions read the one that AWS's rotation uses.
  const credentials = createCredentials(
    'Cache',
    `User and password of ${kind.title}`,
    { username: component.username, password: component.password },
    settings.secretRecoveryDays,
  );
  const environment = {
    ...common,
    [`${serverPrefix}_CLUSTER`]: 'true',
    [`${serverPrefix}_TLS`]: 'true',
    [`${serverPrefix}_SECRET_ARN`]: credentials.secret.arn,
    ...memcached?.environment,
  };
  const server = { title: kind.title, component, nodes: nodesOf(component, settings.cache) };
  return { server, memcached: memcached && { ...memcached, title }, environment, credentials };
}

function createServer(kind: ServerKind, settings: StageSettings, network: Network | null): sst.aws.Redis {
  const { cache } = settings;
  return new sst.aws.Redis('Cache', {
    engine: kind.engine,
    version: kind.version,
    instance: cache.instance,
    cluster: { nodes: cache.shards },
    vpc: {
      subnets: network?.subnetIds ?? [],
      securityGroups: network ? [network.groups.cache.id] : [],
    },
    // Clean entries have a TTL and may go when memory runs out; the queue and dirty entries have none, so they never do.
    parameters: { 'maxmemory-policy': 'volatile-lru' },
    dev: { host: 'localhost', port: SERVER_PORT },
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
}

/** One node: what it loses is read from the database again. It knows no password; the network and TLS keep others out. */
function createMemcached(
  { version, family }: { readonly version: string; readonly family: string },
  settings: StageSettings,
  { subnetIds, groups }: Network,
) {
  const subnets = new aws.elasticache.SubnetGroup('MemcachedSubnets', { subnetIds });
  const cluster = new aws.elasticache.Cluster('Memcached', {
    engine: 'memcached',
    engineVersion: version,
    nodeType: `cache.${settings.cache.memcachedInstance}`,
    numCacheNodes: 1,
    port: MEMCACHED_PORT,
    parameterGroupName: `default.${family}`,
    transitEncryptionEnabled: true,
    subnetGroupName: subnets.name,
    securityGroupIds: groups.memcached ? [groups.memcached.id] : [],
    applyImmediately: !settings.isProtected,
  });
  const environment = {
    CACHE_HOST: cluster.cacheNodes.apply(([node]) => node.address),
    CACHE_PORT: String(MEMCACHED_PORT),
    CACHE_TLS: 'true',
  };
  return { cluster, environment, node: { CacheClusterId: cluster.id, CacheNodeId: '0001' } };
}

/** ElastiCache numbers shards with four digits and their nodes with three. */
function nodesOf(server: sst.aws.Redis, { shards, replicas }: StageSettings['cache']): Dimensions[] {
  const id = server.nodes.cluster.id;
  return Array.from({ length: shards }, (_, shard) =>
    Array.from({ length: 1 + replicas }, (__, node) => {
      return { CacheClusterId: $interpolate`${id}-${pad(shard + 1, 4)}-${pad(node + 1, 3)}` };
    }),
  ).flat();
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
