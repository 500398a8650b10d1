/** Every metric that a function emits, plain data: alarms, charts and the console take their names from here. */
export interface MetricDefinition {
  /** As CloudWatch names it. */
  readonly unit: 'Count' | 'Milliseconds';
  /**
   * What the values of one document are. counter: one, what came since the document before; the sum over documents counts.
   * gauge: one, what was so when the invocation ended. distribution: of each thing its own, at most 100: all of them, or a fair
   * sample and the largest.
   */
  readonly kind: 'counter' | 'gauge' | 'distribution';
  readonly meaning: string;
}

export const METRICS_NAMESPACE = 'Afterwrite';

export const metricDefinitions = {
  QueueLength: {
    unit: 'Count',
    kind: 'gauge',
    meaning: 'Updates that wait for the database, in all partitions, when a flush ended.',
  },
  PartitionQueueLength: {
    unit: 'Count',
    kind: 'distribution',
    meaning: 'The same of each partition; `longestPartition` in the document names the longest one.',
  },
  OldestUpdateAge: {
    unit: 'Milliseconds',
    kind: 'gauge',
    meaning: 'Age of the oldest update that waits; 0 when none does.',
  },
  DeadLetters: {
    unit: 'Count',
    kind: 'gauge',
    meaning: 'Updates that the database refuses, kept for a person to look at.',
  },
  UpdatesAccepted: { unit: 'Count', kind: 'counter', meaning: 'Updates acknowledged to callers.' },
  UpdatesStored: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Updates committed to the database, by whichever function, redriven ones included.',
  },
  UpdatesFailed: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Updates parked as dead letters, by whichever function.',
  },
  UpdatesSkipped: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Updates found stored by an earlier attempt whose acknowledgement was lost.',
  },
  BatchesCommitted: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Transactions by which updates left the queue.',
  },
  BatchesRetried: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Attempts at a batch that were repeated after a passing error.',
  },
  PartitionsStopped: {
    unit: 'Count',
    kind: 'gauge',
    meaning: 'Partitions whose flush halted: somebody must look.',
  },
  PossibleLosses: {
    unit: 'Count',
    kind: 'counter',
    meaning:
      "Partitions of which the queue's server or the database came back with less than it had; the log names the range.",
  },
  StoreAway: {
    unit: 'Count',
    kind: 'gauge',
    meaning: 'Whether flushers wait because the database is away: 1 or 0, when a flush ended.',
  },
  BreakerState: {
    unit: 'Count',
    kind: 'gauge',
    meaning:
      'Of the breaker before the database, when a flush ended: 0 closed, 1 half open (one flusher tries), 2 open.',
  },
  BatchSize: { unit: 'Count', kind: 'distribution', meaning: 'Updates in one transaction.' },
  PeekDuration: {
    unit: 'Milliseconds',
    kind: 'distribution',
    meaning: 'Time to read a batch from the queue.',
  },
  StoreDuration: {
    unit: 'Milliseconds',
    kind: 'distribution',
    meaning: 'Time to store a batch, repeated attempts included.',
  },
  AckDuration: {
    unit: 'Milliseconds',
    kind: 'distribution',
    meaning: 'Time to remove a batch from the queue.',
  },
  FlushDuration: {
    unit: 'Milliseconds',
    kind: 'distribution',
    meaning: 'Working time of one invocation of `flush` that stored something.',
  },
  ConsistencyLag: {
    unit: 'Milliseconds',
    kind: 'distribution',
    meaning: 'From acceptance to commit, of each update that was stored; not of redriven ones.',
  },
  ReconcileCompared: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Cached flights that were compared with their rows.',
  },
  ReconcileDifferent: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Of these: those that were not as their row, and were dropped.',
  },
  WriteLatency: {
    unit: 'Milliseconds',
    kind: 'distribution',
    meaning: 'Time in which an update was accepted, in the function.',
  },
  ReadLatency: { unit: 'Milliseconds', kind: 'distribution', meaning: 'Time of a read, in the function.' },
  CacheHits: { unit: 'Count', kind: 'counter', meaning: 'Reads answered by the cache.' },
  CacheMisses: { unit: 'Count', kind: 'counter', meaning: 'Reads answered by the database and cached.' },
  CacheBypasses: {
    unit: 'Count',
    kind: 'counter',
    meaning: 'Reads answered by the database because the cache is down or full.',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricDefinitions;

/** `BreakerState` in numbers. */
export const breakerStates = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 } as const;
