import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLambda, testFunction, type TestLambda } from '../../testing/local-lambda.ts';
import { jwtAuthorizer } from './authorizer.ts';
import { HttpFront } from './front.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterwrite-jwt-'));
const keySetFile = join(folder, 'jwks.json');
const settings = { keySetFile, issuer: 'https://issuer.test', audience: ['afterwrite'] };
type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
let keys: Keys;
let place: TestLambda;
let front: HttpFront;

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  writeFileSync(keySetFile, JSON.stringify({ keys: [key] }));
  place = startLambda([testFunction('http')]);
  front = await HttpFront.listen({
    lambda: place.lambda,
    routes: [
      { method: 'GET', path: '/flights/{id}', function: 'http', scope: 'flights:read' },
      { method: 'GET', path: '/health', function: 'http', scope: null },
    ],
    authorize: jwtAuthorizer(settings),
    host: '127.0.0.1',
    port: 0,
    onLog: () => undefined,
  });
});
afterAll(async () => {
  await front.close(1000);
  await place.lambda.close();
  rmSync(folder, { recursive: true });
});

interface TokenOptions {
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string | undefined;
  readonly expires?: string;
  readonly key?: Keys['privateKey'];
}

async function token(options: TokenOptions = {}): Promise<string> {
  const { claims = { scope: 'flights:read flights:write' }, expires = '5m', key = keys.privateKey } = options;
  const { issuer = settings.issuer, audience = 'afterwrite' } = options;
  const draft = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuer(issuer);
  return await draft.setSubject('ada').setAudience(audience).setExpirationTime(expires).sign(key);
}

async function ask(bearer?: string, path = '/flights/1'): Promise<Response> {
  return await fetch(
    `${front.url}${path}`,
    bearer === undefined ? {} : { headers: { authorization: bearer } },
  );
}

test('a good token lets the call through; the claims reach the function as text', async () => {
  const claims = { scope: 'flights:read other', groups: ['a', 'b'], level: 3 };
  const response = await ask(`Bearer ${await token({ claims })}`);
  expect(response.status).toBe(200);
  const { requestContext } = (await response.json()) as { requestContext: Record<string, unknown> };
  expect(requestContext.authorizer).toMatchObject({
    jwt: {
      claims: { sub: 'ada', iss: settings.issuer, aud: 'afterwrite', groups: '[a b]', level: '3' },
      scopes: ['flights:read', 'other'],
    },
  });
});

test('a route without a scope needs no token', async () => {
  expect((await ask(undefined, '/health')).status).toBe(200);
});

test('no token, one that is not valid, and one for others: 401 with a challenge', async () => {
  const stranger = await generateKeyPair('RS256');
  const good = await token();
  const bad = [
    undefined,
    'Basic YTpi',
    'Bearer',
    'Bearer x.y.z',
    `Bearer ${good.slice(0, -4)}AAAA`,
    `Bearer ${await token({ key: stranger.privateKey })}`,
    `Bearer ${await token({ issuer: 'https://other.test' })}`,
    `Bearer ${await token({ audience: 'other' })}`,
    `Bearer ${await token({ expires: '-1m' })}`,
    // A token that says of itself that it needs no signature.
    `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1] ?? ''}.`,
  ];
  for (const bearer of bad) {
    const response = await ask(bearer);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(await response.json()).toMatchObject({ type: 'urn:afterwrite:problem:unauthenticated' });
  }
});

test('a token without the route’s scope: 403', async () => {
  for (const claims of [{}, { scope: 'flights:write' }, { scp: ['queue:admin'] }]) {
    const response = await ask(`Bearer ${await token({ claims })}`);
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain('insufficient_scope');
    expect(await response.json()).toMatchObject({ type: 'urn:afterwrite:problem:forbidden' });
  }
  expect((await ask(`Bearer ${await token({ claims: { scp: ['flights:read'] } })}`)).status).toBe(200);
});

test('a key set that cannot be read is told with the name of its variable', () => {
  const file = join(folder, 'none.json');
  expect(() => jwtAuthorizer({ ...settings, keySetFile: file })).toThrow(/^JWT_JWKS_FILE: .*none\.json/);
  writeFileSync(file, '{}');
  expect(() => jwtAuthorizer({ ...settings, keySetFile: file })).toThrow(/no "keys"/);
});
