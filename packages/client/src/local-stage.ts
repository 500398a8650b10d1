/**
 * What `npm start` offers beside the API: live figures and a load. On one machine only: on AWS the figures are CloudWatch's,
 * and nobody puts a load on a deployment from a page.
 *
 * `GET /stream` sends server-sent events: first one `history`, the samples of the last minute as a list (LiveSample[], oldest
 * first), then one `sample` a second. `GET /load`, `POST /load` (LoadRequest) and `POST /load/stop` answer with LoadState.
 */

/** Samples are taken this often, ms. */
export const SAMPLE_EVERY_MS = 1000;
/** As many samples are kept for whoever comes: a minute. */
export const SAMPLES_KEPT = 60;

export interface LiveSample {
  /** One more each time: a gap shows that some were missed; one that is smaller, that `npm start` was begun anew. */
  readonly n: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** null: the queue's server does not answer. */
  readonly queue: LiveQueue | null;
  /** Since `npm start`. */
  readonly totals: LiveCounts;
  /** Since the sample before, a second. */
  readonly rates: LiveCounts;
  /** Of what was seen since the sample before; null where nothing was. */
  readonly latencies: Readonly<Record<LatencyName, Quantiles | null>>;
  /** The same over the last minute. */
  readonly minute: Readonly<Record<LatencyName, Quantiles | null>>;
  readonly load: LoadState;
}

export interface LiveQueue {
  readonly length: number;
  /** Age of the oldest update that waits; null when none does. */
  readonly oldestMs: number | null;
  /** null: the database does not answer. */
  readonly deadLetters: number | null;
  readonly breaker: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
  /** Updates that wait, by partition. */
  readonly partitions: readonly number[];
  /** Partitions whose flush halted and does not go on by itself: not those for which a server is away. */
  readonly stopped: readonly number[];
}

/** What of `GET /queue` a sample has; also of the engine's own status. */
export function liveQueueOf(answer: {
  readonly queueLength: number;
  readonly oldestMs: number | null;
  readonly deadLetters: number | null;
  readonly breaker: { readonly state: LiveQueue['breaker'] };
  readonly partitions: readonly {
    readonly partition: number;
    readonly length: number;
    readonly stopped: { readonly retryable: boolean } | null;
  }[];
}): LiveQueue {
  const { queueLength, oldestMs, deadLetters, breaker, partitions } = answer;
  return {
    length: queueLength,
    oldestMs,
    deadLetters,
    breaker: breaker.state,
    partitions: partitions.map(({ length }) => length),
    stopped: partitions.flatMap(({ partition, stopped }) =>
      stopped?.retryable === false ? [partition] : [],
    ),
  };
}

/** Whole numbers as totals; as rates with fractions. */
export interface LiveCounts {
  readonly accepted: number;
  readonly stored: number;
  /** Parked as dead letters. */
  readonly failed: number;
  /** Found stored by an earlier attempt. */
  readonly skipped: number;
  /** Transactions committed by flushers. */
  readonly batches: number;
  readonly retried: number;
  readonly hits: number;
  readonly misses: number;
  /** Reads that went past a cache that is away or full. */
  readonly bypasses: number;
}

/** An update accepted; a read answered; from an update's acceptance to its commit. */
export type LatencyName = 'write' | 'read' | 'lag';

/** Milliseconds. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export const LOAD_LIMITS = { updatesPerSecond: 20_000, seconds: 600 } as const;

export interface LoadRequest {
  /** Whole, 1 to LOAD_LIMITS.updatesPerSecond. */
  readonly updatesPerSecond: number;
  /** Whole, 1 to LOAD_LIMITS.seconds; it stops by itself then. */
  readonly seconds: number;
}

/** The load writes by write-behind; a few updates a second go by the other two at the same time, to compare. */
export type PatternName = 'write-behind' | 'write-through' | 'cache-aside';

export interface LoadState {
  readonly state: 'IDLE' | 'STARTING' | 'RUNNING' | 'STOPPING' | 'FAILED';
  /** Why it failed, in words that say what to do. */
  readonly reason: string | null;
  /** Of the load that runs or ran last; null before the first. */
  readonly run: LoadRun | null;
}

export interface LoadRun extends LoadRequest {
  /** Milliseconds since 1970: since when it sends; until it is RUNNING, when it was asked for. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly accepted: number;
  /** Not accepted, by the code of the error (`QUEUE_FULL`); as `accepted`, of the load itself, not of what goes beside it. */
  readonly refused: Readonly<Record<string, number>>;
  /**
   * Not sent in their second, or by the end, because as many were under way as may be. Where nothing failed and nobody
   * stopped it, `accepted`, `refused` and `late` are rate times seconds in the end.
   */
  readonly late: number;
  readonly patterns: Readonly<Record<PatternName, LatencyHistogram>>;
}

/** How long an update took until it was answered, of all since the run began. */
export interface LatencyHistogram extends Quantiles {
  /** How many took longer than the bound before and at most this one (LATENCY_BOUNDS_MS); the last: longer than all. */
  readonly buckets: readonly number[];
}

/** Upper bounds of a histogram's buckets, ms: a quarter more each, from 0.02 ms to over a minute. */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from({ length: 68 }, (_, k) => 0.02 * 1.25 ** k);
