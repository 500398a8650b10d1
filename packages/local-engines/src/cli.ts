/**
 * For people: `node packages/local-engines/src/cli.ts fetch` makes sure that both engines are there,
 * `run [DATA_DIR]` starts them, on CACHE_PORT and DB_PORT where these are set and on free ports otherwise, prints where
 * they are as one JSON line and stops them at Ctrl-C.
 */
import { join } from 'node:path';
import { fetchEngine } from './fetch.ts';
import { messageOf } from './errors.ts';
import { parseMode } from './find.ts';
import { startEngines } from './start.ts';
import type { EngineName } from './types.ts';

const NAMES: readonly EngineName[] = ['valkey', 'mysql'];

function onProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function fetchBoth(): Promise<void> {
  const mode = parseMode(process.env.LOCAL_ENGINES);
  const fetched = await Promise.all(NAMES.map((name) => fetchEngine(name, { mode, onProgress })));
  for (const engine of fetched) console.log(`${engine.name} ${engine.version} (${engine.source})`);
}

function portsOf({ CACHE_PORT, DB_PORT }: NodeJS.ProcessEnv): Partial<Record<EngineName, number>> {
  return { ...(CACHE_PORT && { valkey: Number(CACHE_PORT) }), ...(DB_PORT && { mysql: Number(DB_PORT) }) };
}

async function runBoth(dataDir: string): Promise<void> {
  const interrupted = new AbortController();
  const stopAsked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // Each of them: npm hands on the Ctrl-C that the terminal has sent us already, and a process that dies of the
      // second one leaves its servers running. How long they may take to stop is limited.
      process.on(signal, () => {
        interrupted.abort(signal);
        resolve();
      });
    }
  });
  // The promise alone would not keep the process alive.
  const keepAlive = setInterval(() => undefined, 60_000);
  try {
    const mode = parseMode(process.env.LOCAL_ENGINES);
    const running = await startEngines(NAMES, {
      mode,
      dataDir,
      onProgress,
      shared: true,
      ports: portsOf(process.env),
      signal: interrupted.signal,
    });
    const places = [...running.engines.values()].map(({ name, host, port, version, source, pid }) => [
      name,
      { host, port, version, source, pid },
    ]);
    console.log(JSON.stringify(Object.fromEntries(places)));
    await stopAsked;
    await running.stopAll();
  } finally {
    clearInterval(keepAlive);
  }
}

async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command === 'fetch') await fetchBoth();
  else if (command === 'run') await runBoth(rest[0] ?? join(process.cwd(), '.local/engines'));
  else {
    console.error('Usage: node packages/local-engines/src/cli.ts fetch | run [DATA_DIR]');
    process.exitCode = 2;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
