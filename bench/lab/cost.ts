/**
 * Dollars a million updates on AWS from what an update was measured to need. A function of its figures alone: the machine
 * that they come from counts as a virtual CPU of AWS.
 */
import { catalog, type FunctionLimits } from '@afterwrite/functions/catalog';
import { api, HOURS_A_MONTH, lambda, mysqlSizes, type Size, valkeySizes } from './prices.ts';

/** Milliseconds, CPU microseconds an update, bytes. */
export interface CostFigures {
  /** Of a warm invocation of `update-flight`, all of it counted as CPU. */
  readonly invocationMs: number;
  readonly writeBehindMs: number;
  readonly writeThroughMs: number;
  /** To accept an update and to drain it. */
  readonly valkeyCpuUs: number;
  /** An update in a batch. */
  readonly batchedMysqlCpuUs: number;
  /** An update in a transaction of its own. */
  readonly singleMysqlCpuUs: number;
  readonly flusherCpuUs: number;
  readonly bytesPerItem: number;
}

export interface Cost {
  readonly pattern: 'write-behind' | 'write-through' | 'database alone';
  /** Dollars a million updates. */
  readonly api: number;
  readonly lambda: number;
  readonly flush: number;
  readonly valkey: number;
  readonly mysql: number;
  readonly total: number;
  /** Dollars a month of what runs all the time: flush, Valkey and MySQL. */
  readonly standing: number;
  /** Nodes of Valkey and their size; size of MySQL. */
  readonly servers: string;
}

/** Between a function and a server of the same region, there and back, ms. */
export const ROUND_TRIP_MS = 0.5;
/** Begin, lock the row, change it, log it, commit: nothing of it can wait for less. */
const TRANSACTION_ROUND_TRIPS = 5;
/** Of a server's processor at the most, in the mean. */
export const MOST_LOAD = 0.5;
/** How long the database may be away before the queue fills half of Valkey's memory, seconds. */
export const OUTAGE_SECONDS = 600;

const US_A_SECOND = 1e6;
const GIB = 2 ** 30;
const SECONDS_A_MONTH = HOURS_A_MONTH * 3600;

/** Of each pattern, at this rate without pause. */
export function costsOf(figures: CostFigures, updatesPerSecond: number): readonly Cost[] {
  const cores = (cpuUs: number) => (updatesPerSecond * cpuUs) / US_A_SECOND;
  const aMillion = (dollarsAMonth: number) => dollarsAMonth / ((updatesPerSecond * SECONDS_A_MONTH) / 1e6);
  const hourly = (dollarsAnHour: number) => aMillion(dollarsAnHour * HOURS_A_MONTH);
  const cost = (
    pattern: Cost['pattern'],
    parts: {
      readonly waitMs: number;
      readonly flushers: number;
      readonly valkey: Nodes;
      readonly mysql: Size;
    },
  ): Cost => {
    const { waitMs, flushers, valkey, mysql } = parts;
    const dollars = {
      api: api.dollarsAMillionRequests,
      lambda:
        lambda.dollarsAMillionRequests +
        1e6 * secondsPrice('update-flight', billedMs(figures, waitMs) / 1000),
      flush: aMillion(flushers * secondsPrice('flush', SECONDS_A_MONTH)),
      valkey: hourly(valkey.count * valkey.size.dollarsAnHour),
      mysql: hourly(mysql.dollarsAnHour),
    };
    const total = Object.values(dollars).reduce((sum, each) => sum + each, 0);
    const nodes = valkey.count === 0 ? 'none' : `${String(valkey.count)} x ${valkey.size.name}`;
    const standing = (dollars.flush + dollars.valkey + dollars.mysql) / aMillion(1);
    return { pattern, ...dollars, total, standing, servers: `${nodes}; ${mysql.name}` };
  };
  const transactionMs =
    TRANSACTION_ROUND_TRIPS * ROUND_TRIP_MS + figures.writeThroughMs - figures.writeBehindMs;
  const single = mysqlFor(cores(figures.singleMysqlCpuUs));
  return [
    cost('write-behind', {
      waitMs: ROUND_TRIP_MS,
      flushers: Math.max(1, Math.ceil(cores(figures.flusherCpuUs) / (MOST_LOAD * coresOf(catalog.flush)))),
      valkey: queueNodes(
        cores(figures.valkeyCpuUs),
        updatesPerSecond * OUTAGE_SECONDS * figures.bytesPerItem,
      ),
      mysql: mysqlFor(cores(figures.batchedMysqlCpuUs)),
    }),
    // What is in its cache is in the database, too: one node will do. It counts with a queue's CPU, which is more than it needs.
    cost('write-through', {
      waitMs: ROUND_TRIP_MS + transactionMs,
      flushers: 0,
      valkey: { count: 1, size: fitting(valkeySizes, cores(figures.valkeyCpuUs), 0) ?? largest(valkeySizes) },
      mysql: single,
    }),
    cost('database alone', {
      waitMs: transactionMs,
      flushers: 0,
      valkey: { count: 0, size: largest(valkeySizes) },
      mysql: single,
    }),
  ];
}

interface Nodes {
  readonly count: number;
  readonly size: Size;
}

/** Lambda rounds up to the next millisecond. */
function billedMs({ invocationMs }: CostFigures, waitMs: number): number {
  return Math.ceil(invocationMs / coresOf(catalog['update-flight']) + waitMs);
}

function coresOf({ memoryMb }: FunctionLimits): number {
  return memoryMb / lambda.mbACore;
}

function secondsPrice(name: 'update-flight' | 'flush', seconds: number): number {
  return (catalog[name].memoryMb / 1024) * seconds * lambda.dollarsAGbSecond;
}

/** A queue must outlive its node: each shard has a replica. More shards where the largest size is too small for one. */
function queueNodes(cores: number, bytes: number): Nodes {
  const one = fitting(valkeySizes, cores, bytes);
  if (one) return { count: 2, size: one };
  const size = largest(valkeySizes);
  const shards = Math.max(cores / (MOST_LOAD * size.cores), bytes / (MOST_LOAD * size.memoryGib * GIB));
  return { count: 2 * Math.ceil(shards), size };
}

/** Throws a RangeError where no size is large enough. */
function mysqlFor(cores: number): Size {
  const size = fitting(mysqlSizes, cores, 0);
  if (!size)
    throw new RangeError(
      `No size of MySQL has ${cores.toFixed(1)} cores at ${String(MOST_LOAD)} of its load.`,
    );
  return size;
}

function fitting(sizes: readonly Size[], cores: number, bytes: number): Size | undefined {
  return sizes.find((size) => cores <= MOST_LOAD * size.cores && bytes <= MOST_LOAD * size.memoryGib * GIB);
}

function largest(sizes: readonly Size[]): Size {
  const size = sizes.at(-1);
  if (!size) throw new RangeError('There are no sizes.');
  return size;
}
