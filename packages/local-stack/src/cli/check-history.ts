/** `npm run check-history -- FILE...`: what became of each update of which a record says that it was acknowledged. */
import { existsSync } from 'node:fs';
import {
  checkHistory,
  type Finding,
  type FindingKind,
  type HistoryReport,
  isClean,
} from '@afterwrite/flights/history';
import { Command } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { requireTables } from '../database.ts';
import { counted } from '../demo/words.ts';
import { startServers } from '../servers.ts';
import { createStyle, isFancy } from '../terminal/style.ts';

interface Options {
  readonly json?: boolean;
  readonly otherWriters?: boolean;
  readonly verbose?: boolean;
}

const command = new Command()
  .description(
    'Compares a record of acknowledged updates with the queue, the dead letters, the audit trail and the flights.',
  )
  .argument('<file...>', 'the record: JSON lines, one file a process that wrote; see docs/OPERATIONS.md')
  .option('--json', 'print the whole report as JSON, and nothing else')
  .option(
    '--other-writers',
    'something else writes flights, too: broken chains and wrong rows are no failure',
  )
  .option('-v, --verbose', 'show more of what is done and of what fails')
  .addHelpText(
    'after',
    '\nReads only, also while writers and flushers are at work. Ends with 0 when nothing was lost, doubled, stored out of\n' +
      'order or otherwise wrong, with 1 when something was or could not be read.',
  );

const PROGRESS_EVERY_MS = 1000;

/** What a person does about it. */
const ADVICE: Readonly<Record<FindingKind, string>> = {
  LOST: 'Send it again unless a newer one has replaced it: the record has its content. Then see docs/CONSISTENCY.md, "What a lost Valkey costs".',
  DOUBLED: 'Delete the surplus audit rows. No setting allows this: report it with the record.',
  OUT_OF_ORDER: 'Compare the flight with its newest acknowledged update. No setting allows this: report it.',
  REFUSED_BUT_STORED: 'The caller believes that it was not accepted. No setting allows this: report it.',
  BROKEN_CHAIN: 'Find out what else writes flights (--other-writers), or which audit rows were removed.',
  WRONG_ROW: 'Find out what else writes flights (--other-writers), or send the newest update again.',
};

async function check(files: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { environment, signal, notes } = context;
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`There is no file ${missing}.`);
  const servers = await startServers({
    environment,
    signal,
    onProgress: notes.progress,
    onNotice: notes.notice,
  });
  try {
    await requireTables(servers.settings, signal);
    const onProgress = atMostEvery(PROGRESS_EVERY_MS, notes.progress);
    const report = await checkHistory({ files, settings: servers.settings, signal, onProgress });
    notes.clear();
    const clean = isClean(report, { hasOtherWriters: options.otherWriters ?? false });
    if (options.json) console.log(JSON.stringify({ clean, ...report }));
    else {
      console.log(servers.all.map(({ description }) => description).join('; '));
      for (const line of inWords(report, clean)) console.log(line);
    }
    if (!clean) process.exitCode = 1;
  } finally {
    await servers.stop();
  }
}

function atMostEvery(ms: number, show: (line: string) => void): (line: string) => void {
  let shownMs = -Infinity;
  return (line) => {
    if (performance.now() - shownMs < ms) return;
    shownMs = performance.now();
    show(line);
  };
}

function inWords(report: HistoryReport, clean: boolean): string[] {
  const { table, bold, good, notable } = createStyle({
    isFancy: isFancy(process.stdout, process.env),
    columns: process.stdout.columns,
  });
  const figures: readonly (readonly [name: string, count: number])[] = [
    ['acknowledged', report.acknowledged],
    ['  stored once', report.storedOnce],
    ['  pending: in the queue', report.pending],
    ['  dead: among the dead letters', report.dead],
    ['  LOST', report.lost],
    ['  DOUBLED', report.doubled],
    ['  OUT OF ORDER', report.outOfOrder],
    ['outcome unknown', report.unknown],
    ['  found: stored, waiting or parked', report.unknownFound],
    ['refused, and stored all the same', report.refusedButStored],
    ['audit rows with other old values than the row before left', report.brokenChains],
    ['flights that are not as their last audit row says', report.wrongRows],
    ['not in the record', report.unrecorded],
    ['queue items and dead letters that cannot be read', report.unreadable],
  ];
  const rows = figures.map(([name, count]) => [name, count.toLocaleString('en')]);
  const seconds = (report.durationMs / 1000).toFixed(1);
  const read = `${counted(report.lines, 'line')} of the record, ${counted(report.trailRows, 'audit row')}, ${seconds} s`;
  return [
    ...report.findings.map(finding),
    ...new Set(report.findings.map(({ kind }) => `${kind.replaceAll('_', ' ')}: ${ADVICE[kind]}`)),
    ...table({ head: [read, 'updates'], rows }),
    clean
      ? good('Nothing acknowledged is missing, doubled or out of order.')
      : bold(notable('Promises were broken.')),
  ];
}

function finding({ kind, flightId, version, at, detail }: Finding): string {
  const update = version === undefined ? '' : ` ${version} of ${at ?? '?'}`;
  return `${kind.replaceAll('_', ' ')}: flight ${flightId}${update}: ${detail}`;
}

if (parseCommandLine(command, 'check-history')) {
  const options = command.opts<Options>();
  await runCommand({ isVerbose: options.verbose ?? false }, (context) =>
    check(command.args, options, context),
  );
}
