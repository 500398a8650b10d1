/**
 * Free ports. A cluster node also listens on its port + 10,000, so both are checked, and both stay
 * below the range from which Linux takes the ports of outgoing connections (32,768 and up): a port
 * from there can be gone between the choice and the server's bind.
 */
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

export const LOOPBACK = '127.0.0.1';
/** Distance of a cluster node's bus port, fixed by Valkey. */
const CLUSTER_BUS_OFFSET = 10_000;
const LOWEST_PORT = 11_000;
/** The bus port must stay below 32,768. */
const HIGHEST_PORT = 22_700;
/** Of 11,700 ports; to miss this often, nearly all of them would have to be taken. */
const MAX_TRIES = 200;
/** Handed out by this process lately: a server that starts up has not bound its port yet. */
const RECENT_LIMIT = 1_000;
const recent = new Set<number>();

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

export async function chooseFreePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    if (recent.has(port)) continue;
    recent.add(port);
    if (recent.size > RECENT_LIMIT) recent.delete(recent.values().next().value ?? port);
    if ((await isPortFree(port)) && (await isPortFree(port + CLUSTER_BUS_OFFSET))) return port;
  }
  throw new Error(`No free port between ${LOWEST_PORT} and ${HIGHEST_PORT} after ${MAX_TRIES} tries.`);
}
