/** Rounds of all settings in turn until the time is over, and what they add up to. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryCounts } from '@afterwrite/flights/history';
import { randomFrom } from '../support/random.ts';
import { type RoundResult, runRound } from './round.ts';
import { Server } from './servers.ts';
import { SETTINGS, type SoakSetting } from './settings.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Gets a folder of records for each round; those of rounds without trouble are removed. */
  readonly folder: string;
  /** A line when a round begins, and one when it has ended. */
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly settings?: readonly SoakSetting[];
}

type Sums = Pick<
  HistoryCounts,
  'acknowledged' | 'storedOnce' | 'dead' | 'lost' | 'doubled' | 'outOfOrder' | 'unknown'
>;

export interface SoakRow extends Sums {
  readonly name: string;
  rounds: number;
  kills: number;
  cutBytes: number;
  oldestLostMs: number;
}

export interface SoakResult {
  readonly rows: readonly SoakRow[];
  readonly acknowledged: number;
  readonly kills: number;
  readonly wanted: { readonly acknowledged: number; readonly kills: number };
  /** Broken promises, and too little done; empty when all is well. */
  readonly troubles: readonly string[];
}

/** What half an hour must come to; scaled to the minutes given. */
const WANTED_IN_30_MINUTES = { acknowledged: 1_000_000, kills: 200 };
const LOAD_MS = { least: 3000, most: 40_000 };
/** Long enough for writers to come back to full speed, short enough to meet them while they do. */
const PAUSE_MS = 4000;
/** Starting, draining and checking of a round, about; more than twice as long on a busy machine. */
const AROUND_ROUND_MS = 8000;

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { minutes, seed, settings = SETTINGS, signal } = options;
  const totalMs = minutes * 60_000;
  const endMs = Date.now() + totalMs;
  const durationMs = Math.min(
    LOAD_MS.most,
    Math.max(LOAD_MS.least, totalMs / settings.length - 2 * AROUND_ROUND_MS),
  );
  const rows = settings.map(({ name }) => emptyRow(name));
  const troubles: string[] = [];
  const mysql = new Server('mysql');
  try {
    await mysql.start();
    // Each setting once at least.
    for (let round = 0; round < settings.length || Date.now() + durationMs < endMs; round++) {
      signal?.throwIfAborted();
      const index = round % settings.length;
      const [setting, row] = [settings[index], rows[index]];
      if (!setting || !row) break;
      options.onProgress(`round ${String(round)}: ${setting.name}`);
      const folder = join(options.folder, `round-${String(round)}`);
      const place = { setting, mysql, random: randomFrom(seed + round), folder, signal };
      const result = await runRound({ ...place, durationMs, pauseMs: PAUSE_MS });
      add(row, result);
      options.onProgress(lineOf(round, setting, result, rows));
      troubles.push(
        ...result.troubles.map((trouble) => `round ${String(round)}, ${setting.name}: ${trouble}`),
      );
      if (result.troubles.length === 0) rmSync(folder, { recursive: true });
    }
  } finally {
    await mysql.remove();
  }
  return judged(rows, troubles, minutes);
}

function judged(rows: readonly SoakRow[], troubles: string[], minutes: number): SoakResult {
  const sum = (name: 'acknowledged' | 'kills') => rows.reduce((total, row) => total + row[name], 0);
  const scaled = (count: number) => Math.floor((count * minutes) / 30);
  const wanted = {
    acknowledged: scaled(WANTED_IN_30_MINUTES.acknowledged),
    kills: scaled(WANTED_IN_30_MINUTES.kills),
  };
  const [acknowledged, kills] = [sum('acknowledged'), sum('kills')];
  if (acknowledged < wanted.acknowledged) {
    troubles.push(`${String(acknowledged)} updates were acknowledged, not ${String(wanted.acknowledged)}`);
  }
  if (kills < wanted.kills) troubles.push(`${String(kills)} kills, not ${String(wanted.kills)}`);
  return { rows, acknowledged, kills, wanted, troubles };
}

function emptyRow(name: string): SoakRow {
  const none = { acknowledged: 0, storedOnce: 0, dead: 0, lost: 0, doubled: 0, outOfOrder: 0, unknown: 0 };
  return { name, rounds: 0, kills: 0, cutBytes: 0, oldestLostMs: 0, ...none };
}

function add(row: SoakRow, { report, kills, cutBytes, oldestLostMs }: RoundResult): void {
  row.rounds++;
  row.kills += kills;
  row.cutBytes += cutBytes;
  row.oldestLostMs = Math.max(row.oldestLostMs, oldestLostMs);
  const names = ['acknowledged', 'storedOnce', 'dead', 'lost', 'doubled', 'outOfOrder', 'unknown'] as const;
  for (const name of names) row[name] += report[name];
}

function lineOf(
  round: number,
  { name }: SoakSetting,
  { report, kills, troubles }: RoundResult,
  rows: readonly SoakRow[],
): string {
  const { acknowledged, lost, doubled, outOfOrder } = report;
  const inAll = rows.reduce((sum, row) => sum + row.acknowledged, 0).toLocaleString('en');
  const killsInAll = rows.reduce((sum, row) => sum + row.kills, 0);
  return (
    `round ${String(round)}: ${name}: ${acknowledged.toLocaleString('en')} acknowledged, ${String(kills)} kills, ` +
    `${String(lost)} lost, ${String(doubled)} doubled, ${String(outOfOrder)} out of order` +
    `${troubles.length > 0 ? ', TROUBLE' : ''}; in all ${inAll} and ${String(killsInAll)}`
  );
}
