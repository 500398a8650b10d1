/** What came of a load's updates, since it was last taken. */
import { LATENCY_BOUNDS_MS, type PatternName } from '@afterwrite/client';
import { AfterwriteError, QueueFullError } from '@afterwrite/write-behind';
import { Buckets } from '../live/buckets.ts';
import type { LoadReport } from './messages.ts';

export class Tally {
  readonly #patterns: Readonly<Record<PatternName, Buckets>> = {
    'write-behind': new Buckets(LATENCY_BOUNDS_MS),
    'write-through': new Buckets(LATENCY_BOUNDS_MS),
    'cache-aside': new Buckets(LATENCY_BOUNDS_MS),
  };
  #accepted = 0;
  #refused = new Map<string, number>();
  #late = 0;

  answered(pattern: PatternName, latencyMs: number): void {
    this.#patterns[pattern].observe(latencyMs);
    if (pattern === 'write-behind') this.#accepted += 1;
  }

  refused(error: unknown): void {
    const code = codeOf(error);
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  late(updates: number): void {
    this.#late += updates;
  }

  take(): LoadReport {
    const report = {
      accepted: this.#accepted,
      refused: Object.fromEntries(this.#refused),
      late: this.#late,
      patterns: {
        'write-behind': this.#patterns['write-behind'].take(),
        'write-through': this.#patterns['write-through'].take(),
        'cache-aside': this.#patterns['cache-aside'].take(),
      },
    };
    [this.#accepted, this.#late] = [0, 0];
    this.#refused = new Map();
    return report;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof QueueFullError) return 'QUEUE_FULL';
  return error instanceof AfterwriteError ? error.code : 'INTERNAL';
}
