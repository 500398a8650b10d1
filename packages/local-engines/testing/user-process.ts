/**
 * A process of its own that uses a Valkey, for tests that kill the user of a server. Started with
 * the start options as JSON; says each thing it did as one JSON line; stops the server at `stop`.
 * Without a `dataDir` it makes a temporary one.
 */
import { createInterface } from 'node:readline';
import { makeTemporaryDataDir, startEngine, type StartOptions } from '../src/index.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as Partial<StartOptions>;
const dataDir = options.dataDir ?? makeTemporaryDataDir().path;
const engine = await startEngine('valkey', { ...options, dataDir });
console.log(JSON.stringify({ port: engine.port, pid: engine.pid, dataDir }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'stop') continue;
  await engine.stop();
  console.log(JSON.stringify({ stopped: true }));
  break;
}
process.stdin.destroy();
