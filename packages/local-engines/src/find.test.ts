import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definitions } from './engines/index.ts';
import { type EngineName, enginesOf, fetchEngine, parseMode, startEngine } from './index.ts';
import { newestMatch } from './os/files.ts';
import { imageOf } from './rungs/containers.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'afterwrite-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A program that only prints a line, on a PATH that has nothing else. */
function fakeProgram(name: string, printed: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\necho '${printed}'\n`);
  chmodSync(join(folder, name), 0o755);
}

function options() {
  const lines: string[] = [];
  const env = { PATH: folder, HOME: folder };
  return { lines, env, cacheDir: folder, dataDir: folder, onProgress: (line: string) => lines.push(line) };
}

describe('the ladder', () => {
  it('refuses a MariaDB under the name mysqld and says so', async () => {
    fakeProgram('mysqld', 'mysqld  Ver 11.8.2-MariaDB-1 for debian-linux-gnu on x86_64');
    await expect(fetchEngine('mysql', { ...options(), mode: 'path' })).rejects.toMatchObject({
      code: 'NO_RUNG_WORKED',
      reasons: [expect.stringContaining('it is MariaDB under the name mysqld, not MySQL') as string],
    });
  });

  it('refuses a MySQL that is too old, and takes one that is not', () => {
    const judge = definitions.mysql.readVersion;
    expect(judge('mysqld  Ver 5.7.44 for Linux on x86_64')).toMatchObject({ ok: false });
    expect(judge('mysqld  Ver 8.0.18 for Linux on x86_64')).toMatchObject({ ok: false });
    expect(judge('/usr/sbin/mysqld  Ver 8.0.19 for Linux')).toEqual({ ok: true, version: '8.0.19' });
    expect(judge('mysqld  Ver 8.4.0 for Linux on x86_64')).toEqual({ ok: true, version: '8.4.0' });
  });

  it('refuses one program under the name of another, and a version that was not asked for', () => {
    const judge = (name: EngineName, printed: string) => definitions[name].readVersion(printed);
    const redis = (version: string) =>
      `Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64`;
    expect(judge('valkey', redis('8.0.2'))).toMatchObject({ ok: false });
    expect(judge('redis', redis('8.0.2'))).toEqual({ ok: true, version: '8.0.2' });
    expect(judge('redis', 'Valkey server v=9.1.2 sha=0 malloc=jemalloc')).toMatchObject({ ok: false });
    expect(judge('redis-7', redis('7.0.15'))).toEqual({ ok: true, version: '7.0.15' });
    expect(judge('redis-7', redis('8.0.2'))).toMatchObject({ ok: false });
    expect(judge('redis', redis('6.2.14'))).toMatchObject({ ok: false });
    const mariadb = 'mariadbd  Ver 11.8.9-MariaDB-4 from Debian for debian-linux-gnu on x86_64';
    expect(judge('mariadb', mariadb)).toEqual({ ok: true, version: '11.8.9' });
    expect(judge('mariadb', 'mysqld  Ver 8.4.0 for Linux on x86_64')).toMatchObject({ ok: false });
    expect(judge('postgresql', 'postgres (PostgreSQL) 18.6 (Debian 18.6-3)')).toEqual({
      ok: true,
      version: '18.6',
    });
    expect(judge('postgresql', 'postgres (PostgreSQL) 13.9')).toMatchObject({ ok: false });
    expect(judge('memcached', 'memcached 1.6.45')).toEqual({ ok: true, version: '1.6.45' });
  });

  it('takes the newest of the versions that stand beside each other', async () => {
    for (const version of ['9.6', '18', '17']) {
      mkdirSync(join(folder, version, 'bin'), { recursive: true });
      fakeProgram(`${version}/bin/postgres`, '');
    }
    expect(await newestMatch(folder, '*/bin/postgres')).toBe(join(folder, '18/bin/postgres'));
    expect(await newestMatch(folder, '*/bin/initdb')).toBeUndefined();
  });

  it('says in one message why each rung failed and what to do', async () => {
    const { lines, ...rest } = options();
    const error: unknown = await startEngine('valkey', rest).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'NO_RUNG_WORKED' });
    const { message } = error as Error;
    expect(message).toMatch(/containers: no Docker daemon answers/);
    expect(message).toMatch(/path: no valkey-server on the PATH/);
    expect(message).toMatch(/debian: this machine has no dpkg/);
    expect(message).toMatch(/start Docker[\s\S]*CACHE_HOST/);
    expect(lines.filter((line) => /valkey: (containers|path|debian): /.test(line))).toHaveLength(3);
  });

  it('takes only the rung that was named', async () => {
    const error: unknown = await startEngine('valkey', { ...options(), mode: 'containers' }).catch(
      (each: unknown) => each,
    );
    expect(error).toMatchObject({ reasons: [expect.stringMatching(/^containers: /) as string] });
  });

  it('knows the values of LOCAL_ENGINES', () => {
    expect(parseMode(undefined)).toBe('auto');
    expect(parseMode('debian')).toBe('debian');
    expect(() => parseMode('docker')).toThrow('must be one of auto, containers, path, debian');
  });
});

describe('the engines of an environment', () => {
  it('are those of CACHE_ENGINE and DB_ENGINE, and with memcached one for the queue', () => {
    expect(enginesOf({})).toMatchObject({ cache: 'valkey', queue: undefined, database: 'mysql' });
    expect(enginesOf({ CACHE_ENGINE: 'memcached', DB_ENGINE: 'postgresql' })).toEqual({
      cache: 'memcached',
      queue: 'valkey',
      database: 'postgresql',
      folder: 'memcached-postgresql',
    });
    // What waits in a queue of before there were others is found again.
    expect(enginesOf({}).folder).toBe('.');
    expect(() => enginesOf({ DB_ENGINE: 'toString' })).toThrow('must be one of mysql, mariadb, postgresql');
  });
});

describe('compose.yaml', () => {
  const text = readFileSync(new URL('../../../compose.yaml', import.meta.url), 'utf8');

  const serviceText = (name: string): string =>
    text.split(/^(?= {2}\S)/m).find((part) => part.startsWith(`  ${name}:`)) ?? '';

  it('names the image of each engine', () => {
    expect(imageOf(text, 'valkey')).toMatch(/^valkey\/valkey:/);
    expect(imageOf(text, 'mysql')).toMatch(/^mysql:8\.4/);
    for (const { container } of Object.values(definitions)) {
      expect(imageOf(text, container.service)).toMatch(/^[a-z/]+:\d+(\.\d+)?$/);
    }
    expect(imageOf(text, 'oracle')).toBeUndefined();
  });

  it('has the server arguments of the engines that are started from here', () => {
    for (const definition of Object.values(definitions)) {
      const lines = definition.container
        .command([])
        .map((arg) => `      - ${/^(yes|no)?$/.test(arg) ? `'${arg}'` : arg}\n`);
      expect(serviceText(definition.container.service)).toContain(lines.join(''));
    }
  });

  it('listens on the loopback address only', () => {
    const published = text.split('\n').filter((line) => /^ +- .*:\d+$/.test(line));
    expect(published).toHaveLength(Object.keys(definitions).length);
    for (const line of published) expect(line).toMatch(/- 127\.0\.0\.1:/);
  });
});
