/**
 * memcached: it has no data, so what stands in its folder is its log and its version. UDP is off, because a datagram's
 * sender can be forged.
 */
import { join } from 'node:path';
import { LOOPBACK } from '../os/ports.ts';
import { converse } from '../os/socket.ts';
import type { EngineDefinition } from '../types.ts';
import { judgeVersion } from './version.ts';

/** It has nothing to write at a stop, and takes a second over it. */
const STOP_TIMEOUT_MS = 0;

/** Of keys and values; beyond it the least recently used are evicted. */
const ARGS = ['--memory-limit=64', '--udp-port=0'] as const;

/** One line to one command of memcached's text protocol; undefined when it does not answer. */
export function askMemcached(
  place: { readonly host: string; readonly port: number },
  send: string,
): Promise<string | undefined> {
  const read = (received: Buffer): string | undefined => {
    const end = received.indexOf('\r\n');
    return end < 0 ? undefined : received.toString('utf8', 0, end);
  };
  return converse({ host: place.host, port: place.port, send: `${send}\r\n`, read });
}

export const memcached: EngineDefinition = {
  name: 'memcached',
  title: 'memcached',
  programName: 'memcached',
  readVersion: (printed) =>
    judgeVersion(printed, { title: 'memcached', pattern: /^memcached (\d+\.\d+\.\d+)/m, oldest: '1.6.0' }),
  debian: { packages: ['memcached'], program: 'usr/bin/memcached' },
  container: {
    service: 'memcached',
    internalPort: 11_211,
    dataPath: undefined,
    environment: [],
    command: (args) => ['memcached', ...ARGS, ...args],
  },
  stopTimeoutMs: STOP_TIMEOUT_MS,
  serverArgs: (_program, place) => [
    `--listen=${LOOPBACK}`,
    `--port=${place.port}`,
    // The folder must be on the command line, by which we know our own servers.
    `--pidfile=${join(place.folder, 'data/memcached.pid')}`,
    ...ARGS,
    // It refuses to run as root unless it is told so.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ],
  probe: async (host, port) =>
    (await askMemcached({ host, port }, 'version'))?.startsWith('VERSION ') ?? false,
};
