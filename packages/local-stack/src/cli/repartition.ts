/** `npm run repartition`: changes QUEUE_PARTITIONS while everything runs, and says what must be started again. */
import { flightEntity } from '@afterwrite/flights';
import {
  abortRepartition,
  type OpenedRepartition,
  openRepartition,
  repartition,
} from '@afterwrite/write-behind';
import { Command, InvalidArgumentError } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { counted } from '../demo/words.ts';
import { startServers } from '../servers.ts';

/** As QUEUE_PARTITIONS has it. */
const MAX_PARTITIONS = 1024;
const MAX_SECONDS = 3600;

function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number from 1 to ${String(most)}`);
  };
}

const command = new Command()
  .description('Changes the number of partitions while writers, readers and flushers run.')
  .option('--to <count>', 'partitions that there shall be', wholeUpTo(MAX_PARTITIONS))
  .option('--within <seconds>', 'longest time in which no update is taken', wholeUpTo(MAX_SECONDS), 60)
  .option('--dry-run', 'only say what there is to do')
  .option('--abort', 'give up a change that was killed before its commit')
  .option('-v, --verbose', 'show more of what is done and of what fails')
  .addHelpText(
    'after',
    '\nKilled at any line, the same command again finishes it. docs/OPERATIONS.md has the procedure.',
  );

interface Options {
  readonly to?: number;
  readonly within: number;
  readonly dryRun?: boolean;
  readonly abort?: boolean;
  readonly verbose?: boolean;
}

async function run({ to = 1, within, dryRun, abort }: Options, context: CommandContext): Promise<void> {
  const { environment, signal, notes, logger } = context;
  const servers = await startServers({
    environment,
    signal,
    onProgress: notes.progress,
    onNotice: notes.notice,
  });
  try {
    const ports = await openRepartition(flightEntity, servers.settings, to, { logger });
    try {
      if (abort) {
        const wasOpen = await abortRepartition(ports);
        console.log(wasOpen ? 'Given up: writers go on as before.' : 'No change is under way.');
      } else if (dryRun) {
        await tell(ports, to);
      } else {
        await change(ports, { to, within, signal, onStep: notes.progress });
      }
    } finally {
      notes.clear();
      await ports.close();
    }
  } finally {
    await servers.stop();
  }
}

/** What a change would have to do. */
async function tell({ cache, store }: OpenedRepartition, to: number): Promise<void> {
  const [{ partitions, change: open }, queues, marks] = await Promise.all([
    store.read(),
    cache.buffer.queues(),
    cache.store.readWatermarks(),
  ]);
  const waiting = queues.reduce((sum, { length }) => sum + length, 0);
  const letters = marks.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
  console.log(`${counted(partitions, 'partition')} now, ${String(to)} wanted; nothing was changed.`);
  console.log(
    `${counted(waiting, 'update')} to be stored first, ${counted(letters, 'dead letter')} to be moved.`,
  );
  if (open)
    console.log(`A change to ${String(open.to)} is under way${open.isCommitted ? ', and committed' : ''}.`);
  for (const [partition, { stopped }] of queues.entries()) {
    if (stopped !== undefined)
      console.log(`Partition ${String(partition)} has stopped: mend it first. ${stopped}`);
  }
}

async function change(
  ports: OpenedRepartition,
  options: { to: number; within: number; signal: AbortSignal; onStep: (step: string) => void },
): Promise<void> {
  const { to, within, signal, onStep } = options;
  const result = await repartition(ports, {
    to,
    limitMs: within * 1000,
    maxAnswers: ports.maxAnswers,
    signal,
    onStep,
  });
  if (result.kind === 'UNCHANGED') {
    console.log(`There are ${counted(to, 'partition')} already: nothing to do.`);
    return;
  }
  const tookMs =
    result.kind === 'CHANGED' ? ` No update was taken for ${String(Math.round(result.closedMs))} ms.` : '';
  console.log(`${String(result.from)} partitions have become ${String(to)}.${tookMs}`);
  console.log(
    `Now set QUEUE_PARTITIONS=${String(to)} wherever this queue is used (.env; on AWS \`variables\` of the stage in ` +
      'infra/settings.ts, then deploy): processes that still count otherwise refuse updates until they are started again.',
  );
}

if (parseCommandLine(command, 'repartition')) {
  const options = command.opts<Options>();
  if (options.to === undefined && !options.abort) {
    console.error('afterwrite: --to is missing. See npm run repartition -- --help');
    process.exitCode = 2;
  } else {
    await runCommand({ isVerbose: options.verbose ?? false }, (context) => run(options, context));
  }
}
