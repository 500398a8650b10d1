/**
 * Who calls, and whether they may: checked here too, not only at the gateway. The caller comes from the request context,
 * which only the gateway can write, never from a header or a body.
 */
import type { Scope } from '../routes.ts';
import { Problem } from './problem.ts';

export type AuthMode = 'none' | 'jwt' | 'iam';

export interface Caller {
  /** JWT `sub` or IAM principal; null where nobody is authenticated (`AUTH_MODE=none`). */
  readonly principal: string | null;
}

export interface AuthSettings {
  readonly mode: AuthMode;
  /** `AUTH_MODE=none` also for callers that are not on this machine. */
  readonly allowUnauthenticated: boolean;
}

/** The parts of API Gateway's request context that say who calls. */
export interface CallerContext {
  readonly http: { readonly sourceIp: string };
  readonly authorizer?: {
    readonly jwt?: {
      readonly claims: Readonly<Record<string, unknown>>;
      readonly scopes?: readonly string[] | null;
    };
    readonly iam?: { readonly userArn?: string | null };
  };
}

export function readAuthSettings(environment: Readonly<Record<string, string | undefined>>): AuthSettings {
  const mode = environment.AUTH_MODE ?? 'iam';
  if (mode !== 'none' && mode !== 'jwt' && mode !== 'iam') {
    throw new Error(`AUTH_MODE is '${mode}'; it must be none, jwt or iam`);
  }
  return { mode, allowUnauthenticated: environment.ALLOW_UNAUTHENTICATED === '1' };
}

/** Throws a Problem (401, 403) where the caller is not known or may not. */
export function authorise(settings: AuthSettings, context: CallerContext, scope: Scope | null): Caller {
  if (settings.mode === 'none') return unauthenticated(settings, context);
  if (settings.mode === 'iam') {
    const principal = context.authorizer?.iam?.userArn;
    if (principal === undefined || principal === null || principal === '') {
      if (scope === null) return { principal: null };
      throw new Problem('unauthenticated', 'Sign the request with AWS credentials.');
    }
    // What a principal may call is its IAM policy's business: execute-api:Invoke on the route.
    return { principal };
  }
  const jwt = context.authorizer?.jwt;
  const subject = jwt?.claims.sub;
  if (typeof subject !== 'string' || subject === '') {
    if (scope === null) return { principal: null };
    throw new Problem('unauthenticated', 'Send a bearer token.', {}, { 'www-authenticate': 'Bearer' });
  }
  if (jwt && scope !== null && !scopesOf(jwt).has(scope)) {
    throw new Problem('forbidden', `The token lacks the scope ${scope}.`);
  }
  return { principal: subject };
}

function unauthenticated({ allowUnauthenticated }: AuthSettings, { http }: CallerContext): Caller {
  if (!allowUnauthenticated && !isLoopbackAddress(http.sourceIp)) {
    throw new Problem(
      'forbidden',
      'AUTH_MODE=none answers callers on this machine only. Set AUTH_MODE=jwt or iam, or ALLOW_UNAUTHENTICATED=1.',
    );
  }
  return { principal: null };
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}

/** The authorizer's list where it made one, else the `scope` claim (RFC 8693) or Cognito's and Okta's `scp`. */
function scopesOf(jwt: NonNullable<NonNullable<CallerContext['authorizer']>['jwt']>): Set<string> {
  const { scopes, claims } = jwt;
  if (scopes && scopes.length > 0) return new Set(scopes);
  const claim = claims.scope ?? claims.scp;
  if (Array.isArray(claim)) return new Set(claim.filter((each) => typeof each === 'string'));
  return new Set(typeof claim === 'string' ? claim.split(' ') : []);
}
