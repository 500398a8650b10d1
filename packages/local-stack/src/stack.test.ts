import { makeTemporaryDataDir } from '@afterwrite/local-engines';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withFlightStack } from './stack.ts';

const folder = makeTemporaryDataDir();
const notices: string[] = [];
const drop = () => undefined;
const options = {
  environment: { ...process.env, DB_HOST: '', CACHE_HOST: '', DB_PORT: '17', DB_NAME: '', DB_USER: 'nobody' },
  dataDir: folder.path,
  logger: { debug: drop, info: drop, warn: drop, error: drop },
  onNotice: (line: string) => notices.push(line),
};

beforeAll(() => {
  notices.length = 0;
});
afterAll(async () => {
  await folder.remove();
});

test('starts local engines where no host is named, fills the database once, and leaves nothing running', async () => {
  const first = await withFlightStack(options, async ({ servers, cache }) => {
    const { source, value } = await cache.getFlight(20_000);
    // A second command joins the same servers, and its end leaves them running.
    const joined = await withFlightStack(options, async (other) => ({
      port: other.servers.settings.DB_PORT,
      source: (await other.cache.getFlight(20_000)).source,
    }));
    expect(joined).toEqual({ port: servers.settings.DB_PORT, source: 'CACHE_HIT' });
    expect((await cache.getFlight(20_000)).source).toBe('CACHE_HIT');
    return { servers, source, value };
  });
  expect(first.source).toBe('CACHE_MISS');
  const { settings, database, cache, queue, all } = first.servers;
  expect(queue).toBe(cache);
  expect(all).toEqual([cache, database]);
  expect(database).toMatchObject({
    title: 'MySQL',
    isLocal: true,
    client: `mysql -h 127.0.0.1 -P ${settings.DB_PORT} -u root flughafendb`,
  });
  expect(cache).toMatchObject({
    title: 'Valkey',
    address: `127.0.0.1:${settings.CACHE_PORT}`,
    client: `valkey-cli -h 127.0.0.1 -p ${settings.CACHE_PORT}`,
  });
  expect(notices[0]).toBe(
    'DB_HOST is not set, so a local MySQL is used and DB_PORT, DB_USER have no effect.',
  );

  const { DB_PORT, CACHE_PORT } = settings;
  for (const port of [DB_PORT, CACHE_PORT])
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

test('nothing runs on when the work fails, or was aborted before it began', async () => {
  let port = 0;
  const failing = withFlightStack(options, async ({ servers }) => {
    port = servers.settings.CACHE_PORT;
    throw new Error('the work failed');
  });
  await expect(failing).rejects.toThrow('the work failed');
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();

  const aborted = withFlightStack({ ...options, signal: AbortSignal.abort(new Error('stop')) }, async () => {
    throw new Error('work began');
  });
  await expect(aborted).rejects.not.toThrow('work began');
});
