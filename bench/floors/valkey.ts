/** What the same client, with the same limits, reaches on the same server without any of ours in between. */
import { readFileSync } from 'node:fs';
import type { RunningEngine } from '@afterwrite/local-engines';
import { Redis } from 'iovalkey';
import type { Operation } from '../lab/measure.ts';
import { changesOf, flightOf } from '../lab/workload.ts';

const BARE_UPDATE = readFileSync(new URL('bare-update-5.lua', import.meta.url), 'utf8');
/** As CACHE_COMMAND_TIMEOUT_MS: nothing that is used in earnest waits for ever. */
const TIMEOUT_MS = 5000;
const TAG = '{floor.0}';

export interface ValkeyFloor {
  /** The writes of an update by one script. All that is sent was put together before. */
  readonly bareUpdate: Operation;
  /** Two fields of a hash. */
  readonly hset: Operation;
  hgetall(key: string): Promise<unknown>;
  readonly close: () => void;
}

export async function openValkeyFloor(engine: RunningEngine, flights: number): Promise<ValkeyFloor> {
  const client = new Redis({
    host: engine.host,
    port: engine.port,
    lazyConnect: true,
    commandTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    scripts: { bareUpdate: { lua: BARE_UPDATE, numberOfKeys: 5 } },
  });
  await client.connect();
  const scripted = client as unknown as { bareUpdate(...args: string[]): Promise<unknown> };
  const calls = Array.from({ length: flights }, (_, index) => {
    const id = flightOf(index, flights);
    const changes = changesOf(index);
    const tail = JSON.stringify([id, changes, 'bench', null]).slice(1);
    const keys = [`${TAG}:${id}`, `${TAG}:queue`, `${TAG}:seq`, `${TAG}:pending`, `${TAG}:fill:${id}`];
    const fields = Object.entries(changes).flatMap(([name, value]) => [name, JSON.stringify(value)]);
    return [...keys, id, tail, ...fields];
  });
  const hashes = calls.map(([key = '']) => `${key}:hset`);
  return {
    bareUpdate: (index) => scripted.bareUpdate(...(calls[index % flights] ?? [])),
    hset: (index) => client.hset(hashes[index % flights] ?? '', 'departure', 'a', 'arrival', 'b'),
    hgetall: (key) => client.hgetall(key),
    close: () => client.disconnect(),
  };
}
