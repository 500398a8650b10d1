/** What the engine relies on in a Valkey or Redis server, read at start and told in words a person can act on. */
import { Cluster } from 'iovalkey';
import { ConfigurationError } from '../errors.ts';
import type { CheckResult } from './buffer.ts';
import type { ValkeyClient, ValkeySettings } from './valkey-client.ts';

interface ServerKind {
  readonly title: string;
  /** As INFO names it. */
  readonly versionField: string;
  /** Scripts carry flags in a shebang line, which Redis 7.0 and every Valkey understand. */
  readonly oldest: string;
}

const VALKEY: ServerKind = { title: 'Valkey', versionField: 'valkey_version', oldest: '7.2' };
const REDIS: ServerKind = { title: 'Redis', versionField: 'redis_version', oldest: '7.0' };
/** Of Redis: the first that knows WAITAOF. */
const WAITAOF_SINCE = '7.2';

type Info = ReadonlyMap<string, string>;

/** `title`: what the settings say that it is; a server that is the other one works as well, and is told of. */
export async function checkServers(
  client: ValkeyClient,
  { title, variables }: Pick<ValkeySettings, 'title' | 'variables'>,
): Promise<CheckResult> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const infos = await Promise.all(nodes.map(async (node) => readInfo(await node.info())));
  const warnings = new Set<string>();
  const notes = new Set<string>();
  let version = '';
  for (const info of infos) {
    // Valkey says a redis_version too, that of the Redis it is compatible with.
    const kind = info.has(VALKEY.versionField) ? VALKEY : REDIS;
    version = info.get(kind.versionField) ?? 'unknown';
    checkServer(kind, version, info, { variables, isCluster: client instanceof Cluster });
    if (info.get('aof_enabled') === '0' && !isManaged(info)) {
      warnings.add(
        `${kind.title} keeps no append-only file: a restart loses the updates that are still queued. Set appendonly yes.`,
      );
    }
    if (kind === REDIS && isOlder(version, WAITAOF_SINCE)) {
      notes.add(
        `Redis ${version} does not know WAITAOF: durability 'aof' cannot be reached with it. ${WAITAOF_SINCE} or later does.`,
      );
    }
    if ([VALKEY, REDIS].some((other) => other.title === title) && kind.title !== title) {
      notes.add(
        `CACHE_ENGINE says ${title}, the server is ${kind.title} ${version}. Both do; set CACHE_ENGINE=${kind.title.toLowerCase()}.`,
      );
    }
  }
  return { version, warnings: [...warnings], notes: [...notes] };
}

function checkServer(
  { title, oldest }: ServerKind,
  version: string,
  info: Info,
  { variables, isCluster }: { variables: string; isCluster: boolean },
): void {
  if (isOlder(version, oldest)) {
    throw new ConfigurationError(`${title} ${version} is too old: ${oldest} or later is needed.`, {
      version,
    });
  }
  if (info.get('cluster_enabled') === '1' && !isCluster) {
    throw new ConfigurationError(`This ${title} runs in cluster mode: set ${variables}_CLUSTER=true.`);
  }
  if (!info.has('master_replid')) {
    throw new ConfigurationError(
      'INFO does not show master_replid: without it a failover cannot be told, and later updates would be skipped.',
    );
  }
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  if (policy.startsWith('allkeys-')) {
    throw new ConfigurationError(
      `maxmemory-policy is ${policy}: ${title} may evict the queue itself, and acknowledged updates with it. ` +
        'Set it to noeviction or to one of the volatile-* policies.',
      { policy },
    );
  }
}

/** Of versions as `7.0.15`; one that is no version is taken for old. */
function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = than.split('.').map(Number);
  return !(major > leastMajor || (major === leastMajor && minor >= leastMinor));
}

/** ElastiCache hides its persistence behind its own settings. */
function isManaged(info: Info): boolean {
  return info.get('os')?.includes('Amazon') ?? false;
}

function readInfo(text: string): Map<string, string> {
  const info = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) info.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return info;
}
