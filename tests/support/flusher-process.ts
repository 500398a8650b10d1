/**
 * A flusher in a process of its own, to be killed at any line: drains as long as its parent lives. While a server is away
 * it tries again.
 */
import { FlightCache } from '@afterwrite/flights';
import { AfterwriteError } from '@afterwrite/write-behind';

/** Between two looks at an empty queue. */
const IDLE_MS = Number(process.env.FLUSHER_IDLE_MS ?? 20);

process.on('disconnect', () => {
  process.exit(0);
});

const idle = () => new Promise((resolve) => setTimeout(resolve, IDLE_MS));

async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AfterwriteError) || !error.retryable) throw error;
      await idle();
    }
  }
}

const cache = await patiently(() => FlightCache.open());
process.send?.('open');
for (;;) {
  await patiently(() => cache.flushQueue());
  await idle();
}
