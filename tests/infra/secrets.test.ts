/** The passwords that the stack's variables name reach the engine's settings, from a server that answers as Secrets Manager does. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readSecrets } from '@afterwrite/functions/secrets';
import { Stack, variables } from './stack.ts';
import { enginesOf, resourcesOf } from './synthesized.ts';

const asked: string[] = [];
const server = createServer((request, response) => {
  void (async () => {
    const { SecretId } = (await json(request)) as { SecretId: string };
    asked.push(SecretId);
    const name = SecretId.split(':').at(-1) ?? '';
    const isThere = name !== 'Missing';
    const secret = { SecretString: JSON.stringify({ username: `user of ${name}`, password: `of ${name}` }) };
    response.writeHead(isThere ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isThere ? secret : { __type: 'ResourceNotFoundException' }));
  })();
});

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(() => server.close());

afterEach(() => {
  vi.unstubAllEnvs();
  asked.length = 0;
});

async function read(environment: Readonly<Record<string, string>>) {
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', `http://127.0.0.1:${String(port)}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'made-up');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'made-up');
  return await readSecrets(environment);
}

const toldFlush = async (variant: 'production' | 'rds-postgresql+memcached') =>
  variables(new Stack(await resourcesOf(variant), enginesOf(variant)), 'flush');

test('of database and cache', async () => {
  expect(await read(await toldFlush('production'))).toEqual({
    DB_USER: 'user of DatabaseSecret',
    DB_PASSWORD: 'of DatabaseSecret',
    CACHE_USERNAME: 'user of CacheSecret',
    CACHE_PASSWORD: 'of CacheSecret',
  });
});

test("of the queue's server beside memcached, which has no password", async () => {
  expect(await read(await toldFlush('rds-postgresql+memcached'))).toEqual({
    DB_USER: 'user of DatabaseSecret',
    DB_PASSWORD: 'of DatabaseSecret',
    QUEUE_USERNAME: 'user of CacheSecret',
    QUEUE_PASSWORD: 'of CacheSecret',
  });
});

test('without a name nobody is asked', async () => {
  expect(await read({ DB_PASSWORD: 'x' })).toEqual({});
  expect(asked).toEqual([]);
});

test('a secret that cannot be read is refused by the name of its variable', async () => {
  await expect(
    read({ QUEUE_SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:1:secret:Missing' }),
  ).rejects.toThrow('QUEUE_SECRET_ARN: the secret cannot be read.');
});
