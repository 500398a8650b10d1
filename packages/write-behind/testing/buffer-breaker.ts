import { describe, expect, test, vi } from 'vitest';
import { type MakeBuffer, openLab } from './buffer-lab.ts';

const LONG_MS = 60_000;
const TRIP = { known: 0, waitMs: LONG_MS, keptMs: LONG_MS };

export function describeBreaker(make: MakeBuffer): void {
  describe('10 the breaker: what flushers know of a store that is away', () => {
    test('is closed until it is tripped, and again once it is closed', async () => {
      const { buffer } = await openLab(make);
      expect(await buffer.passBreaker(LONG_MS)).toEqual({ kind: 'CLOSED' });
      expect(await buffer.readBreaker()).toBeUndefined();
      expect(await buffer.tripBreaker(TRIP)).toMatchObject({ failures: 1, waitMs: LONG_MS });
      expect(await buffer.passBreaker(LONG_MS)).toMatchObject({ kind: 'OPEN', failures: 1 });
      expect(await buffer.readBreaker()).toMatchObject({ failures: 1 });
      await buffer.closeBreaker();
      expect(await buffer.passBreaker(LONG_MS)).toEqual({ kind: 'CLOSED' });
    });

    test('of many that fail together one counts', async () => {
      const { buffer } = await openLab(make);
      await Promise.all(Array.from({ length: 5 }, () => buffer.tripBreaker(TRIP)));
      const since = (await buffer.readBreaker())?.sinceMs;
      expect(await buffer.tripBreaker(TRIP)).toMatchObject({ failures: 1, sinceMs: since });
      expect(await buffer.tripBreaker({ ...TRIP, known: 1 })).toMatchObject({ failures: 2, sinceMs: since });
    });

    test('after the wait one of many may try, and the others wait for it', async () => {
      const { buffer } = await openLab(make);
      await buffer.tripBreaker({ ...TRIP, waitMs: 0 });
      const replies = await Promise.all(Array.from({ length: 5 }, () => buffer.passBreaker(LONG_MS)));
      expect(replies.map(({ kind }) => kind).sort()).toEqual(['OPEN', 'OPEN', 'OPEN', 'OPEN', 'TRIAL']);
    });

    test('who tried and was never heard of again is replaced', async () => {
      const { buffer } = await openLab(make);
      await buffer.tripBreaker({ ...TRIP, waitMs: 0 });
      expect(await buffer.passBreaker(20)).toMatchObject({ kind: 'TRIAL', failures: 1 });
      await vi.waitFor(async () =>
        expect(await buffer.passBreaker(LONG_MS)).toMatchObject({ kind: 'TRIAL' }),
      );
    });

    test('a trial that fails lets the next one try only after its own wait', async () => {
      const { buffer } = await openLab(make);
      await buffer.tripBreaker({ ...TRIP, waitMs: 0 });
      await buffer.passBreaker(LONG_MS);
      await buffer.tripBreaker({ ...TRIP, known: 1, waitMs: 0 });
      expect(await buffer.passBreaker(LONG_MS)).toMatchObject({ kind: 'TRIAL', failures: 2 });
    });

    test('one that nobody tries is forgotten', async () => {
      const { buffer } = await openLab(make);
      await buffer.tripBreaker({ ...TRIP, keptMs: 20 });
      await vi.waitFor(async () => expect(await buffer.readBreaker()).toBeUndefined());
    });
  });
}
