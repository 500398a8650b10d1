/** Every metric that a function emits, plain data: alarms, charts and the console take their names from here. */
export interface MetricDefinition {
  /** As CloudWatch names it. */
  readonly unit: 'Count' | 'Milliseconds';
  readonly meaning: string;
}

export const METRICS_NAMESPACE = 'Afterwrite';

export const metricDefinitions = {
  QueueLength: {
    unit: 'Count',
    meaning: 'Updates that wait for the database, in all partitions, when a flush ended.',
  },
  OldestUpdateAge: {
    unit: 'Milliseconds',
    meaning: 'Age of the oldest update that waits; 0 when none does.',
  },
  DeadLetters: { unit: 'Count', meaning: 'Updates that the database refuses, kept for a person to look at.' },
  UpdatesAccepted: { unit: 'Count', meaning: 'Updates acknowledged to callers.' },
  UpdatesStored: { unit: 'Count', meaning: 'Updates committed to the database.' },
  UpdatesFailed: { unit: 'Count', meaning: 'Updates parked as dead letters by a flush.' },
  UpdatesSkipped: {
    unit: 'Count',
    meaning: 'Updates found stored by an earlier attempt whose acknowledgement was lost.',
  },
  BatchesRetried: { unit: 'Count', meaning: 'Attempts at a batch that were repeated after a passing error.' },
  PartitionsStopped: { unit: 'Count', meaning: 'Partitions whose flush halted: somebody must look.' },
  PossibleLosses: {
    unit: 'Count',
    meaning: 'Partitions of which Valkey or MySQL came back with less than it had; the log names the range.',
  },
  StoreAway: {
    unit: 'Count',
    meaning: 'Whether flushers wait because the database is away: 1 or 0, when a flush ended.',
  },
  BatchSize: { unit: 'Count', meaning: 'Updates in one transaction, on average over a flush.' },
  FlushDuration: { unit: 'Milliseconds', meaning: 'Time of one flush that stored something.' },
  ConsistencyLag: {
    unit: 'Milliseconds',
    meaning: 'From acceptance to commit, of the oldest update that a flush stored.',
  },
  ReconcileCompared: { unit: 'Count', meaning: 'Cached flights that were compared with their rows.' },
  ReconcileDifferent: {
    unit: 'Count',
    meaning: 'Of these: those that were not as their row, and were dropped.',
  },
  WriteLatency: { unit: 'Milliseconds', meaning: 'Time in which an update was accepted, in the function.' },
  ReadLatency: { unit: 'Milliseconds', meaning: 'Time of a read, in the function.' },
  CacheHits: { unit: 'Count', meaning: 'Reads answered by the cache.' },
  CacheMisses: { unit: 'Count', meaning: 'Reads answered by the database and cached.' },
  CacheBypasses: {
    unit: 'Count',
    meaning: 'Reads answered by the database because the cache is down or full.',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricDefinitions;
