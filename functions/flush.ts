/**
 * Drains the queue on schedule. Until it is empty or the time is nearly up; then lingers and looks again, because the
 * schedule cannot call more often than once a minute and the lag that is wanted is seconds; and hands over to a fresh
 * invocation of itself when work is left. Invocations may overlap: the engine's claims keep them out of each other's way.
 */
import middy from '@middy/core';
import type { FlightCache } from '@afterwrite/flights';
import type { FlushResult, QueueStatus } from '@afterwrite/write-behind';
import type { Context } from 'aws-lambda';
import { checkedFlightCache } from './compose.ts';
import { type FlushCall, invokeFlush } from './lib/nudge.ts';
import { logger, note, observed, record } from './lib/telemetry.ts';
import { breakerStates } from './metrics.ts';

/** Left of the function's time for the last batch, its ack and the metrics, ms. */
const MARGIN_MS = 5000;
/** Lambda stops chains of about 16 calls; half of it leaves room for others in the chain. Then the schedule goes on. */
const MAX_HANDOVERS = 8;
/** Covers the minute between two calls of the schedule. */
const DEFAULT_LINGER_SECONDS = 55;
const DEFAULT_INTERVAL_SECONDS = 5;

const COUNTED_WITH_COMMITS = [
  'UpdatesStored',
  'UpdatesFailed',
  'UpdatesSkipped',
  'BatchesCommitted',
  'BatchesRetried',
] as const;
/** Of more, the longest: a metric has at most 100 values in a document. */
const MAX_PARTITIONS_SHOWN = 90;

interface Totals {
  processed: number;
  skipped: number;
  failed: number;
  retried: number;
  batches: number;
  losses: number;
  remaining: number;
  /** Partitions that somebody must look at. */
  stopped: number;
  /** Something stopped it: what is left waits for the schedule. */
  isHalted: boolean;
  durationMs: number;
  maxLagMs: number | null;
}

async function flush(event: unknown, context: Context): Promise<Totals> {
  const cache = await checkedFlightCache('flush');
  const startedAt = Date.now();
  const until = startedAt + context.getRemainingTimeInMillis() - MARGIN_MS;
  const isNudge = callOf(event).reason === 'nudge';
  // One that was called because the queue is long leaves the lingering to the scheduled one.
  const lingerUntil = isNudge
    ? 0
    : Math.min(until, startedAt + seconds('FLUSH_LINGER_SECONDS', DEFAULT_LINGER_SECONDS));
  const intervalMs = seconds('QUEUE_PROCESS_INTERVAL', DEFAULT_INTERVAL_SECONDS);
  const totals = emptyTotals();
  for (;;) {
    const roundMs = performance.now();
    totals.losses += await countLosses(cache);
    const result = await cache.flushQueue({ deadline: new Date(until) });
    add(totals, result, performance.now() - roundMs);
    if (Date.now() + intervalMs > lingerUntil) break;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  await handOver(totals, callOf(event));
  await emit(cache, totals);
  return totals;
}

/** The queue's server or the database came back with less than it had: the engine has logged what. While one is away nobody can tell. */
async function countLosses(cache: FlightCache): Promise<number> {
  return await cache.noticeLosses().then(
    (losses) => losses.length,
    (error: unknown) => {
      logger.debug('losses cannot be told now', { error: String(error) });
      return 0;
    },
  );
}

/** Work that is left although nothing stopped it needs another invocation; what stopped waits for the schedule. */
async function handOver(totals: Totals, { handovers }: FlushCall): Promise<void> {
  if (totals.remaining === 0 || totals.isHalted || !process.env.FLUSH_FUNCTION_NAME) return;
  if (handovers >= MAX_HANDOVERS) {
    logger.warn('work is left after the longest chain of invocations: the schedule goes on', { ...totals });
    return;
  }
  await invokeFlush({ reason: 'handover', handovers: handovers + 1 }).catch((error: unknown) => {
    logger.warn('could not hand over: the schedule goes on', { error: String(error) });
  });
}

async function emit(cache: FlightCache, totals: Totals): Promise<void> {
  const status = await cache.queueStatus();
  record('QueueLength', status.queueLength);
  record('OldestUpdateAge', status.oldestMs ?? 0);
  if (status.deadLetters !== null) record('DeadLetters', status.deadLetters);
  recordPartitions(status);
  // What it did itself is counted with each commit; so that there is a value also where there was none.
  for (const name of COUNTED_WITH_COMMITS) record(name, 0);
  // What a server that is away has stopped goes on by itself: see StoreAway.
  record('PartitionsStopped', totals.stopped);
  record('PossibleLosses', totals.losses);
  record('StoreAway', status.breaker.state === 'CLOSED' ? 0 : 1);
  record('BreakerState', breakerStates[status.breaker.state]);
  if (totals.batches > 0) record('FlushDuration', totals.durationMs);
  logger.info('flush', { ...totals });
}

/** A dimension a partition would be a metric a partition: the lengths are values of one, and the longest has its name beside it. */
function recordPartitions({ partitions }: QueueStatus): void {
  const longestFirst = partitions.toSorted((a, b) => b.length - a.length);
  for (const { length } of longestFirst.slice(0, MAX_PARTITIONS_SHOWN))
    record('PartitionQueueLength', length);
  const [longest] = longestFirst;
  if (longest) note('longestPartition', longest.partition);
}

function add(totals: Totals, result: FlushResult, durationMs: number): void {
  totals.processed += result.processed;
  totals.skipped += result.skipped;
  totals.failed += result.failed;
  totals.retried += result.retried;
  totals.batches += result.batches;
  totals.remaining = result.remaining;
  totals.stopped = result.stopped.filter(({ retryable }) => !retryable).length;
  totals.isHalted = result.stopped.length > 0 || result.storeAway !== null;
  if (result.batches > 0) totals.durationMs += durationMs;
  if (result.maxLagMs !== null) totals.maxLagMs = Math.max(result.maxLagMs, totals.maxLagMs ?? 0);
}

function emptyTotals(): Totals {
  const counts = { processed: 0, skipped: 0, failed: 0, retried: 0, batches: 0 };
  return { ...counts, losses: 0, remaining: 0, stopped: 0, durationMs: 0, maxLagMs: null, isHalted: false };
}

/** The schedule's event has nothing of ours. */
function callOf(event: unknown): FlushCall {
  const call = (event as { afterwrite?: Partial<FlushCall> } | null)?.afterwrite;
  if (call?.reason !== 'nudge' && call?.reason !== 'handover') return { reason: 'schedule', handovers: 0 };
  return { reason: call.reason, handovers: Number(call.handovers) || 0 };
}

/** A variable in seconds, as ms. */
function seconds(variable: string, fallback: number): number {
  const value = Number(process.env[variable] ?? fallback);
  return (Number.isFinite(value) && value >= 0 ? value : fallback) * 1000;
}

export const handler = middy().use(observed()).handler(flush);
