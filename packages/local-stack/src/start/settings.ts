/** The variables of `npm start` itself; those of the engine are the functions' business. Every mistake is named. */
import { ConfigurationError, isLoopback } from '@afterwrite/write-behind';
import type { JwtSettings } from '../front/authorizer.ts';
import { MAX_ENVIRONMENTS } from '../lambda/limits.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface StartSettings {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Of Lambda's Invoke API, on the loopback address; 0: one that is free. */
  readonly lambdaPort: number;
  /** Environments of one function at a time. */
  readonly concurrency: number;
  readonly freezes: boolean;
  /** Also on a database that is not this stack's own. */
  readonly allowsLoad: boolean;
  readonly auth: { readonly mode: 'none' } | ({ readonly mode: 'jwt' } & JwtSettings);
}

const DEFAULT_PORT = 3000;
const HIGHEST_PORT = 65_535;
/** Of 80 MB each, ten functions of them. */
const MOST_ENVIRONMENTS = 1000;

/** Throws ConfigurationError, which lists every mistake. */
export function parseStartSettings(environment: Environment): StartSettings {
  const mistakes: string[] = [];
  const text = (name: string, fallback: string) => named(environment, name) ?? fallback;
  const whole = (name: string, fallback: number, [least, most]: readonly [number, number]) => {
    const value = text(name, String(fallback));
    if (/^\d{1,6}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    mistakes.push(`${name}: must be a whole number from ${least} to ${most}`);
    return fallback;
  };
  const host = text('HOST', '127.0.0.1');
  const freezes = text('LAMBDA_FREEZE', 'true');
  if (!['true', 'false', '1', '0'].includes(freezes)) mistakes.push('LAMBDA_FREEZE: must be true or false');
  const settings: StartSettings = {
    host,
    port: whole('PORT', DEFAULT_PORT, [0, HIGHEST_PORT]),
    lambdaPort: whole('LAMBDA_PORT', 0, [0, HIGHEST_PORT]),
    concurrency: whole('LAMBDA_CONCURRENCY', MAX_ENVIRONMENTS, [1, MOST_ENVIRONMENTS]),
    freezes: freezes === 'true' || freezes === '1',
    allowsLoad: named(environment, 'ALLOW_LOAD') === '1',
    auth: parseAuth(environment, host, mistakes),
  };
  if (mistakes.length > 0) {
    throw new ConfigurationError(
      `The configuration is not right.\n${mistakes.map((line) => `  ${line}`).join('\n')}`,
      { mistakes },
    );
  }
  return settings;
}

/** Empty variables count as not set. */
function named(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}

function parseAuth(environment: Environment, host: string, mistakes: string[]): StartSettings['auth'] {
  const mode = named(environment, 'AUTH_MODE') ?? 'none';
  if (mode === 'jwt') return parseJwt(environment, mistakes);
  if (mode === 'iam') {
    mistakes.push('AUTH_MODE: iam needs AWS to check the signatures; here it is none or jwt');
  } else if (mode !== 'none') {
    mistakes.push('AUTH_MODE: must be none, jwt or iam');
  } else if (!isLoopback(host) && environment.ALLOW_UNAUTHENTICATED !== '1') {
    mistakes.push(
      `HOST: ${host} can be reached from other machines, and AUTH_MODE=none lets everybody write; ` +
        'use AUTH_MODE=jwt, or ALLOW_UNAUTHENTICATED=1 if that is meant',
    );
  }
  return { mode: 'none' };
}

function parseJwt(environment: Environment, mistakes: string[]): StartSettings['auth'] {
  const { JWT_JWKS_FILE = '', JWT_ISSUER = '', JWT_AUDIENCE = '' } = environment;
  const audience = JWT_AUDIENCE.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (JWT_JWKS_FILE === '') mistakes.push('JWT_JWKS_FILE: must name a key set file with AUTH_MODE=jwt');
  if (JWT_ISSUER === '') mistakes.push('JWT_ISSUER: must be set with AUTH_MODE=jwt');
  if (audience.length === 0) mistakes.push('JWT_AUDIENCE: must be set with AUTH_MODE=jwt');
  return { mode: 'jwt', keySetFile: JWT_JWKS_FILE, issuer: JWT_ISSUER, audience };
}
