/** A flusher in a process of its own, to be killed at any line: drains as long as its parent lives. */
import { FlightCache } from '@afterwrite/flights';

/** Between two looks at an empty queue. */
const IDLE_MS = 20;

const cache = await FlightCache.open();
process.send?.('open');
process.on('disconnect', () => {
  process.exit(0);
});
for (;;) {
  await cache.flushQueue();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
}
