/** `npm run demo`: the write-behind pattern in nine steps, on real servers. */
import { flightDefinition } from '@afterwrite/flights';
import { Command, InvalidArgumentError } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { createPauses, noPauses } from '../demo/pauses.ts';
import { emptyCache, runDemo, STEPS } from '../demo/run-demo.ts';
import { Screen } from '../demo/screen.ts';
import { withFlightStack } from '../stack.ts';

interface DemoOptions {
  readonly interactive?: boolean;
  readonly verbose?: boolean;
  readonly flush?: boolean;
  readonly flightId: string;
}

function parseFlightId(text: string): string {
  try {
    return flightDefinition.parseId(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

const command = new Command()
  .description('Shows write-behind caching in nine steps, on the real servers of CACHE_ENGINE and DB_ENGINE.')
  .option('-i, --interactive', 'wait for Enter between steps')
  .option('-v, --verbose', 'show cache keys and SQL')
  .option(
    '-f, --flush',
    "begin with an empty cache: store what waits, then remove this project's keys",
    false,
  )
  .option('--flight-id <id>', 'the flight to move', parseFlightId, '115')
  .addHelpText(
    'after',
    '\nServers named by CACHE_HOST, QUEUE_HOST and DB_HOST are used (see .env.example); without them local ones are started.',
  );

async function showDemo(options: DemoOptions, context: CommandContext): Promise<void> {
  const { environment, signal, notes, logger } = context;
  const { interactive: isInteractive = false, verbose: isVerbose = false, flush = false, flightId } = options;
  const stackOptions = { environment, signal, logger, onProgress: notes.progress, onNotice: notes.notice };
  await withFlightStack({ ...stackOptions, onReady: notes.clear }, async ({ servers, cache }) => {
    // An unknown flight is told before anything is shown, emptied or cached.
    await cache.verifyConsistency(flightId);
    const screen = new Screen({ stream: process.stdout, environment, isVerbose, steps: STEPS });
    const demo = { cache, servers, flightId, screen, signal };
    const pauses = isInteractive ? createPauses(process.stdin, screen, signal) : noPauses;
    try {
      screen.title(`Write-behind caching in ${String(STEPS)} steps, on flight ${flightId}`);
      for (const { description } of servers.all) screen.line(description);
      if (flush) await emptyCache(demo);
      await runDemo(demo, pauses);
    } finally {
      pauses.close();
    }
  });
}

if (parseCommandLine(command, 'demo')) {
  const options = command.opts<DemoOptions>();
  await runCommand({ isVerbose: options.verbose ?? false }, (context) => showDemo(options, context));
}
