/** TLS to PostgreSQL: encrypted and verified, or refused with an error that says what to do; never plain instead. */
import { makeTemporaryDataDir, parseMode, type RunningEngine, startEngine } from '@afterwrite/local-engines';
import { connectDatabase, parseSettings } from '@afterwrite/write-behind';
import { chownSync, chmodSync, copyFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Authority, type Certificate, makeAuthority } from '../support/certificates.ts';

const folder = makeTemporaryDataDir();
let ours: Authority;
let other: Authority;
let server: RunningEngine;
/** Where the server reads its certificate from. */
let place: string;

/** The server reads a key only if it is its own user's, and of nobody else. */
function use({ cert, key }: Certificate): void {
  const { uid, gid } = statSync(join(place, 'PG_VERSION'));
  for (const [from, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    copyFileSync(from, join(place, name));
    chownSync(join(place, name), uid, gid);
    chmodSync(join(place, name), 0o600);
  }
}

const settings = (more: Record<string, string>) =>
  parseSettings({
    DB_ENGINE: 'postgresql',
    DB_HOST: 'localhost',
    DB_PORT: String(server.port),
    DB_USER: 'postgres',
    DB_PASSWORD: '',
    DB_NAME: 'postgres',
    ...more,
  });

async function encryption(more: Record<string, string> = {}) {
  const tls = { DB_TLS: 'true', DB_TLS_CA: ours.file, ...more };
  const connection = await connectDatabase(settings(tls));
  const rows = await connection.rows('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  await connection.close();
  return rows;
}

async function reload(): Promise<void> {
  const connection = await connectDatabase(settings({ DB_TLS: 'false' }));
  await connection.run('SELECT pg_reload_conf()');
  await connection.close();
}

beforeAll(async () => {
  ours = await makeAuthority(folder.path, 'ours');
  other = await makeAuthority(folder.path, 'other');
  server = await startEngine('postgresql', {
    mode: parseMode(process.env.LOCAL_ENGINES),
    dataDir: folder.path,
  });
  const data = readdirSync(folder.path, { recursive: true, withFileTypes: true }).find(
    ({ name, parentPath }) => name === 'PG_VERSION' && parentPath.endsWith('/data'),
  );
  if (!data) throw new Error('no data folder');
  place = data.parentPath;
});
afterAll(async () => {
  await server.stop();
  await folder.remove();
});

it('is refused where the server speaks none, and then encrypted and verified', async () => {
  await expect(encryption()).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringMatching(/does not speak TLS.*DB_TLS=false/) as string,
  });
  use(ours.issue({ names: ['localhost'], ip: '127.0.0.1' }));
  const admin = await connectDatabase(settings({ DB_TLS: 'false' }));
  await admin.run('ALTER SYSTEM SET ssl = on');
  await admin.close();
  await reload();
  await expect.poll(() => encryption()).toEqual([{ ssl: true, version: 'TLSv1.3' }]);
  await expect.poll(() => encryption({ DB_HOST: '127.0.0.1' })).toEqual([{ ssl: true, version: 'TLSv1.3' }]);
});

it('is refused where another authority signed, or another host is named', async () => {
  await expect(encryption({ DB_TLS_CA: other.file })).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('DB_TLS_CA') as string,
  });
  use(ours.issue({ names: ['elsewhere'] }));
  await reload();
  await expect
    .poll(() => encryption().catch(String))
    .toMatch(/certificate is that of another host: set DB_HOST/);
});
