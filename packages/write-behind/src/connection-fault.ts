/**
 * What a connection that was refused says of the settings, in words a person can act on. Read from messages, because mysql2
 * puts a code of its own in the place of Node's.
 */
import { ConfigurationError } from './errors.ts';

/** Of the variables that name the server. */
export type Side = 'DB' | 'CACHE' | 'QUEUE';

const FAULTS: readonly (readonly [says: RegExp, advice: (side: Side) => string])[] = [
  [
    /self[- ]signed certificate|unable to (?:get|verify)|certificate signature failure|not trusted|untrusted/i,
    (side) =>
      `its certificate is from an authority that is not trusted: name the right one in ${side}_TLS_CA, a file (PEM)`,
  ],
  [
    /certificate has expired|certificate is not yet valid/i,
    () => 'its certificate has expired or is not valid yet: renew it, or see whether a clock is wrong',
  ],
  [
    /does not match certificate's altnames/i,
    (side) =>
      `its certificate is that of another host: set ${side}_HOST to a name that is in it, and see who answers there`,
  ],
  [
    /does not support (?:secure connection|SSL connections)|wrong version number|packet length too long/i,
    (side) =>
      `it does not speak TLS: switch TLS on there, or set ${side}_TLS=false if nobody can listen in between`,
  ],
  [
    /WRONGPASS|NOAUTH|using password: (?:YES|NO)/,
    (side) =>
      side === 'DB'
        ? 'it does not take DB_USER with this DB_PASSWORD'
        : `it does not take ${side}_USERNAME (or none) with this ${side}_PASSWORD`,
  ],
];

/** undefined for any other failure, which may pass. `where`: as in `MySQL at db.example:3306`. */
export function connectionFault(side: Side, where: string, error: unknown): ConfigurationError | undefined {
  if (!(error instanceof Error)) return undefined;
  // A cluster's client says only that no node would do, and keeps why.
  const { lastNodeError } = error as { lastNodeError?: unknown };
  const { message } = lastNodeError instanceof Error ? lastNodeError : error;
  const advice = FAULTS.find(([says]) => says.test(message))?.[1](side);
  if (advice === undefined) return undefined;
  return new ConfigurationError(`${where} cannot be used: ${advice}. (${message})`, {}, error);
}

/** In words for who took the one database for the other: a server of another kind waits for us to speak first. */
export function noConnection(where: string, timeoutMs: number): string {
  const limit = `No connection to ${where} within ${String(timeoutMs)} ms.`;
  return `${limit} Either it does not answer, or what listens there is not what DB_ENGINE says.`;
}
