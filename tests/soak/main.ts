/**
 * `npm run test:soak -- --minutes 30 [--seed N] [--folder DIR]`: kills under load for long, and a table at the end. Exit
 * code 0 only if every promise held and enough was done. Leaves nothing behind but, on failure, the records of the rounds
 * that failed.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runSoak, type SoakRow } from './soak.ts';

const USAGE = 'npm run test:soak -- [--minutes N] [--seed N] [--folder DIR]';
const MOST_MINUTES = 24 * 60;
const PROGRESS_EVERY_MS = 5000;

function readArguments(): { minutes: number; seed: number; folder: string } {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      folder: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (values.help || !(minutes > 0 && minutes <= MOST_MINUTES) || !Number.isSafeInteger(seed)) {
    console.error(USAGE);
    process.exit(values.help ? 0 : 2);
  }
  if (values.folder !== undefined) mkdirSync(values.folder, { recursive: true });
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'afterwrite-soak-'));
  return { minutes, seed, folder };
}

const COLUMNS: readonly (readonly [title: string, cell: (row: SoakRow) => string | number])[] = [
  ['setting', ({ name }) => name],
  ['rounds', ({ rounds }) => rounds],
  ['kills', ({ kills }) => kills],
  ['acknowledged', ({ acknowledged }) => acknowledged],
  ['stored once', ({ storedOnce }) => storedOnce],
  ['dead', ({ dead }) => dead],
  ['lost', ({ lost }) => lost],
  ['oldest lost, ms', ({ oldestLostMs }) => Math.round(oldestLostMs)],
  ['doubled', ({ doubled }) => doubled],
  ['out of order', ({ outOfOrder }) => outOfOrder],
  ['unknown', ({ unknown }) => unknown],
  ['KB cut off', ({ cutBytes }) => Math.round(cutBytes / 1024)],
];

function tableOf(rows: readonly SoakRow[]): string {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row).toLocaleString('en'))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return cells.map((row) => row.map(pad).join('  ')).join('\n');
}

async function main(): Promise<void> {
  const { minutes, seed, folder } = readArguments();
  const interruption = new AbortController();
  const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const [name, code] of Object.entries(exitCodes)) {
    process.on(name, () => {
      process.exitCode = code;
      interruption.abort(new Error(`${name}: stopping`));
    });
  }
  const startMs = Date.now();
  const say = (line: string) =>
    console.log(`${String(Math.round((Date.now() - startMs) / 1000))} s: ${line}`);
  console.log(`${String(minutes)} minutes of kills under load, --seed ${String(seed)}`);
  let last = 'starting MySQL';
  let lastAtMs = startMs;
  const onProgress = (line: string) => {
    say(line);
    [last, lastAtMs] = [line, Date.now()];
  };
  const timer = setInterval(() => {
    if (Date.now() - lastAtMs >= PROGRESS_EVERY_MS) say(`… ${last}`);
  }, PROGRESS_EVERY_MS);
  try {
    const result = await runSoak({ minutes, seed, folder, onProgress, signal: interruption.signal });
    console.log(`\n${tableOf(result.rows)}\n`);
    const { acknowledged, kills, troubles } = result;
    console.log(`${acknowledged.toLocaleString('en')} acknowledged updates, ${String(kills)} kills.`);
    if (troubles.length === 0) {
      console.log('0 lost beyond what its setting allows, 0 doubled, 0 out of order.');
      rmSync(folder, { recursive: true });
      return;
    }
    for (const trouble of troubles) console.error(trouble);
    process.exitCode = 1;
    const hasRecords = readdirSync(folder).length > 0;
    if (!hasRecords) rmSync(folder, { recursive: true });
    const where = hasRecords ? ` The records of the rounds that failed are in ${folder}.` : '';
    console.error(`FAILED with --seed ${String(seed)}.${where}`);
  } catch (error) {
    if (!interruption.signal.aborted) {
      console.error(error);
      console.error(`FAILED with --seed ${String(seed)}. Records are in ${folder}.`);
      process.exitCode = 1;
    } else rmSync(folder, { recursive: true, force: true });
  } finally {
    clearInterval(timer);
  }
}

await main();
