/** `npm start`: the whole system on one machine, as it runs on AWS. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { counted } from '../demo/words.ts';
import { type FlightStack, withFlightStack } from '../stack.ts';
import { LogFile } from '../start/log-file.ts';
import { outageNotices } from '../start/outage-notices.ts';
import { requireFreePort } from '../start/ports.ts';
import { type RunningApi, startApi } from '../start/running-api.ts';
import { parseStartSettings } from '../start/settings.ts';

/** All of the ending within 30 s: requests, then the queue, then a few seconds for the servers. */
const REQUEST_GRACE_MS = 10_000;
const DRAIN_LIMIT_MS = 20_000;
/** Another checkout's functions log to their own. */
const LOG_FILE = join(import.meta.dirname, '../../../../.local/functions.log');

const command = new Command()
  .description(
    'Runs the API on this machine: servers, functions behind a local Lambda, HTTP front and schedule. Ctrl-C or ' +
      'SIGTERM finishes the requests under way, stores what waits, and ends it.',
  )
  .option('--built', 'run functions/dist as it is (see `npm run bundle`) instead of bundling the sources')
  .option(
    '--own-database',
    'the database that DB_HOST names is for this alone: make its tables, and fill it with flights when it has none',
  )
  .option('-v, --verbose', 'show what the functions write, and more of what fails');

interface StartOptions {
  readonly built?: boolean;
  readonly ownDatabase?: boolean;
  readonly verbose?: boolean;
}

async function start(
  { built = false, ownDatabase = false, verbose = false }: StartOptions,
  context: CommandContext,
): Promise<void> {
  const { environment, signal, notes, logger } = context;
  const settings = parseStartSettings(environment);
  await requireFreePort(settings);
  const log = new LogFile(LOG_FILE);
  const onLog = (line: string) => {
    log.write(line);
    if (verbose) console.error(line);
  };
  const options = { environment, signal, logger, onProgress: notes.progress, onNotice: notes.notice };
  try {
    await withFlightStack({ ...options, ownsDatabase: ownDatabase }, async (stack) => {
      const { settings: servers, database } = stack.servers;
      const api = await startApi({
        ...options,
        settings,
        servers,
        ownsDatabase: ownDatabase || database.isLocal,
        isBuilt: built,
        onLog,
      });
      try {
        signal.throwIfAborted();
        notes.clear();
        announce(stack, api, log);
        api.figures.onSample(outageNotices(stack.servers, notes.notice));
        await once(signal, 'abort');
      } finally {
        await end(stack, api);
      }
    });
  } finally {
    await log.close();
  }
}

function announce({ servers }: FlightStack, api: RunningApi, log: LogFile): void {
  console.error(servers.all.map(({ description }) => description).join('; '));
  const clients = servers.all.flatMap(({ client }) => client ?? []);
  if (clients.length > 0) console.error(`To look into what was started here: ${clients.join(' ; ')}`);
  console.error(`Lambda's Invoke API: ${api.lambdaEndpoint}; output of the functions: ${log.path}`);
  console.error(`Console: ${api.url}/ ; metrics for Prometheus: ${api.url}/metrics`);
  console.log(`Afterwrite is ready on ${api.url}`);
}

/** The queue is drained while the last requests run: those that wait for their update to be stored end sooner. */
async function end({ cache, servers }: FlightStack, api: RunningApi): Promise<void> {
  // With the load's end in it, so that all ends in time.
  const deadline = new Date(Date.now() + DRAIN_LIMIT_MS);
  // Nobody could drain faster than it fills.
  await api.stopLoad();
  const draining = cache.flushQueue({ deadline }).catch(() => undefined);
  const cut = await api.close(REQUEST_GRACE_MS);
  if (cut > 0)
    console.error(`${counted(cut, 'request')} did not finish and ${cut === 1 ? 'was' : 'were'} cut.`);
  await draining;
  try {
    const { remaining, stopped, storeAway } = await cache.flushQueue({ deadline });
    if (remaining === 0) console.error('Ended; nothing waits.');
    else {
      const why =
        stopped[0]?.message ??
        (storeAway
          ? `${servers.database.title} is away since ${storeAway.since}`
          : 'there was no time to store them');
      console.error(
        `Ended; ${counted(remaining, 'update')} ${remaining === 1 ? 'stays' : 'stay'} in the queue for the next ` +
          `start: ${why}`,
      );
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`Ended; what waits stays in the queue for the next start: ${reason}`);
  }
}

if (parseCommandLine(command, 'start')) {
  const options = command.opts<StartOptions>();
  await runCommand({ isVerbose: options.verbose ?? false }, (context) => start(options, context));
}
