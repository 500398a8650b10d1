/**
 * For people: `node packages/local-engines/src/cli.ts fetch [ENGINE…]` makes sure that engines are there, `all` of them
 * if that is asked for; `run [DATA_DIR [ENGINE…]]` starts them, on CACHE_PORT, QUEUE_PORT and DB_PORT where these are set
 * and on free ports otherwise, prints where they are as one JSON line and stops them at Ctrl-C.
 * Without names they are those that CACHE_ENGINE and DB_ENGINE of the environment or of `.env` ask for.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ALL_ENGINES, engineNamed, enginesOf } from './choose.ts';
import { fetchEngine } from './fetch.ts';
import { messageOf } from './errors.ts';
import { parseMode } from './find.ts';
import { startEngines } from './start.ts';
import type { EngineName, Environment } from './types.ts';

function onProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function namesOf(asked: readonly string[], environment: Environment): readonly EngineName[] {
  if (asked.length > 0) return asked.map(engineNamed);
  const { cache, queue, database } = enginesOf(environment);
  return [cache, queue, database].filter((name) => name !== undefined);
}

async function fetchEach(asked: readonly string[], environment: Environment): Promise<void> {
  const mode = parseMode(environment.LOCAL_ENGINES);
  const names = asked[0] === 'all' ? ALL_ENGINES : namesOf(asked, environment);
  const fetched = await Promise.all(names.map((name) => fetchEngine(name, { mode, onProgress })));
  for (const engine of fetched) console.log(`${engine.name} ${engine.version} (${engine.source})`);
}

function portsOf(environment: Environment): Partial<Record<EngineName, number>> {
  const { cache, queue, database } = enginesOf(environment);
  const { CACHE_PORT, QUEUE_PORT, DB_PORT } = environment;
  const wanted = [
    [cache, CACHE_PORT],
    [queue, QUEUE_PORT],
    [database, DB_PORT],
  ] as const;
  return Object.fromEntries(wanted.flatMap(([name, port]) => (name && port ? [[name, Number(port)]] : [])));
}

async function runEach(
  dataDir: string,
  names: readonly EngineName[],
  environment: Environment,
): Promise<void> {
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
    const mode = parseMode(environment.LOCAL_ENGINES);
    const running = await startEngines(names, {
      mode,
      dataDir,
      onProgress,
      shared: true,
      ports: portsOf(environment),
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
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  const environment = { ...file, ...process.env };
  if (command === 'fetch') await fetchEach(rest, environment);
  else if (command === 'run') {
    const ofPair = join(process.cwd(), '.local/engines', enginesOf(environment).folder);
    const [dataDir = ofPair, ...asked] = rest;
    await runEach(dataDir, namesOf(asked, environment), environment);
  } else {
    console.error(
      'Usage: node packages/local-engines/src/cli.ts fetch [all | ENGINE…] | run [DATA_DIR [ENGINE…]]',
    );
    process.exitCode = 2;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
