/** What the engine relies on in a Valkey server, read at start and told in words a person can act on. */
import { Cluster } from 'iovalkey';
import { ConfigurationError } from '../errors.ts';
import type { CheckResult } from './buffer.ts';
import type { ValkeyClient } from './valkey-client.ts';

/** Scripts carry flags in a shebang line, which Redis 7.0 and Valkey understand. */
const OLDEST_MAJOR = 7;

export async function checkServers(client: ValkeyClient): Promise<CheckResult> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const infos = await Promise.all(nodes.map(async (node) => readInfo(await node.info())));
  const warnings = new Set<string>();
  let version = '';
  for (const info of infos) {
    version = info.get('valkey_version') ?? info.get('redis_version') ?? 'unknown';
    const compatible = Number((info.get('redis_version') ?? '').split('.')[0]);
    if (compatible < OLDEST_MAJOR) {
      throw new ConfigurationError(`Valkey ${version} is too old: 7.2 or later is needed.`, { version });
    }
    if (info.get('cluster_enabled') === '1' && !(client instanceof Cluster)) {
      throw new ConfigurationError('This Valkey runs in cluster mode: set CACHE_CLUSTER=true.');
    }
    if (!info.has('master_replid')) {
      throw new ConfigurationError(
        'INFO does not show master_replid: without it a failover cannot be told, and later updates would be skipped.',
      );
    }
    const policy = info.get('maxmemory_policy') ?? 'unknown';
    if (policy.startsWith('allkeys-')) {
      throw new ConfigurationError(
        `maxmemory-policy is ${policy}: Valkey may evict the queue itself, and acknowledged updates with it. ` +
          'Set it to noeviction or to one of the volatile-* policies.',
        { policy },
      );
    }
    if (info.get('aof_enabled') === '0' && !isManaged(info)) {
      warnings.add(
        'Valkey keeps no append-only file: a restart loses the updates that are still queued. Set appendonly yes.',
      );
    }
  }
  return { version, warnings: [...warnings] };
}

/** ElastiCache hides its persistence behind its own settings. */
function isManaged(info: ReadonlyMap<string, string>): boolean {
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
