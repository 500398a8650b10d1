/** What Afterwrite holds itself to. Each figure is a ratio between things measured in turn in one run. */
import type { Compared } from './measure.ts';

export interface TargetRow {
  readonly figure: string;
  /** What it stands beside, and in which unit both are. */
  readonly beside: string;
  readonly floor: number;
  readonly value: number;
  readonly ratio: number;
  readonly spread: readonly [least: number, most: number];
  readonly target: string;
  readonly verdict: 'pass' | 'fail';
}

interface Target {
  readonly figure: string;
  readonly beside: string;
  readonly limit:
    | { readonly kind: 'AT_MOST' | 'AT_LEAST'; readonly ratio: number }
    /** value - floor */
    | { readonly kind: 'OVER'; readonly most: number; readonly unit: string }
    /** value <= ratio x floor + constant */
    | { readonly kind: 'LINE'; readonly ratio: number; readonly constant: number };
}

const targets = {
  updateLatency: {
    figure: 'update of a cached flight, one in flight, p50',
    beside: 'bare script with the same writes, ms',
    limit: { kind: 'AT_MOST', ratio: 1.1 },
  },
  updateThroughput: {
    figure: 'updates of one process, 64 in flight',
    beside: 'bare script with the same writes, a second',
    limit: { kind: 'AT_LEAST', ratio: 0.85 },
  },
  updateThroughputPeer: {
    figure: 'updates of one process, 64 in flight',
    beside: 'BullMQ: HSET, then a job added, a second',
    limit: { kind: 'AT_LEAST', ratio: 6 },
  },
  readHit: {
    figure: 'read of a cached flight, one in flight, p50',
    beside: 'HGETALL, ms',
    limit: { kind: 'AT_MOST', ratio: 1.1 },
  },
  handler: {
    figure: 'update through its Lambda handler, in process, p50',
    beside: 'call of the class, ms',
    limit: { kind: 'OVER', most: 0.15, unit: 'ms' },
  },
  drainHotSingle: {
    figure: 'drain, 500 hot flights',
    beside: 'one transaction an update, updates a second',
    limit: { kind: 'AT_LEAST', ratio: 60 },
  },
  drainHotPeer: {
    figure: 'drain, 500 hot flights',
    beside: 'BullMQ, 16 workers, updates a second',
    limit: { kind: 'AT_LEAST', ratio: 30 },
  },
  drainHotLoad: {
    figure: 'drain, 500 hot flights',
    beside: 'LOAD DATA of the audit rows alone, rows a second',
    limit: { kind: 'AT_LEAST', ratio: 0.5 },
  },
  drainEvenSingle: {
    figure: 'drain, 100,000 flights evenly',
    beside: 'one transaction an update, updates a second',
    limit: { kind: 'AT_LEAST', ratio: 40 },
  },
  drainEvenPeer: {
    figure: 'drain, 100,000 flights evenly',
    beside: 'BullMQ, 16 workers, updates a second',
    limit: { kind: 'AT_LEAST', ratio: 20 },
  },
  drainEvenLoad: {
    figure: 'drain, 100,000 flights evenly',
    beside: 'LOAD DATA of the audit rows alone, rows a second',
    limit: { kind: 'AT_LEAST', ratio: 0.35 },
  },
  writeThrough: {
    figure: 'write-through, one in flight, p50',
    beside: 'write-behind, ms',
    limit: { kind: 'AT_LEAST', ratio: 20 },
  },
  writeThroughFar: {
    figure: 'write-through, database 5 ms away each way, p50',
    beside: 'write-behind, ms',
    limit: { kind: 'AT_LEAST', ratio: 100 },
  },
  memory: {
    figure: 'memory of a queued update, flights by Zipf',
    beside: 'its payload, bytes',
    limit: { kind: 'LINE', ratio: 1.3, constant: 64 },
  },
  sustainedLag: {
    figure: '15,000 updates a second accepted and stored: lag p99',
    beside: 'one second, ms',
    limit: { kind: 'AT_MOST', ratio: 1 },
  },
  sustainedQueue: {
    figure: '15,000 updates a second accepted and stored: longest queue of the last third',
    beside: 'two seconds of updates',
    limit: { kind: 'AT_MOST', ratio: 1 },
  },
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;
export const targetNames = Object.keys(targets) as TargetName[];

export function targetRow(name: TargetName, compared: Compared): TargetRow {
  const { figure, beside, limit }: Target = targets[name];
  return { figure, beside, ...compared, ...judge(limit, compared) };
}

function judge(
  limit: Target['limit'],
  { floor, value, ratio }: Compared,
): Pick<TargetRow, 'target' | 'verdict'> {
  // NaN passes nothing.
  const verdict = (passes: boolean) => (passes ? 'pass' : 'fail');
  switch (limit.kind) {
    case 'AT_MOST':
      return { target: `at most ${String(limit.ratio)} x`, verdict: verdict(ratio <= limit.ratio) };
    case 'AT_LEAST':
      return { target: `at least ${String(limit.ratio)} x`, verdict: verdict(ratio >= limit.ratio) };
    case 'OVER': {
      const target = `at most ${String(limit.most)} ${limit.unit} more`;
      return { target, verdict: verdict(value - floor <= limit.most) };
    }
    case 'LINE': {
      const target = `at most ${String(limit.ratio)} x + ${String(limit.constant)}`;
      return { target, verdict: verdict(value <= limit.ratio * floor + limit.constant) };
    }
  }
}
