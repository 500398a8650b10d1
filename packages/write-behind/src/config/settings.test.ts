import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationError } from '../errors.ts';
import { configurationPage } from './document.ts';
import { isLoopback, parseSettings, readEnvironment } from './settings.ts';
import { type Environment, variables } from './variables.ts';

function mistakesOf(environment: Environment): string[] {
  try {
    parseSettings(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    const { message, context } = error as ConfigurationError;
    const mistakes = context.mistakes as string[];
    for (const mistake of mistakes) expect(message).toContain(mistake);
    return mistakes;
  }
  return [];
}

const named = (environment: Environment) => mistakesOf(environment).map((line) => line.split(':')[0]);

const MEMCACHED = { CACHE_ENGINE: 'memcached', QUEUE_HOST: 'localhost' };

describe('parseSettings', () => {
  test('of nothing gives the defaults of the description', () => {
    expect(parseSettings({})).toMatchObject({
      DB_ENGINE: 'mysql',
      DB_HOST: 'localhost',
      DB_PORT: 3306,
      DB_NAME: 'flughafendb',
      DB_USER: 'root',
      DB_PASSWORD: 'password',
      DB_TLS: false,
      CACHE_ENGINE: 'valkey',
      CACHE_HOST: 'localhost',
      CACHE_PORT: 6379,
      CACHE_TTL: 3600,
      CACHE_TLS: false,
      CACHE_CLUSTER: false,
      QUEUE_BATCH_SIZE: 10,
      QUEUE_PROCESS_INTERVAL: 5,
      QUEUE_PARTITIONS: 16,
    });
  });

  test('reads what is set, takes an empty variable for one that is not, and looks at no other', () => {
    const settings = parseSettings({
      DB_PORT: '3307',
      DB_HOST: '',
      CACHE_TTL: '',
      PATH: '/bin',
      DB_TLS: '1',
    });
    expect(settings).toMatchObject({ DB_PORT: 3307, DB_HOST: 'localhost', CACHE_TTL: 3600, DB_TLS: true });
    expect(settings).not.toHaveProperty('PATH');
  });

  test('takes an empty password for a password', () => {
    expect(parseSettings({ DB_PASSWORD: '' }).DB_PASSWORD).toBe('');
    expect(parseSettings({ DB_HOST: 'db.example', DB_USER: 'app', DB_PASSWORD: '' }).DB_PASSWORD).toBe('');
  });

  test('wants user and password of a database elsewhere, and encrypts what leaves the machine', () => {
    expect(named({ DB_HOST: 'db.example' })).toEqual(['DB_USER', 'DB_PASSWORD']);
    expect(named({ DB_HOST: 'db.example', DB_USER: 'app' })).toEqual(['DB_PASSWORD']);
    const away = { DB_HOST: 'db.example', DB_USER: 'app', DB_PASSWORD: 'secret', CACHE_HOST: '10.0.0.5' };
    expect(parseSettings(away)).toMatchObject({ DB_TLS: true, CACHE_TLS: true });
    expect(parseSettings({ ...away, DB_TLS: 'false', CACHE_TLS: '0' })).toMatchObject({
      DB_TLS: false,
      CACHE_TLS: false,
    });
  });

  test.each([
    ['DB_PORT', '0'],
    ['DB_PORT', '65536'],
    ['DB_PORT', '3306.5'],
    ['DB_PORT', ' 3306'],
    ['DB_PORT', '0x10'],
    ['DB_PORT', '1e3'],
    ['CACHE_PORT', '-1'],
    ['CACHE_TTL', 'an hour'],
    ['CACHE_TTL', '0'],
    ['QUEUE_BATCH_SIZE', '0'],
    ['QUEUE_BATCH_SIZE', '10001'],
    ['QUEUE_PARTITIONS', '1025'],
    ['QUEUE_MAX_LENGTH', '9'.repeat(30)],
    ['DB_TLS', 'yes'],
    ['CACHE_CLUSTER', 'TRUE'],
    ['CACHE_NAMESPACE', 'Upper'],
    ['CACHE_NAMESPACE', '{tag}'],
    ['CACHE_NAMESPACE', 'x'.repeat(33)],
    ['DB_ENGINE', 'oracle'],
    ['LOCAL_ENGINES', 'docker'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(named({ [name]: value })).toEqual([name]);
  });

  test('knows where a database is that says nothing but its engine', () => {
    const { DB_PORT, DB_USER } = parseSettings({ DB_ENGINE: 'postgresql' });
    expect({ DB_PORT, DB_USER }).toEqual({ DB_PORT: 5432, DB_USER: 'postgres' });
    expect(parseSettings({ DB_ENGINE: 'mariadb' })).toMatchObject({ DB_PORT: 3306, DB_USER: 'root' });
  });

  test('gives the cache the port of its engine', () => {
    expect(parseSettings({ CACHE_ENGINE: 'redis' }).CACHE_PORT).toBe(6379);
    expect(parseSettings(MEMCACHED)).toMatchObject({ CACHE_PORT: 11_211, QUEUE_PORT: 6379 });
    expect(parseSettings({ ...MEMCACHED, CACHE_PORT: '7' }).CACHE_PORT).toBe(7);
  });

  test('3 refuses memcached without a server that can keep the queue, and says why', () => {
    expect(mistakesOf({ CACHE_ENGINE: 'memcached' })).toEqual([
      expect.stringMatching(/^QUEUE_HOST: must name a Valkey or a Redis.*neither a queue.*in one step$/),
    ]);
    for (const CACHE_ENGINE of ['valkey', 'redis']) {
      expect(mistakesOf({ CACHE_ENGINE, QUEUE_HOST: 'queue.example' })).toEqual([
        expect.stringMatching(/^QUEUE_HOST: must not be set .*own server$/),
      ]);
    }
  });

  test("encrypts what leaves the machine for the queue's server, whatever the cache does", () => {
    const settings = { CACHE_ENGINE: 'memcached', QUEUE_HOST: 'queue.example' };
    expect(parseSettings(settings)).toMatchObject({
      CACHE_TLS: false,
      QUEUE_TLS: true,
      QUEUE_CLUSTER: false,
    });
    expect(parseSettings({ ...settings, QUEUE_HOST: '127.0.0.1' }).QUEUE_TLS).toBe(false);
    expect(parseSettings({ ...settings, QUEUE_TLS: 'false' }).QUEUE_TLS).toBe(false);
  });

  test.each<[string, Environment]>([
    ['QUEUE_FLUSH_CONCURRENCY', { QUEUE_FLUSH_CONCURRENCY: '8', DB_POOL_SIZE: '8' }],
    ['QUEUE_BATCH_SIZE', { QUEUE_BATCH_SIZE: '101', QUEUE_BATCH_ROWS: '100' }],
    ['QUEUE_ITEM_BYTES', { QUEUE_ITEM_BYTES: '70000', QUEUE_BATCH_BYTES: '65536' }],
    ['CACHE_PASSWORD', { CACHE_USERNAME: 'app' }],
    ['DB_TLS_CA', { DB_TLS_CA: '/ca.pem' }],
    ['DB_HOST', { DB_HOST: '10.0.0.5', DB_USER: 'app', DB_PASSWORD: 'secret' }],
    ['DB_HOST', { DB_HOST: '2001:db8::5', DB_USER: 'app', DB_PASSWORD: 'secret', DB_TLS: 'true' }],
    ['CACHE_TLS_CA', { CACHE_TLS_CA: '/ca.pem', CACHE_TLS: 'false' }],
    ['QUEUE_PASSWORD', { ...MEMCACHED, QUEUE_USERNAME: 'app' }],
    ['QUEUE_TLS_CA', { ...MEMCACHED, QUEUE_TLS_CA: '/ca.pem', QUEUE_TLS: 'false' }],
    ['CACHE_PASSWORD', { ...MEMCACHED, CACHE_PASSWORD: 'secret' }],
    ['CACHE_CLUSTER', { ...MEMCACHED, CACHE_CLUSTER: 'true' }],
    ['QUEUE_LEASE_MS', { QUEUE_LEASE_MS: '3000', CACHE_WAIT_MS: '3000' }],
    ['DB_LOCK_WAIT_SECONDS', { DB_LOCK_WAIT_SECONDS: '20', DB_STATEMENT_TIMEOUT_MS: '20000' }],
  ])('sees where %s contradicts another', (name, environment) => {
    expect(named(environment)).toEqual([name]);
  });

  test('names every mistake in one error, whatever its kind', () => {
    const environment = {
      DB_PORT: 'x',
      CACHE_TTL: '0',
      DB_HOST: 'db.example',
      DB_ENGINE: 'oracle',
      QUEUE_ITEM_BYTES: '70000',
      QUEUE_BATCH_BYTES: '65536',
    };
    expect(named(environment).sort()).toEqual(
      ['CACHE_TTL', 'DB_ENGINE', 'DB_PASSWORD', 'DB_PORT', 'DB_USER', 'QUEUE_ITEM_BYTES'].sort(),
    );
  });

  test('does not call a variable contradictory that was refused by itself', () => {
    expect(named({ QUEUE_BATCH_SIZE: 'x', QUEUE_BATCH_ROWS: '5' })).toEqual(['QUEUE_BATCH_SIZE']);
  });

  test('never shows a password', () => {
    const secret = 'hunter2';
    const passwords = { DB_PASSWORD: secret, CACHE_PASSWORD: secret, QUEUE_PASSWORD: secret };
    const mistakes = mistakesOf({ ...passwords, DB_PORT: 'x' });
    expect(mistakes.join()).not.toContain(secret);
    const settings = parseSettings(passwords);
    expect(`${JSON.stringify(settings)} ${inspect({ settings }, { showHidden: true })}`).not.toContain(
      secret,
    );
    expect({ ...settings }).toMatchObject(passwords);
  });
});

describe('isLoopback', () => {
  test.each(['localhost', '127.0.0.1', '127.8.9.10', '::1', '[::1]'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  test.each(['127.0.0.1.example', 'localhost.example', '0.0.0.0', '10.0.0.1', '::', ''])(
    '%s may be another',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe('readEnvironment', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'settings-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('lays the environment over the file, and changes nothing', () => {
    const file = join(folder, '.env');
    writeFileSync(file, '# mine\nDB_HOST=from-file\nDB_NAME="from file"\nCACHE_TTL=60\n');
    const environment = { DB_HOST: 'from-environment', QUEUE_BATCH_SIZE: '7' };
    const before = process.env.DB_NAME;
    expect(readEnvironment(file, environment)).toEqual({
      DB_HOST: 'from-environment',
      DB_NAME: 'from file',
      CACHE_TTL: '60',
      QUEUE_BATCH_SIZE: '7',
    });
    expect(environment).toEqual({ DB_HOST: 'from-environment', QUEUE_BATCH_SIZE: '7' });
    expect(process.env.DB_NAME).toBe(before);
  });

  test('takes a file that is not there for an empty one', () => {
    expect(readEnvironment(join(folder, '.env'), { A: '1' })).toEqual({ A: '1' });
  });
});

describe('configurationPage', () => {
  test('has a line for each variable, with its default and what it is for', () => {
    const page = configurationPage();
    for (const name of Object.keys(variables.shape))
      expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\|.*\\w+.* \\|$`, 'm'));
    expect(page).toContain('| `DB_PORT` | `3306, of PostgreSQL 5432` | 1 to 65535 |');
    expect(page).toContain('| `CACHE_ENGINE` | `valkey` | valkey, redis, memcached |');
    // Not for this machine only.
    expect(page).not.toContain('`password` |');
  });
});
