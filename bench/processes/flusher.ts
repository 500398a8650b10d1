/** The worker as it runs everywhere, with a shorter interval. Ends with its parent, or when that lets go of it. */
import { FlightCache } from '@afterwrite/flights';
import { parseSettings, runWorker, stderrLogger, systemRuntime } from '@afterwrite/write-behind';

export interface FlusherOptions {
  readonly intervalMs: number;
}

const { intervalMs } = JSON.parse(process.argv[2] ?? '{}') as FlusherOptions;
const end = new AbortController();
process.once('disconnect', () => end.abort());
// Ctrl-C goes to all processes of a terminal; the parent decides.
process.on('SIGINT', () => undefined);

const cache = await FlightCache.open(parseSettings(process.env));
process.send?.('open');
await new Promise((resolve) => process.once('message', resolve));
await runWorker({
  cache,
  intervalMs,
  runtime: systemRuntime(),
  logger: stderrLogger(),
  signal: end.signal,
  onRound({ stopped }) {
    for (const { partition, message } of stopped)
      process.stderr.write(`partition ${String(partition)}: ${message}\n`);
  },
});
await cache.close();
