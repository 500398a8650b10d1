/**
 * The nine steps in their order. Whatever cuts the demo short after the flight was moved, an error or Ctrl-C, its
 * original times are put back: a demo must leave the data as it was.
 */
import type { Flight } from '@afterwrite/flights';
import type { Pauses } from './pauses.ts';
import * as steps from './steps.ts';
import type { Demo } from './steps.ts';
import { counted } from './words.ts';

export const STEPS = 9;

export async function runDemo(demo: Demo, pauses: Pauses): Promise<void> {
  let number = 0;
  const step = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    if (number > 0) await pauses.wait();
    demo.signal.throwIfAborted();
    demo.screen.step(++number, title);
    return await work();
  };
  const original = await step('first read', () => steps.firstRead(demo));
  await step('second read', () => steps.secondRead(demo));
  await withWayBack(demo, original, async () => {
    const moved = await step('write-behind update', () => steps.move(demo, original));
    await step('consistency before the queue is processed', () => steps.checkBefore(demo));
    await step('the queue is processed', () => steps.processQueue(demo));
    await step('consistency afterwards', () => steps.checkAfter(demo));
    await step('the updated flight is read again', () => steps.readMoved(demo, moved));
    await step('the original times are restored', () => steps.restore(demo, original));
  });
  await step('summary', () => steps.summary(demo, original));
}

/** `--flush`: what waits is stored, then the cache is emptied. */
export async function emptyCache({ cache, screen }: Demo): Promise<void> {
  const { deleted, flushed } = await cache.clear();
  const stored =
    flushed.processed === 0 ? '' : ` after ${counted(flushed.processed, 'waiting update')} had been stored`;
  screen.line(`Cache emptied: ${counted(deleted, 'key')} of this project removed${stored}.`);
  screen.sql(flushed.queries);
}

async function withWayBack(demo: Demo, original: Flight, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await steps.putBack(demo, original).then(
      () => demo.screen.line('Cut short: the original times are restored.'),
      (reason: unknown) => {
        const why = reason instanceof Error ? reason.message : String(reason);
        demo.screen.line(
          `Cut short, and the original times (departure ${original.departure}, arrival ${original.arrival}) ` +
            `could not be restored: ${why}`,
        );
      },
    );
    throw error;
  }
}
