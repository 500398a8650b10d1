/**
 * Holds a record of what was acknowledged against what the servers hold in the end: `checkHistory`. Reads only; the
 * servers may be at work, and what is accepted after the record was read counts as unrecorded.
 */
import { statSync } from 'node:fs';
import { createPorts, type Settings } from '@afterwrite/write-behind';
import { flightEntity } from '../flight-cache.ts';
import { contentOf, FactFiles } from './facts.ts';
import { readQueues, readStore } from './final-state.ts';
import { judgeFlight } from './judge.ts';
import { readRecord, type RecordLine } from './record.ts';
import { type Finding, type FindingKind, type HistoryReport, noCounts } from './report.ts';

export interface CheckHistoryOptions {
  /** The record, one file a process that wrote. */
  readonly files: readonly string[];
  /** Where the queue and the database are. */
  readonly settings: Settings;
  readonly onProgress?: (line: string) => void;
  /** Every finding; the report has the first few of each kind. */
  readonly onFinding?: (finding: Finding) => void;
  readonly signal?: AbortSignal;
}

/** Of a record; with the facts of the database, three times as much is in memory at once. */
const BYTES_A_FACT_FILE = 16 * 1024 * 1024;
const FACT_FILES = { least: 8, most: 512 };
/** Findings of one kind that the report shows. */
const SHOWN = 5;

/**
 * Memory stays at a few hundred MB; what is read is spread over temporary files of about its size. Throws RecordFormatError,
 * ConfigurationError, BufferUnavailableError, StoreUnavailableError, what the files' system throws, or the signal's reason.
 */
export async function checkHistory(options: CheckHistoryOptions): Promise<HistoryReport> {
  const { files, settings, onProgress = () => undefined, signal } = options;
  const startMs = performance.now();
  const counts = noCounts();
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const wanted = Math.ceil(size / BYTES_A_FACT_FILE);
  const facts = new FactFiles(Math.min(FACT_FILES.most, Math.max(FACT_FILES.least, wanted)));
  try {
    const { lines, epochOrder } = await readFiles(facts, options, size);
    const reading = {
      add: facts.add.bind(facts),
      onUnreadable: () => counts.unreadable++,
      onProgress: (what: string, count: number) => onProgress(`${count.toLocaleString('en')} ${what}`),
      signal,
    };
    const { buffer, store } = createPorts(flightEntity, settings);
    try {
      await buffer.open();
      await readQueues(buffer, settings.QUEUE_PARTITIONS, reading);
    } finally {
      await Promise.all([buffer.close(), store.close()]);
    }
    const { covered, trailRows } = await readStore(settings, reading);
    const { findings, onFinding } = collect(options.onFinding);
    let flights = 0;
    for (const part of facts.byFlight()) {
      signal?.throwIfAborted();
      for (const [id, known] of part) judgeFlight(id, known, { covered, epochOrder, counts, onFinding });
      onProgress(`${(flights += part.size).toLocaleString('en')} flights compared`);
    }
    return { ...counts, lines, trailRows, findings, durationMs: performance.now() - startMs };
  } finally {
    facts.remove();
  }
}

/** Epochs in the order of their first acknowledgement: a partition's epochs follow each other. */
async function readFiles(
  facts: FactFiles,
  { files, signal, onProgress }: CheckHistoryOptions,
  size: number,
): Promise<{ lines: number; epochOrder: Map<string, number> }> {
  const firstSeen = new Map<string, string>();
  let [lines, before] = [0, 0];
  for (const file of files) {
    for await (const chunk of readRecord(file)) {
      signal?.throwIfAborted();
      for (const { line } of chunk) addLine(facts, line, firstSeen);
      lines += chunk.length;
      const share = Math.floor(((before + (chunk.at(-1)?.bytes ?? 0)) / size) * 100);
      onProgress?.(`${lines.toLocaleString('en')} lines of the record (${String(share)}%)`);
    }
    before += statSync(file).size;
  }
  const ordered = [...firstSeen].sort(([, a], [, b]) => (a < b ? -1 : Number(a > b)));
  return { lines, epochOrder: new Map(ordered.map(([epoch], index) => [epoch, index])) };
}

function addLine(facts: FactFiles, line: RecordLine, firstSeen: Map<string, string>): void {
  const { id, outcome, user, comment, version = '', durability = '', key = '', at } = line;
  const what = contentOf({ ...line.changes, user, comment });
  facts.add(['LINE', id, what, outcome, { version, durability, key, at }]);
  if (outcome !== 'acknowledged') return;
  const epoch = version.slice(0, version.indexOf('-'));
  const first = firstSeen.get(epoch);
  if (first === undefined || at < first) firstSeen.set(epoch, at);
}

function collect(report: CheckHistoryOptions['onFinding']) {
  const findings: Finding[] = [];
  const shown = new Map<FindingKind, number>();
  const onFinding = (finding: Finding) => {
    report?.(finding);
    const before = shown.get(finding.kind) ?? 0;
    shown.set(finding.kind, before + 1);
    if (before < SHOWN) findings.push(finding);
  };
  return { findings, onFinding };
}
