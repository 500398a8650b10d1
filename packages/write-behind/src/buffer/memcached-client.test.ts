/** The connection to memcached: encrypted and verified where it shall be, and never plain instead. */
import { makeTemporaryDataDir } from '@afterwrite/local-engines';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Authority, makeAuthority } from '../../../../tests/support/certificates.ts';
import { uniqueName } from '../../testing/buffer-lab.ts';
import type { Logger } from '../runtime.ts';
import { MemcachedClient } from './memcached-client.ts';

const folder = makeTemporaryDataDir();
const memcached = inject('memcached');
let ours: Authority;
let other: Authority;

beforeAll(async () => {
  ours = await makeAuthority(folder.path, 'ours');
  other = await makeAuthority(folder.path, 'other');
});
afterAll(() => folder.remove());

/** Speaks TLS, and hands on to memcached. */
async function encrypted(names: string[]): Promise<number> {
  const { cert, key } = ours.issue({ names });
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (client) => {
    const plain = connect(memcached.port, memcached.host);
    client.pipe(plain).pipe(client);
    for (const socket of [client, plain]) socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => undefined);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function clientOf(port: number, authority: Authority, host = 'localhost') {
  const warnings: unknown[] = [];
  const logger = { warn: (_message: string, details: unknown) => void warnings.push(details) };
  const tlsCa = readFileSync(authority.file, 'utf8');
  const client = new MemcachedClient({ host, port, tls: true, tlsCa }, logger as unknown as Logger);
  onTestFinished(() => {
    client.close();
  });
  return { client, warnings };
}

describe('memcached over TLS', () => {
  test('keeps and gives what it was given', async () => {
    const { client } = clientOf(await encrypted(['localhost']), ours);
    const [key, text] = [uniqueName(), 'text \0 Zürich 東京'];
    expect((await client.version()).version).toMatch(/^1\./);
    expect(await client.set(key, text, 60_000)).toBe(true);
    expect(await client.get(key)).toBe(text);
  });

  test.each<[string, string[], () => Authority, RegExp]>([
    ['of an authority that is not trusted', ['localhost'], () => other, /CACHE_TLS_CA/],
    ['of another host', ['elsewhere.example'], () => ours, /CACHE_HOST/],
  ])('a certificate %s is refused, and said what to do', async (_what, names, authority, advice) => {
    const { client, warnings } = clientOf(await encrypted(names), authority());
    expect(await client.version()).toEqual({
      version: undefined,
      fault: expect.stringMatching(advice) as string,
    });
    expect(await client.set(uniqueName(), 'text', 1000)).toBe(false);
    expect(warnings).toEqual([{ fault: expect.stringMatching(advice) as string }]);
  });

  test('a server that speaks none is never spoken to in the clear', async () => {
    const { client } = clientOf(memcached.port, ours, memcached.host);
    expect((await client.version()).version).toBeUndefined();
    expect(await client.get('key')).toBeUndefined();
  });
});

test('after it was closed it connects no more', async () => {
  const { host, port } = memcached;
  const client = new MemcachedClient({ host, port, tls: false }, undefined as unknown as Logger);
  expect(await client.get('key')).toBeUndefined();
  client.close();
  expect(await client.set('key', 'text', 1000)).toBe(false);
  expect((await client.version()).version).toBeUndefined();
});
