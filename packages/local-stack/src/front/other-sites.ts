/**
 * Pages of other sites in the browser of whoever runs this. With AUTH_MODE=none everybody on this machine may call, and the
 * browser is on this machine: any page may send it a simple POST, and one whose name its owner points at 127.0.0.1
 * afterwards (DNS rebinding) may even read the answers. Browsers say where a request comes from, and by which name it was
 * sent here; programs say no other name than the one that they were given.
 */
import type { IncomingMessage } from 'node:http';
import { isLoopback } from '@afterwrite/write-behind';
import { type HttpAnswer, problemAnswer } from './problems.ts';

/** Another port of this machine (`same-site`) is another page, too. */
export function refusalOfOtherSite({ method = '', headers }: IncomingMessage): HttpAnswer | undefined {
  const site = headers['sec-fetch-site'];
  if ((site !== 'cross-site' && site !== 'same-site') || method === 'GET' || method === 'HEAD')
    return undefined;
  return problemAnswer('forbidden', 'A page of another site must not ask for this.');
}

/** Only for a front that is bound to the loopback address: other machines have many names for this one. */
export function refusalOfOtherName({ headers }: IncomingMessage, boundHost: string): HttpAnswer | undefined {
  const { host } = headers;
  // HTTP/1.0: no browser speaks it.
  if (host === undefined) return undefined;
  const name = nameOf(host);
  if (isLoopback(name) || name.endsWith('.localhost') || name === boundHost.toLowerCase()) return undefined;
  return problemAnswer('forbidden', 'This API is for this machine: call it as localhost or 127.0.0.1.');
}

/** Without the port and a last dot: `[::1]:3000`, `localhost:3000`, `127.0.0.1`. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}
