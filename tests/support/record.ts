/** A record of what a test was told, in a file of its own, and the checker's verdict on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkHistory,
  type HistoryCounts,
  HistoryRecorder,
  type HistoryReport,
} from '@afterwrite/flights/history';
import type { World } from './world.ts';

export interface TestRecord extends Disposable {
  readonly file: string;
  readonly recorder: HistoryRecorder;
  check(
    world: Pick<World, 'settings'>,
    onFinding?: Parameters<typeof checkHistory>[0]['onFinding'],
  ): Promise<HistoryReport>;
}

export function makeRecord(): TestRecord {
  const folder = mkdtempSync(join(tmpdir(), 'afterwrite-record-'));
  const file = join(folder, 'record.jsonl');
  const recorder = new HistoryRecorder(file);
  return {
    file,
    recorder,
    check: async ({ settings }, onFinding = () => undefined) =>
      await checkHistory({ files: [file], settings, onFinding }),
    [Symbol.dispose]() {
      recorder.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** All of them stored once, and nothing else. */
export function cleanCounts(acknowledged: number): HistoryCounts {
  return {
    acknowledged,
    storedOnce: acknowledged,
    pending: 0,
    dead: 0,
    lost: 0,
    doubled: 0,
    outOfOrder: 0,
    unknown: 0,
    unknownFound: 0,
    refusedButStored: 0,
    unrecorded: 0,
    brokenChains: 0,
    wrongRows: 0,
    unreadable: 0,
  };
}
