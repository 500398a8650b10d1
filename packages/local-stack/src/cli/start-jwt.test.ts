/** `npm start` with tokens: who calls is told by the token, from the front's authorizer down to the audit trail. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place, type RunningCommand, startCommand } from '../../testing/commands.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'afterwrite';
const TIMES = { departure: '2030-01-01T10:00:00Z', arrival: '2030-01-01T12:00:00Z' };

let place: Place;
let folder: string;
let running: RunningCommand;
let url: string;
let token: (scope: string, more?: { issuer?: string; expires?: string }) => Promise<string>;

beforeAll(async () => {
  place = await makePlace(20, { QUEUE_PROCESS_INTERVAL: '1' });
  folder = await mkdtemp(join(tmpdir(), 'afterwrite-jwt-'));
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const key = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256', use: 'sig' };
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [key] }));
  token = async (scope, { issuer = ISSUER, expires = '5m' } = {}) =>
    await new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', kid: 'test' })
      .setSubject('ann')
      .setIssuer(issuer)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(privateKey);
  running = startCommand('start', [], {
    ...place.environment,
    PORT: '0',
    AUTH_MODE: 'jwt',
    JWT_JWKS_FILE: join(folder, 'keys.json'),
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
  });
  let stdout = '';
  running.child.stdout.on('data', (text: string) => (stdout += text));
  await running.sees('Afterwrite is ready on');
  url = await new Promise<string>((resolve) => {
    const look = () => {
      const found = /ready on (http:\/\/\S+)/.exec(stdout)?.[1];
      if (found) resolve(found);
      else setImmediate(look);
    };
    look();
  });
});
afterAll(async () => {
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
  await place.remove();
  await rm(folder, { recursive: true, force: true });
});

async function patch(authorization: string | undefined, body: object = TIMES): Promise<Response> {
  return await fetch(`${url}/flights/7`, {
    method: 'PATCH',
    headers: {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: JSON.stringify(body),
  });
}

describe('AUTH_MODE=jwt', () => {
  test('refuses what is no token, and what is not ours', async () => {
    const wrong = [
      undefined,
      'Bearer nonsense',
      `Bearer ${await token('flights:write', { issuer: 'https://else.example' })}`,
      `Bearer ${await token('flights:write', { expires: '-1m' })}`,
      `Bearer ${(await token('flights:write')).replace(/\.[^.]+$/, '.AAAA')}`,
    ];
    for (const authorization of wrong) {
      const response = await patch(authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  test('asks for the scope of the route', async () => {
    expect((await patch(`Bearer ${await token('flights:read')}`)).status).toBe(403);
    const headers = { authorization: `Bearer ${await token('flights:read')}` };
    expect((await fetch(`${url}/flights/7`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/queue`, { headers })).status).toBe(403);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const admin = { authorization: `Bearer ${await token('queue:admin')}` };
    for (const path of ['/metrics', '/load', '/stream', '/']) {
      expect((await fetch(`${url}${path}`, { method: 'HEAD' })).status).toBe(401);
      expect((await fetch(`${url}${path}`, { method: 'HEAD', headers })).status).toBe(403);
      expect((await fetch(`${url}${path}`, { method: 'HEAD', headers: admin })).status).toBe(200);
    }
    expect((await fetch(`${url}/console/x`)).status).toBe(401);
    expect((await fetch(`${url}/console/x`, { headers })).status).toBe(403);
    for (const path of ['/load', '/load/stop']) {
      const post = { method: 'POST', body: '{}' };
      const json = { 'content-type': 'application/json' };
      expect((await fetch(`${url}${path}`, { ...post, headers: json })).status).toBe(401);
      expect((await fetch(`${url}${path}`, { ...post, headers: { ...json, ...headers } })).status).toBe(403);
    }
  });

  test('writes the token’s subject into the audit trail, whatever the body says', async () => {
    const authorization = `Bearer ${await token('flights:write')}`;
    expect((await patch(authorization, { ...TIMES, user: 'eve', comment: 'by token' })).status).toBe(202);
    const logged = async () => {
      const [rows] = await place.connection.query<RowDataPacket[]>(
        "SELECT user FROM flight_log WHERE comment = 'by token'",
      );
      return rows.map((row): unknown => row.user);
    };
    await expect.poll(logged, { timeout: 10_000 }).toEqual(['ann']);
  });
});
