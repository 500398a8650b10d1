/**
 * From when on somebody has to look, plain data: the alarms, GET /health and the console draw the same lines. Each is named
 * after its alarm, whose heading in docs/OPERATIONS.md says what to do.
 */
const MINUTE_MS = 60_000;

export interface Threshold {
  /** More than this is too much. In the unit of the metric; FailureRate in percent. */
  readonly above: number;
  /** The alarm is raised after so many minutes in a row. */
  readonly minutes: number;
  /** What it means when it is passed. */
  readonly meaning: string;
}

/** More waits than the flushers of a healthy database leave. */
const QUEUE_LENGTH = 1000;
/** Sixty rounds of the flushers, five of the schedule. */
const OLDEST_MINUTES = 5;
const FAILED_PERCENT = 1;
const FAILURE_MINUTES = 5;
/** Rounds of the schedule, one a minute. */
const NO_FLUSH_MINUTES = 3;

export const thresholds = {
  QueueLength: {
    above: QUEUE_LENGTH,
    minutes: 3,
    meaning: `More than ${QUEUE_LENGTH.toLocaleString('en')} updates wait for the database: it is slower than the writers, or stopped.`,
  },
  OldestUpdateAge: {
    above: OLDEST_MINUTES * MINUTE_MS,
    minutes: 1,
    meaning: `An update has waited for ${OLDEST_MINUTES} minutes although the queue is drained every few seconds.`,
  },
  DeadLetters: {
    above: 0,
    minutes: 1,
    meaning: 'The database refuses updates; they are kept until somebody redrives or discards them.',
  },
  PartitionsStopped: {
    above: 0,
    minutes: 1,
    meaning: 'A partition stopped at an error that repeating does not mend. Its updates wait.',
  },
  FailureRate: {
    above: FAILED_PERCENT,
    minutes: FAILURE_MINUTES,
    meaning: `More than ${FAILED_PERCENT}% of the updates were refused by the database.`,
  },
} as const satisfies Record<string, Threshold>;

/**
 * Between two flushes any number may wait; a queue is too long when its oldest update waits for longer than that. The alarm looks
 * when a flush ended; who looks in between needs this. Flushes come every few seconds.
 */
export const betweenFlushesMs = 15_000;

/** Not a flush that came to its end in so long. */
export const noFlush = {
  minutes: NO_FLUSH_MINUTES,
  ms: NO_FLUSH_MINUTES * MINUTE_MS,
  meaning: `No flush has come to its end for ${NO_FLUSH_MINUTES} minutes.`,
} as const;
