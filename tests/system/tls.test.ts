/**
 * TLS to both servers: encrypted and verified, or refused with an error that says what to do; never plain instead. The
 * servers are this file's own, and take on one certificate after the other while they run.
 */
import {
  type EngineName,
  makeTemporaryDataDir,
  type RunningEngine,
  startEngine,
} from '@afterwrite/local-engines';
import {
  ConfigurationError,
  type FieldValues,
  openWriteBehindCache,
  parseSettings,
  type WriteBehindCache,
} from '@afterwrite/write-behind';
import { Redis } from 'iovalkey';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Authority, type Certificate, makeAuthority } from '../support/certificates.ts';
import { silentLogger } from '../support/world.ts';

/** A status variable of the connection that asks, as an entity: the engine's own connection says how it is encrypted. */
const status = {
  definition: { name: 'status', parseId: String, parseChanges: (changes: unknown) => changes as FieldValues },
  mappings: {
    mysql: {
      loadSql: 'SHOW SESSION STATUS LIKE ?',
      lockSql: '',
      idValue: (id: string) => id,
      rowId: () => '',
      toValue: (row: Readonly<Record<string, unknown>>) => ({ value: String(row.Value) }),
      change: (row: Readonly<Record<string, unknown>>) => row,
      write: () => Promise.resolve(),
    },
  },
};

const folder = makeTemporaryDataDir();
let ours: Authority;
let other: Authority;
let right: Certificate;
let mysql: RunningEngine;
let valkey: RunningEngine;
let tlsPort: number;
let db: Connection;
/** Straight to Valkey, also over TLS: it has no other port. */
let hand: Redis;

beforeAll(async () => {
  ours = await makeAuthority(folder.path, 'ours');
  other = await makeAuthority(folder.path, 'other');
  right = ours.issue({ names: ['localhost'], ip: '127.0.0.1' });
  const files = ['--tls-ca-cert-file', ours.file, '--tls-cert-file', right.cert, '--tls-key-file', right.key];
  tlsPort = await freePort();
  [mysql, valkey] = await Promise.all([
    startHere('mysql', []),
    startHere('valkey', ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no', ...files]),
  ]);
  const { host, port, user = '', password = '' } = mysql;
  db = await createConnection({ host, port, user, password });
  await db.query('CREATE DATABASE encrypted');
  hand = new Redis(tlsPort, 'localhost', {
    tls: { ca: readFileSync(ours.file), checkServerIdentity: () => undefined },
  });
  hand.on('error', () => undefined);
  await hand.config('SET', 'port', '0');
});
afterAll(async () => {
  hand.disconnect();
  db.destroy();
  await Promise.all([mysql.stop(), valkey.stop()]);
  await folder.remove();
});
beforeEach(async () => {
  await useForMysql(right);
  await useForValkey(right);
});

/** Not in a container, which has neither these files nor the port. */
async function startHere(name: EngineName, args: readonly string[]): Promise<RunningEngine> {
  const options = { dataDir: folder.path, args };
  return await startEngine(name, { ...options, mode: 'path' }).catch(() =>
    startEngine(name, { ...options, mode: 'debian' }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function useForMysql({ cert, key, ca }: Certificate): Promise<void> {
  await db.query('SET GLOBAL ssl_ca = ?', [ca]);
  await db.query('SET GLOBAL ssl_cert = ?', [cert]);
  await db.query('SET GLOBAL ssl_key = ?', [key]);
  await db.query('ALTER INSTANCE RELOAD TLS');
}

async function useForValkey({ cert, key }: Certificate): Promise<void> {
  await hand.config('SET', 'tls-cert-file', cert, 'tls-key-file', key);
}

async function open(
  changes: Readonly<Record<string, string>> = {},
): Promise<WriteBehindCache<FieldValues, FieldValues>> {
  const settings = parseSettings({
    DB_HOST: 'localhost',
    DB_PORT: String(mysql.port),
    DB_USER: mysql.user,
    DB_PASSWORD: mysql.password,
    DB_NAME: 'encrypted',
    DB_TLS: 'true',
    DB_TLS_CA: ours.file,
    CACHE_HOST: 'localhost',
    CACHE_PORT: String(tlsPort),
    CACHE_TLS: 'true',
    CACHE_TLS_CA: ours.file,
    ...changes,
  });
  return await openWriteBehindCache(status, settings, { logger: silentLogger });
}

/** Opens all the same if nothing refuses it, and closes: what was expected is an error. */
async function refusal(changes: Readonly<Record<string, string>> = {}): Promise<unknown> {
  try {
    const cache = await open(changes);
    await cache.close();
    return 'it was opened';
  } catch (error) {
    return error;
  }
}

async function expectRefused(changes: Readonly<Record<string, string>>, ...says: RegExp[]): Promise<void> {
  const error = await refusal(changes);
  expect(error).toBeInstanceOf(ConfigurationError);
  for (const words of says) expect((error as Error).message).toMatch(words);
}

describe('the right certificate', () => {
  it('both connections are encrypted, each of them: MySQL takes no others, Valkey listens for no others', async () => {
    await db.query('SET GLOBAL require_secure_transport = ON');
    try {
      const cache = await open();
      expect((await cache.get('Ssl_cipher')).value.value).toMatch(/^[A-Z0-9_-]{10,}$/);
      expect((await cache.get('Ssl_version')).value.value).toMatch(/^TLSv1\.[23]$/);
      expect((await cache.get('Ssl_version')).source).toBe('CACHE_HIT');
      await cache.close();
      expect(await hand.config('GET', 'port')).toEqual(['port', '0']);
    } finally {
      await db.query('SET GLOBAL require_secure_transport = OFF');
    }
  });

  it('whoever asks for none gets none: MySQL says so', async () => {
    const cache = await open({ DB_TLS: 'false', DB_TLS_CA: '' });
    expect((await cache.get('Ssl_cipher_list')).value.value).toBe('');
    await cache.close();
  });

  it('Valkey is also known by its address', async () => {
    const cache = await open({ CACHE_HOST: '127.0.0.1' });
    await cache.pingBuffer();
    await cache.close();
  });
});

/** A server takes no certificate on that has expired: it must expire while it is in use. */
const SHORT_MS = 1500;
async function untilExpired({ endsAt }: Certificate): Promise<void> {
  // Certificates know whole seconds.
  if (endsAt < Date.now() + 2 * SHORT_MS)
    await expect.poll(() => Date.now(), { timeout: 5000 }).toBeGreaterThan(endsAt + 1000);
}

const WRONG: readonly [what: string, issue: () => Certificate, says: RegExp][] = [
  ['of another authority', () => other.issue({ names: ['localhost'] }), /authority .*_TLS_CA/],
  ['that expired', () => ours.issue({ names: ['localhost'], lastsMs: SHORT_MS }), /expired.*renew/],
  ['of another host', () => ours.issue({ names: ['db.example'] }), /another host.*_HOST/],
];

describe.each(WRONG)('a certificate %s is refused', (_what, issue, says) => {
  it('of MySQL', async () => {
    const wrong = issue();
    await useForMysql(wrong);
    await untilExpired(wrong);
    await expectRefused({}, says, /MySQL at localhost:\d+/);
  });

  it('of Valkey', async () => {
    const wrong = issue();
    await useForValkey(wrong);
    await untilExpired(wrong);
    const startMs = performance.now();
    await expectRefused({}, says, /Valkey at localhost:\d+/);
    expect(performance.now() - startMs, 'it is not asked again and again').toBeLessThan(1500);
  });
});

describe('refused also where Node is told to trust anybody', () => {
  beforeEach(() => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('a certificate of another authority, or of another host', async () => {
    const wrong = [other.issue({ names: ['localhost'] }), ours.issue({ names: ['db.example'] })];
    for (const certificate of wrong) {
      await useForMysql(certificate);
      await expectRefused({}, /MySQL/);
      await useForMysql(right);
      await useForValkey(certificate);
      await expectRefused({}, /Valkey/);
      await useForValkey(right);
    }
  });
});

describe('never plain instead', () => {
  it('a certificate of nobody that Node knows, where no authority is named', async () => {
    await expectRefused({ DB_TLS_CA: '' }, /MySQL/, /DB_TLS_CA/);
    await expectRefused({ CACHE_TLS_CA: '' }, /Valkey/, /CACHE_TLS_CA/);
  });

  it('a Valkey without TLS', async () => {
    await hand.config('SET', 'port', String(valkey.port));
    try {
      const error = await refusal({ CACHE_PORT: String(valkey.port), CACHE_CONNECT_TIMEOUT_MS: '1000' });
      expect(error).toMatchObject({ message: expect.stringMatching(/Valkey.*CACHE_TLS=false/s) as string });
    } finally {
      await hand.config('SET', 'port', '0');
    }
  });

  it('a MySQL without TLS', async () => {
    await db.query("SET GLOBAL tls_version = ''");
    await db.query('ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR');
    try {
      await expectRefused({}, /MySQL at localhost:\d+/, /DB_TLS=false/);
    } finally {
      await db.query("SET GLOBAL tls_version = 'TLSv1.2,TLSv1.3'");
    }
  });

  it('an address of MySQL: the driver compares names only', () => {
    const away = { DB_HOST: '10.0.0.5', DB_USER: 'app', DB_PASSWORD: 'x' };
    expect(() => parseSettings(away)).toThrow(/DB_HOST: must be a name/);
    expect(() => parseSettings({ ...away, DB_TLS: 'false' })).not.toThrow();
  });
});
