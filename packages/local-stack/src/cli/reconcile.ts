/** `npm run reconcile`: compares what is cached with the database, and drops what differs. */
import { ReconcileInterruptedError, reconcileLimits, type ReconcileResult } from '@afterwrite/write-behind';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { counted } from '../demo/words.ts';
import { withFlightStack } from '../stack.ts';

interface ReconcileCommandOptions {
  readonly sample: number;
  readonly all?: boolean;
  readonly rate: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Neither a failure nor a mistake: values that differ are still cached. */
const EXIT_DIFFERENCES_STAY = 3;
/** A line at most this often, where there is no terminal to overwrite it on. */
const PROGRESS_EVERY_MS = 1000;

const { sample, ratePerSecond } = reconcileLimits;

function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number from 1 to ${String(most)}`);
  };
}

const command = new Command()
  .description(
    'Compares cached flights with their rows and drops those that differ, so that the next read loads the row. What ' +
      'has updates that wait for the database is never touched.',
  )
  .option('--sample <count>', 'compare so many, drawn at random', wholeUpTo(sample.most), sample.usual)
  .addOption(new Option('--all', 'compare everything that is cached').conflicts('sample'))
  .option('--rate <count>', 'compare so many a second', wholeUpTo(ratePerSecond.most), ratePerSecond.usual)
  .option('--dry-run', `only report; exit code ${String(EXIT_DIFFERENCES_STAY)} if anything differs`)
  .option('--json', 'the report as one line of JSON')
  .option('-v, --verbose', 'show more of what is done and of what fails');

async function reconcile(options: ReconcileCommandOptions, context: CommandContext): Promise<void> {
  const { environment, signal, notes, logger } = context;
  const { dryRun = false, json = false } = options;
  const report = (result: ReconcileResult) => {
    notes.clear();
    console.log(json ? JSON.stringify(result) : inWords(result, dryRun));
  };
  const stackOptions = { environment, signal, logger, onProgress: notes.progress, onNotice: notes.notice };
  await withFlightStack({ ...stackOptions, onReady: notes.clear }, async ({ cache }) => {
    try {
      const result = await cache.reconcile({
        sample: options.all === true ? 'all' : options.sample,
        ratePerSecond: options.rate,
        repair: !dryRun,
        signal,
        onProgress: everySoOften(({ compared, skipped, chosen, different }) =>
          notes.progress(
            `looked at ${(compared + skipped).toLocaleString('en')} of ${counted(chosen, 'flight')}, ` +
              `${different.toLocaleString('en')} differ`,
          ),
        ),
      });
      report(result);
      signal.throwIfAborted();
      if (dryRun && result.different > 0) process.exitCode = EXIT_DIFFERENCES_STAY;
    } catch (error) {
      if (error instanceof ReconcileInterruptedError) report(error.partial);
      throw error;
    }
  });
}

function everySoOften(show: (result: ReconcileResult) => void): (result: ReconcileResult) => void {
  let shownAtMs = performance.now();
  return (result) => {
    if (performance.now() - shownAtMs < PROGRESS_EVERY_MS) return;
    shownAtMs = performance.now();
    show(result);
  };
}

function inWords(result: ReconcileResult, dryRun: boolean): string {
  const { scanned, compared, different, dropped, skipped, divergenceRate, examples, complete } = result;
  const share = divergenceRate === null ? '' : ` (${(divergenceRate * 100).toFixed(2)}%)`;
  const done = dryRun ? 'none of them dropped' : `${dropped.toLocaleString('en')} of them dropped`;
  return [
    `Compared ${counted(compared, 'flight')} of ${scanned.toLocaleString('en')} that are cached: ` +
      `${different.toLocaleString('en')} ${different === 1 ? 'differs' : 'differ'}${share}` +
      `${different === 0 ? '' : `, ${done}`}; ` +
      `${skipped.toLocaleString('en')} skipped because they have updates that wait, or changed meanwhile.`,
    ...examples.map(({ id, differing }) => `  flight ${id}: ${differing.join(', ')}`),
    ...(different > examples.length ? ['  …'] : []),
    ...(complete ? [] : ['Ended before it was through.']),
  ].join('\n');
}

if (parseCommandLine(command, 'reconcile')) {
  const options = command.opts<ReconcileCommandOptions>();
  await runCommand({ isVerbose: options.verbose ?? false }, (context) => reconcile(options, context));
}
