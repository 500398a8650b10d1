/**
 * API Gateway's JWT authorizer: signature (RSA only, as there), issuer, audience or client id, times, and then the
 * route's scope. The claims reach the function as text, as API Gateway hands them on.
 */
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Authorizer } from './event.ts';
import { type HttpAnswer, problemAnswer } from './problems.ts';

export interface JwtSettings {
  /** File with the issuer's public keys, a JSON Web Key Set. */
  readonly keySetFile: string;
  readonly issuer: string;
  readonly audience: readonly string[];
}

export type Verdict =
  | { readonly kind: 'ALLOWED'; readonly authorizer: Authorizer | undefined }
  | { readonly kind: 'REFUSED'; readonly answer: HttpAnswer };

export type Authorize = (authorization: string | undefined, scope: string | null) => Promise<Verdict>;

/** Those that API Gateway takes. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512'];

/** AUTH_MODE=none. */
export const allowAll: Authorize = () => Promise.resolve({ kind: 'ALLOWED', authorizer: undefined });

/** Throws when the file cannot be read or is no key set. */
export function jwtAuthorizer({ keySetFile, issuer, audience }: JwtSettings): Authorize {
  const keys = createLocalJWKSet(readKeySet(keySetFile));
  return async (authorization, scope) => {
    // A route without a scope has no authorizer at all.
    if (scope === null) return { kind: 'ALLOWED', authorizer: undefined };
    const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return unauthenticated('Send a bearer token.', 'Bearer');
    const claims = await jwtVerify(token, keys, { issuer, algorithms: ALGORITHMS })
      .then(({ payload }) => payload)
      .catch(() => undefined);
    if (!claims || !isFor(claims, audience)) {
      const challenge = 'Bearer error="invalid_token"';
      return unauthenticated('The token is not valid, not for this API, or no longer good.', challenge);
    }
    const scopes = scopesOf(claims);
    if (scopes.includes(scope)) {
      return { kind: 'ALLOWED', authorizer: { jwt: { claims: textsOf(claims), scopes } } };
    }
    const challenge = `Bearer error="insufficient_scope", scope="${scope}"`;
    const headers = { 'www-authenticate': challenge };
    return {
      kind: 'REFUSED',
      answer: problemAnswer('forbidden', `The token lacks the scope ${scope}.`, headers),
    };
  };
}

function readKeySet(file: string): JSONWebKeySet {
  try {
    const set = JSON.parse(readFileSync(file, 'utf8')) as Partial<JSONWebKeySet> | null;
    if (!Array.isArray(set?.keys)) throw new Error('it has no "keys"');
    return set as JSONWebKeySet;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`JWT_JWKS_FILE: ${file} is not a readable key set: ${reason}`, { cause: error });
  }
}

/** `aud`, and for tokens without one, as Cognito's access tokens are, `client_id`. */
function isFor({ aud, client_id: clientId }: JWTPayload, audience: readonly string[]): boolean {
  const named = aud ?? clientId;
  const names: readonly unknown[] = Array.isArray(named) ? named : [named];
  return names.some((name) => typeof name === 'string' && audience.includes(name));
}

function scopesOf({ scope, scp }: JWTPayload): readonly string[] {
  const claim = scope ?? scp;
  if (Array.isArray(claim)) return claim.filter((each) => typeof each === 'string');
  return typeof claim === 'string' ? claim.split(' ').filter((each) => each !== '') : [];
}

/** Lists become `[a b]`. */
function textsOf(claims: JWTPayload): Record<string, string> {
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => {
      if (Array.isArray(value)) return [name, `[${value.map(String).join(' ')}]`];
      return [name, typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}

function unauthenticated(detail: string, challenge: string): Verdict {
  return {
    kind: 'REFUSED',
    answer: problemAnswer('unauthenticated', detail, { 'www-authenticate': challenge }),
  };
}
