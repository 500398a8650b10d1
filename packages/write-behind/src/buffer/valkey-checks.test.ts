/** What the buffer finds out about its servers, on one that the test may set up as it likes. */
import { makeTemporaryDataDir, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { Cluster, type Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { uniqueName } from '../../testing/buffer-lab.ts';
import { connectionTo, connectRaw, makeValkeyBuffer, type ValkeyPlace } from '../../testing/buffer-valkey.ts';
import { ConfigurationError } from '../errors.ts';
import type { CheckResult } from './buffer.ts';
import { checkServers } from './valkey-checks.ts';
import { createValkeyClient, primaries, type ValkeyClient, whenReady } from './valkey-client.ts';

const SETTINGS = {
  partitions: 1,
  cacheTtlMs: 60_000,
  missingTtlMs: 5000,
  fillLeaseMs: 5000,
  queueMaxLength: 100,
  idempotencyTtlMs: 60_000,
  idempotencyMaxAnswers: 100,
};

async function open(place: ValkeyPlace, cluster: boolean, title = 'Valkey'): Promise<CheckResult> {
  const buffer = makeValkeyBuffer(connectionTo(place, { cluster, title }), SETTINGS, uniqueName());
  onTestFinished(() => buffer.close());
  return await buffer.open();
}

describe('what the engine relies on is looked at when it starts', () => {
  const folder = makeTemporaryDataDir();
  let server: RunningEngine;
  let admin: Redis;

  beforeAll(async () => {
    server = await startEngine('valkey', { dataDir: folder.path });
    admin = connectRaw(server, false);
  });
  afterAll(async () => {
    await admin.quit();
    await server.stop();
    await folder.remove();
  });

  test('a durable server that evicts nothing of ours is taken without a warning', async () => {
    for (const policy of ['noeviction', 'volatile-lru', 'volatile-lfu', 'volatile-ttl', 'volatile-random']) {
      await admin.config('SET', 'maxmemory-policy', policy);
      expect(await open(server, false)).toEqual({ version: server.version, warnings: [], notes: [] });
    }
  });

  test('3 a policy that may evict the queue is refused by name', async () => {
    for (const policy of ['allkeys-lru', 'allkeys-lfu', 'allkeys-random']) {
      await admin.config('SET', 'maxmemory-policy', policy);
      const refusal = expect(open(server, false)).rejects;
      await refusal.toMatchObject({ code: 'CONFIGURATION', context: { policy } });
    }
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
  });

  test('3 without an append-only file it warns', async () => {
    await admin.config('SET', 'appendonly', 'no');
    const { warnings } = await open(server, false);
    expect(warnings).toEqual([expect.stringContaining('append-only')]);
    await admin.config('SET', 'appendonly', 'yes');
  });

  test('a cluster is refused unless it was said to be one', async () => {
    const cluster = inject('valkeyCluster');
    await expect(open(cluster, false)).rejects.toThrow(ConfigurationError);
    await expect(open(cluster, false)).rejects.toThrow('CACHE_CLUSTER');
    expect((await open(cluster, true)).warnings).toEqual([]);
  });
});

describe('which server it is', () => {
  const folder = makeTemporaryDataDir();
  afterAll(() => folder.remove());

  test('Redis is taken from 7.0 on; 3 one without WAITAOF is told of', async () => {
    expect(await open(inject('redis'), false, 'Redis')).toMatchObject({
      version: expect.stringMatching(/^8\./) as string,
      notes: [],
    });
    expect(await open(inject('redis-7'), false, 'Redis')).toMatchObject({
      version: expect.stringMatching(/^7\.0\./) as string,
      warnings: [],
      notes: [expect.stringMatching(/^Redis 7\.0\.\d+ does not know WAITAOF: .*'aof'/)],
    });
  });

  test('one that is not what CACHE_ENGINE says works as well, and is told of', async () => {
    const [told] = (await open(inject('redis'), false, 'Valkey')).notes ?? [];
    expect(told).toMatch(/^CACHE_ENGINE says Valkey, the server is Redis 8\..*CACHE_ENGINE=redis\.$/);
    const [other] = (await open(inject('valkey'), false, 'Redis')).notes ?? [];
    expect(other).toMatch(/^CACHE_ENGINE says Redis, the server is Valkey .*CACHE_ENGINE=valkey\.$/);
    // The queue's server of memcached may be either.
    for (const name of ['valkey', 'redis'] as const) {
      expect((await open(inject(name), false, 'Valkey or Redis')).notes).toEqual([]);
    }
  });

  test('3 what is refused and what is warned of has the name of the server that is there', async () => {
    const server = await startEngine('redis', { dataDir: folder.path });
    const admin = connectRaw(server, false);
    onTestFinished(async () => {
      await admin.quit();
      await server.stop();
    });
    await admin.config('SET', 'appendonly', 'no');
    expect((await open(server, false, 'Redis')).warnings).toEqual([
      expect.stringMatching(/^Redis keeps no append-only file/),
    ]);
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(open(server, false, 'Redis')).rejects.toThrow('Redis may evict the queue itself');
  });

  test.each([
    ['redis_version:6.2.14', 'Redis 6.2.14 is too old: 7.0 or later is needed.'],
    ['redis_version:7.2.4\r\nvalkey_version:7.1.9', 'Valkey 7.1.9 is too old: 7.2 or later is needed.'],
    ['redis_version:unknown', 'Redis unknown is too old'],
  ])('an older one is refused: %s', async (info, message) => {
    const client = { info: () => Promise.resolve(`# Server\r\n${info}\r\n`) } as unknown as ValkeyClient;
    const check = checkServers(client, { title: 'Redis', variables: 'CACHE' });
    await expect(check).rejects.toThrow(message);
  });
});

describe('3 every server that holds keys is asked for them', () => {
  test('also one to which the connection was lost', async () => {
    const client = createValkeyClient(connectionTo(inject('valkeyCluster'), { cluster: true }));
    onTestFinished(() => client.disconnect());
    await whenReady(client, connectionTo(inject('valkeyCluster')));
    if (!(client instanceof Cluster)) throw new Error('not a cluster');
    expect(await primaries(client)).toHaveLength(3);
    client.nodes('master')[0]?.disconnect();
    await expect.poll(() => client.nodes('master').length).toBe(2);
    const servers = await primaries(client);
    expect(new Set(servers.map(({ options }) => options.port)).size).toBe(3);
    expect(await Promise.all(servers.map((server) => server.ping()))).toEqual(['PONG', 'PONG', 'PONG']);
  });
});
