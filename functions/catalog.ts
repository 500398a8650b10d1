/** The Lambda functions and their limits, plain data: read by the local stack and by the infrastructure. */
export interface FunctionLimits {
  /** Longest run; the gateway's own limit for those behind it is 30 s. */
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
}

/** 512 MB buys a third of a virtual CPU: enough for one script and its JSON. */
const SMALL = { timeoutSeconds: 10, memoryMb: 512 };

export const catalog = {
  'get-flight': SMALL,
  // `Prefer: wait=20` keeps it busy that long.
  'update-flight': { timeoutSeconds: 28, memoryMb: 512 },
  'find-flights': SMALL,
  'flight-consistency': SMALL,
  'flight-log': SMALL,
  'write-receipt': SMALL,
  // A flush on demand runs until shortly before this.
  queue: { timeoutSeconds: 28, memoryMb: 1024 },
  health: SMALL,
  openapi: { timeoutSeconds: 5, memoryMb: 256 },
  // Reads files that lie beside it.
  console: { timeoutSeconds: 5, memoryMb: 256 },
  // Lingers for a minute by default, and drains a long queue for longer.
  flush: { timeoutSeconds: 120, memoryMb: 1024 },
  // Enough for 50,000 at the rate of the schedule; one that is called by hand may take its time.
  reconcile: { timeoutSeconds: 300, memoryMb: 512 },
  migrate: { timeoutSeconds: 60, memoryMb: 512 },
} as const satisfies Record<string, FunctionLimits>;

/** Answer from what is in their own bundle: no server, no secret. */
export const standalone: ReadonlySet<FunctionName> = new Set(['openapi', 'console']);

/**
 * Partitions that an environment flushes at the same time, where QUEUE_FLUSH_CONCURRENCY says nothing. One environment
 * serves one request at a time: few.
 */
export const flushConcurrency = { request: 2, flush: 4 } as const;

/** Connections to the database of one environment, where DB_POOL_SIZE says nothing: one for each such flush, one for reads. */
export function poolSizeFor(concurrency: number): number {
  return concurrency + 1;
}

export type FunctionName = keyof typeof catalog;
