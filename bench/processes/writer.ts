/**
 * Updates at a fixed rate, whatever becomes of them (open loop): each has its time, and its latency counts from then, so
 * that a server that stalls cannot hide what it did to those who came meanwhile. Ends with its parent.
 */
import { FlightCache } from '@afterwrite/flights';
import { parseSettings } from '@afterwrite/write-behind';
import { changesOf, flightOf } from '../lab/workload.ts';

export interface WriterOptions {
  readonly perSecond: number;
  readonly count: number;
  readonly flights: number;
}

export interface Written {
  /** Of each update its place in its partition's queue, which is when it was accepted (µs since 1970); 0: it was not accepted. */
  readonly seqs: Float64Array;
  /** From its time until it was answered, ms. */
  readonly latencies: Float64Array;
  /** When the first one was due, us since 1970. */
  readonly startUs: number;
  readonly spentMs: number;
  /** Why the first one was refused, if one was. */
  readonly refused: string | undefined;
}

/** So late nobody goes on: what is left was not accepted. */
const MOST_LATE_MS = 3000;
/** More under way at once would only fill the memory: the others wait, and their latency runs. */
const MOST_UNDER_WAY = 5000;

const { perSecond, count, flights } = JSON.parse(process.argv[2] ?? '{}') as WriterOptions;
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => undefined);

const cache = await FlightCache.open(parseSettings(process.env));
for (let index = 0; index < flights;) {
  const ids = Array.from({ length: Math.min(64, flights - index) }, () => flightOf(index++, flights));
  await Promise.all(ids.map((id) => cache.getFlight(id)));
}
process.send?.('open');
await new Promise((resolve) => process.once('message', resolve));

const seqs = new Float64Array(count);
const latencies = new Float64Array(count).fill(Infinity);
let refused: string | undefined;
let underWay = 0;
let next = 0;
const startUs = Date.now() * 1000;
const startMs = performance.now();

async function write(index: number): Promise<void> {
  underWay++;
  try {
    const { seq } = await cache.update(flightOf(index, flights), changesOf(index), { user: 'bench' });
    seqs[index] = seq;
  } catch (error) {
    refused ??= error instanceof Error ? error.message : String(error);
  }
  latencies[index] = performance.now() - startMs - (1000 * index) / perSecond;
  underWay--;
}

const untilMs = startMs + (1000 * count) / perSecond + MOST_LATE_MS;
while ((next < count && performance.now() < untilMs) || underWay > 0) {
  const isOver = performance.now() >= untilMs;
  const due = isOver
    ? next
    : Math.min(count, Math.floor(((performance.now() - startMs) * perSecond) / 1000) + 1);
  while (next < due && underWay < MOST_UNDER_WAY) void write(next++);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
const written: Written = { seqs, latencies, startUs, spentMs: performance.now() - startMs, refused };
process.send?.(written);
await new Promise((resolve) => process.once('disconnect', resolve));
