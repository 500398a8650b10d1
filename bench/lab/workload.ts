/** Which flight an update is of, and what it changes: the same in every run, and made before anything is timed. */
import type { FlightCache, FlightChanges } from '@afterwrite/flights';
import { randomFrom } from '../../tests/support/random.ts';
import { FLIGHTS } from './servers.ts';

const MINUTE_MS = 60_000;
const FIRST_DEPARTURE_MS = Date.UTC(2030, 0, 1);
/** More than any number of flights that is updated in turn, and no multiple of it: each update changes its flight. */
const CHANGES = 1009;

/** The ids of `flights` flights, spread over all that there are, in turn. */
export function flightOf(index: number, flights: number): string {
  return String(1 + Math.floor(((index % flights) * FLIGHTS) / flights));
}

const changes: readonly FlightChanges[] = Array.from({ length: CHANGES }, (_, index) => {
  const departureMs = FIRST_DEPARTURE_MS + index * MINUTE_MS;
  return { departure: textOf(departureMs), arrival: textOf(departureMs + 90 * MINUTE_MS) };
});

export function changesOf(index: number): FlightChanges {
  const found = changes[index % CHANGES];
  if (!found) throw new RangeError(`There is no update ${String(index)}`);
  return found;
}

function textOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Which flights the updates of a run are of, in their order. */
export interface Workload {
  readonly name: 'hot' | 'even' | 'zipf';
  readonly title: string;
  /** The flight of an update. */
  readonly flightAt: (index: number) => string;
}

export const HOT_FLIGHTS = 500;
const ZIPF_SEED = 20_300_101;
/** Updates after which the same ones come again. */
const ZIPF_UPDATES = 200_000;
/** Shares no factor with the number of flights: all come, neighbours far apart, before any comes again. */
const STRIDE = 61_803;

const scattered = (index: number) => String(1 + ((index * STRIDE) % FLIGHTS));

export const hot: Workload = {
  name: 'hot',
  title: '500 hot flights',
  flightAt: (index) => flightOf(index, HOT_FLIGHTS),
};

export const workloads: readonly Workload[] = [
  hot,
  { name: 'even', title: '100,000 flights evenly', flightAt: scattered },
  { name: 'zipf', title: 'Zipf, s = 1', flightAt: zipf() },
];

/** The flight of rank r is drawn with a weight of 1/r. Made at its first use. */
function zipf(): (index: number) => string {
  let drawn: Uint32Array | undefined;
  return (index) => scattered((drawn ??= drawZipf())[index % ZIPF_UPDATES] ?? 0);
}

function drawZipf(): Uint32Array {
  const upTo = new Float64Array(FLIGHTS);
  let sum = 0;
  for (let rank = 0; rank < FLIGHTS; rank++) upTo[rank] = sum += 1 / (rank + 1);
  const random = randomFrom(ZIPF_SEED);
  return Uint32Array.from({ length: ZIPF_UPDATES }, () => firstAtLeast(upTo, random.float() * sum));
}

/** The index of the first value, of rising ones, that is not less. */
export function firstAtLeast(rising: Float64Array, wanted: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Fill {
  readonly count: number;
  /** Another one each time: the same flights get other values. */
  readonly round: number;
}

const FILL_IN_FLIGHT = 64;
const ROUND_STEP = 313;

/** Queues updates as any caller would. */
export async function fillQueue(
  cache: FlightCache,
  { flightAt }: Workload,
  { count, round }: Fill,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      await cache.update(flightAt(index), changesOf(index + round * ROUND_STEP), { user: 'bench' });
    }
  };
  await Promise.all(Array.from({ length: FILL_IN_FLIGHT }, lane));
}
