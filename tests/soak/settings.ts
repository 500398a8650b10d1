/** What is killed, how, and what may be lost by it. */
import type { Durability } from '@afterwrite/write-behind';

export interface SoakSetting {
  readonly name: string;
  readonly appendfsync: 'always' | 'everysec';
  readonly target: 'valkey' | 'mysql' | 'flusher' | 'writer';
  /** The append-only file is cut back to what was synced. */
  readonly losesPower: boolean;
  readonly durability: Durability;
  /** Calls under way in each writer process. Those that wait for the disk are many, or little is written. */
  readonly callers: number;
  /**
   * Share of the callers that repeat with an idempotency key. A key is as durable as Valkey: where that loses the answer
   * and the update had been stored, the repeat is another update, so nobody repeats there.
   */
  readonly insisting: number;
  /** Between two kills, at least: less than an update takes to reach its level would leave none that has. */
  readonly leastPauseMs: number;
}

const usual = {
  appendfsync: 'everysec',
  losesPower: false,
  durability: 'memory',
  callers: 24,
  insisting: 0.3,
  leastPauseMs: 300,
} as const;

export const SETTINGS: readonly SoakSetting[] = [
  { ...usual, name: 'always, power lost', target: 'valkey', appendfsync: 'always', losesPower: true },
  { ...usual, name: 'everysec, Valkey killed', target: 'valkey' },
  { ...usual, name: 'everysec, power lost', target: 'valkey', losesPower: true, insisting: 0 },
  {
    ...usual,
    name: 'everysec, power lost, level aof',
    target: 'valkey',
    losesPower: true,
    insisting: 0,
    durability: 'aof',
    callers: 400,
    leastPauseMs: 1500,
  },
  { ...usual, name: 'MySQL killed', target: 'mysql' },
  { ...usual, name: 'flushers killed', target: 'flusher' },
  { ...usual, name: 'writers killed', target: 'writer' },
];

/**
 * The oldest that `everysec` may lose: a sync each second, and one that is late by as much. Also by a kill alone: while a
 * sync takes long, Valkey answers writes and keeps them in its own memory, for two seconds at most, before it hands them
 * to the operating system. On a disk that syncs quickly a kill alone loses nothing.
 */
export const EVERYSEC_LOSS_MS = 2000;
