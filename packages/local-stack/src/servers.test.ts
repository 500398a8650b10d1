/** Which servers each choice of engines starts, and what the settings then say of them. */
import { makeTemporaryDataDir } from '@afterwrite/local-engines';
import { ConfigurationError } from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { afterAll, expect, test } from 'vitest';
import { type Servers, startServers } from './servers.ts';

const folder = makeTemporaryDataDir();
const unnamed = { ...process.env, DB_HOST: '', CACHE_HOST: '', QUEUE_HOST: '', DB_NAME: '' };

afterAll(async () => {
  await folder.remove();
});

async function withServers(
  environment: Readonly<Record<string, string>>,
  look: (servers: Servers) => void | Promise<void>,
): Promise<void> {
  const servers = await startServers({
    environment: { ...unnamed, ...environment },
    dataDir: folder.path,
  });
  try {
    await look(servers);
  } finally {
    await servers.stop();
  }
}

test('memcached with a Valkey for the queue, and PostgreSQL with its user', async () => {
  await withServers({ CACHE_ENGINE: 'memcached', DB_ENGINE: 'postgresql' }, (servers) => {
    const { settings, cache, queue, database, all } = servers;
    expect(all).toEqual([cache, queue, database]);
    expect(all.map(({ title }) => title)).toEqual(['memcached', 'Valkey', 'PostgreSQL']);
    expect(all.map(({ isLocal }) => isLocal)).toEqual([true, true, true]);
    expect(cache.address).toBe(`127.0.0.1:${settings.CACHE_PORT}`);
    expect(queue.address).toBe(`127.0.0.1:${settings.QUEUE_PORT}`);
    expect(queue.client).toBe(`valkey-cli -h 127.0.0.1 -p ${settings.QUEUE_PORT}`);
    expect(settings).toMatchObject({ QUEUE_HOST: '127.0.0.1', DB_USER: 'postgres', DB_PASSWORD: '' });
    expect(database.client).toBe(`psql -h 127.0.0.1 -p ${settings.DB_PORT} -U postgres flughafendb`);
  });
});

test('each pair has data of its own: a queue belongs to one database', async () => {
  const seen: (string | null)[] = [];
  for (const DB_ENGINE of ['mariadb', 'postgresql', 'mariadb']) {
    await withServers({ DB_ENGINE }, async ({ settings }) => {
      const valkey = new Redis(settings.CACHE_PORT, settings.CACHE_HOST);
      seen.push(await valkey.get('of'));
      await valkey.set('of', DB_ENGINE);
      await valkey.quit();
    });
  }
  expect(seen).toEqual([null, null, 'mariadb']);
});

test('Redis, which keeps the queue itself, and MariaDB', async () => {
  await withServers({ CACHE_ENGINE: 'redis', DB_ENGINE: 'mariadb' }, (servers) => {
    const { settings, cache, queue, database, all } = servers;
    expect(all).toEqual([cache, database]);
    expect(queue).toBe(cache);
    expect(cache).toMatchObject({
      title: 'Redis',
      client: `redis-cli -h 127.0.0.1 -p ${settings.CACHE_PORT}`,
    });
    expect(database.client).toBe(`mariadb -h 127.0.0.1 -P ${settings.DB_PORT} -u root flughafendb`);
    expect(settings.QUEUE_HOST).toBeUndefined();
  });
});

test('a named cache gets no queue that only this machine knows', async () => {
  const lines: string[] = [];
  const named = { CACHE_ENGINE: 'memcached', CACHE_HOST: '127.0.0.1' };
  const starting = startServers({
    environment: { ...unnamed, ...named },
    dataDir: folder.path,
    onProgress: (line) => lines.push(line),
  });
  await expect(starting).rejects.toThrow(ConfigurationError);
  await expect(starting).rejects.toThrow('QUEUE_HOST: must name a Valkey or a Redis');
  expect(lines).toEqual([]);
});

test('an engine that there is not is refused before anything is started', async () => {
  const environment = { ...unnamed, DB_ENGINE: 'oracle' };
  await expect(startServers({ environment, dataDir: folder.path })).rejects.toThrow(
    'DB_ENGINE is "oracle"; it must be one of mysql, mariadb, postgresql.',
  );
});
