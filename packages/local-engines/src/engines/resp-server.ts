/**
 * What Valkey and Redis have in common, which is all but their names: append-only file on, no eviction, so that what
 * was acknowledged survives a restart.
 */
import { join } from 'node:path';
import { LOOPBACK } from '../os/ports.ts';
import type { EngineDefinition, ServerPlace } from '../types.ts';
import { askValkey } from './resp.ts';

/** The last seconds of the AOF are written at a stop; a few MB at the most. */
const STOP_TIMEOUT_MS = 10_000;

const DURABLE_ARGS = [
  '--appendonly',
  'yes',
  '--appendfsync',
  'everysec',
  '--save',
  '',
  '--maxmemory-policy',
  'noeviction',
] as const;

function serverArgs(place: ServerPlace): readonly string[] {
  return [
    '--bind',
    LOOPBACK,
    '--port',
    String(place.port),
    '--dir',
    join(place.folder, 'data'),
    '--daemonize',
    'no',
    // It would replace the command line, by which we know our own servers.
    '--set-proc-title',
    'no',
    ...DURABLE_ARGS,
  ];
}

type Particulars = Pick<EngineDefinition, 'name' | 'title' | 'programName' | 'readVersion' | 'debian'>;

export function respServer(particulars: Particulars): EngineDefinition {
  return {
    ...particulars,
    container: {
      service: particulars.name,
      internalPort: 6379,
      dataPath: '/data',
      environment: [],
      // Clients come from the bridge's address, and the port is published on the loopback address only.
      command: (args) => [particulars.programName, ...DURABLE_ARGS, '--protected-mode', 'no', ...args],
    },
    stopTimeoutMs: STOP_TIMEOUT_MS,
    serverArgs: (_program, place) => serverArgs(place),
    probe: async (host, port) => {
      const reply = await askValkey({ host, port }, 'PING');
      // With a password set by the caller's arguments the refusal is the answer of a ready server.
      return reply === '+PONG' || (reply?.startsWith('-NOAUTH') ?? false);
    },
  };
}
