/** `npm run worker`: stores what waits, every QUEUE_PROCESS_INTERVAL seconds, for machines without a scheduler. */
import type { FlightCache } from '@afterwrite/flights';
import { type FlushResult, runWorker, systemRuntime } from '@afterwrite/write-behind';
import { Command } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { counted, inMs } from '../demo/words.ts';
import type { Servers } from '../servers.ts';
import { withFlightStack } from '../stack.ts';

const command = new Command()
  .description(
    'Stores queued updates every QUEUE_PROCESS_INTERVAL seconds. Ctrl-C or SIGTERM stores what waits and ends it.',
  )
  .option('-v, --verbose', 'show more of what is done and of what fails');

async function work(context: CommandContext): Promise<void> {
  const { environment, signal, notes, logger } = context;
  const options = { environment, signal, logger, onProgress: notes.progress, onNotice: notes.notice };
  await withFlightStack({ ...options, onReady: notes.clear }, async ({ servers, cache }) => {
    const { QUEUE_PROCESS_INTERVAL } = servers.settings;
    console.log(servers.all.map(({ description }) => description).join('; '));
    console.log(
      `Storing queued updates every ${String(QUEUE_PROCESS_INTERVAL)} s. Ctrl-C stores what waits and ends.`,
    );
    await runWorker({
      cache,
      intervalMs: QUEUE_PROCESS_INTERVAL * 1000,
      runtime: systemRuntime(),
      logger,
      signal,
      onRound: (result) => {
        report(result, servers);
      },
    });
    console.log(await end(cache, servers));
  });
}

/** Drains for at most QUEUE_FLUSH_TIMEOUT_MS; the last words. */
async function end(cache: FlightCache, servers: Servers): Promise<string> {
  try {
    const last = await cache.close({ flush: true });
    if (last) report(last, servers);
    return last && last.remaining > 0
      ? `Ended; ${counted(last.remaining, 'update')} could not be stored and stay in the queue.`
      : 'Ended; nothing waits.';
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `Ended; what waits stays in the queue for the next start: ${reason}`;
  }
}

/** One line for a round that did something, or left something. */
function report(result: FlushResult, { database }: Servers): void {
  const { processed, skipped, failed, remaining, batches, stopped, storeAway, timings } = result;
  if (processed + skipped + failed + remaining + stopped.length === 0) return;
  const figures = [
    `stored ${String(processed)}`,
    ...(skipped > 0 ? [`found stored ${String(skipped)}`] : []),
    ...(failed > 0 ? [`parked ${String(failed)}`] : []),
    `waiting ${String(remaining)}`,
    counted(batches, 'transaction'),
    `${database.title} ${inMs(timings.storeMs)}`,
    ...(stopped.length > 0 ? [`stopped ${counted(stopped.length, 'partition')}`] : []),
    ...(storeAway
      ? [`${database.title} is away since ${storeAway.since}, next try in ${inMs(storeAway.retryInMs)}`]
      : []),
  ];
  console.log(`${new Date().toISOString()} ${figures.join(', ')}`);
}

if (parseCommandLine(command, 'worker')) {
  const { verbose = false } = command.opts<{ verbose?: boolean }>();
  await runCommand({ isVerbose: verbose }, work);
}
