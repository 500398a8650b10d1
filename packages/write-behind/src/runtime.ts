/**
 * What the engine takes from its surroundings, passed in so that tests can hold it still: time, waiting and names.
 * The clock only measures durations and limits; the order of updates comes from the buffer's clock and seq.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface Runtime {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds of a clock that never goes back, for durations. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
  /** A name never given before, by any process: 1 to 32 of [0-9a-z]. */
  uniqueName(): string;
}

export function systemRuntime(): Runtime {
  // 64 random bits a process, then a counter: unique without asking the kernel for each name.
  const prefix = randomBytes(8).readBigUInt64BE().toString(36).padStart(13, '0');
  let count = 0;
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: async (ms, signal) => {
      await delay(ms, undefined, signal ? { signal } : {});
    },
    random: () => Math.random(),
    uniqueName: () => `${prefix}${(count++).toString(36)}`,
  };
}

/** The least a logger must do; Powertools' and pino's loggers fit. */
export interface Logger {
  debug(message: string, details?: Record<string, unknown>): void;
  info(message: string, details?: Record<string, unknown>): void;
  warn(message: string, details?: Record<string, unknown>): void;
  error(message: string, details?: Record<string, unknown>): void;
}

/** Warnings and errors as one JSON line each on standard error; the rest is dropped. */
export function stderrLogger(): Logger {
  const write = (level: string) => (message: string, details?: Record<string, unknown>) => {
    process.stderr.write(`${JSON.stringify({ level, message, ...details })}\n`);
  };
  const drop = () => undefined;
  return { debug: drop, info: drop, warn: write('warn'), error: write('error') };
}
