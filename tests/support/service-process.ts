/**
 * A service of a user's own: writes, tells its parent what was acknowledged, and at SIGTERM closes with a flush, whatever
 * is under way. Its numbers begin with the one it is given.
 */
import { FlightCache } from '@afterwrite/flights';
import { numbered } from './writers.ts';

const [from, flights] = process.argv.slice(2).map(Number) as [number, number];
const opening = FlightCache.open();
let isEnding = false;

async function tell(message: unknown): Promise<void> {
  await new Promise<void>((resolve) => process.send?.(message, () => resolve()));
}

process.once('SIGTERM', () => {
  isEnding = true;
  void opening
    .then((cache) => cache.close({ flush: true }))
    .then((last) => tell({ remaining: last?.remaining }))
    .then(() => process.disconnect());
});

const cache = await opening;
let next = from;
async function write(): Promise<void> {
  while (!isEnding) {
    const { uid, flightId, departure, arrival, column } = numbered(next++, flights);
    try {
      const times = { departure, arrival, user: 'test', comment: uid };
      const { version, seq } = await cache.updateFlightDeparture(flightId, times);
      await tell({ uid, flightId, column, version, seq });
    } catch (error) {
      await tell({ uid, error: (error as { code?: string }).code ?? String(error) });
    }
  }
}
await Promise.all(Array.from({ length: 4 }, write));
