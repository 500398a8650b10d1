import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definitions } from './engines/index.ts';
import { fetchEngine, parseMode, startEngine } from './index.ts';
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

  it('refuses a Redis under the name valkey-server', () => {
    const printed = 'Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64';
    expect(definitions.valkey.readVersion(printed)).toMatchObject({ ok: false });
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

describe('compose.yaml', () => {
  const text = readFileSync(new URL('../../../compose.yaml', import.meta.url), 'utf8');

  it('names the image of each engine', () => {
    expect(imageOf(text, 'valkey')).toMatch(/^valkey\/valkey:/);
    expect(imageOf(text, 'mysql')).toMatch(/^mysql:8\.4/);
    expect(imageOf(text, 'postgresql')).toBeUndefined();
  });

  it('has the server arguments of the engines that are started from here', () => {
    for (const definition of Object.values(definitions)) {
      const lines = definition.container
        .command([])
        .map((arg) => `      - ${/^(yes|no)?$/.test(arg) ? `'${arg}'` : arg}\n`);
      expect(text).toContain(lines.join(''));
    }
  });

  it('listens on the loopback address only', () => {
    const published = text.split('\n').filter((line) => /:\d+$/.test(line));
    expect(published).toHaveLength(2);
    for (const line of published) expect(line).toMatch(/- 127\.0\.0\.1:/);
  });
});
