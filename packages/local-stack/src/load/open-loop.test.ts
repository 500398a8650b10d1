/** The open loop on a clock of its own: each sleep is the next moment. */
import { expect, test } from 'vitest';
import { OpenLoop } from './open-loop.ts';

interface Place {
  nowMs: number;
  sent: number;
  late: number;
  /** When each was sent. */
  readonly at: number[];
}

interface Course {
  readonly perSecond: number;
  readonly forMs: number;
  /** From when on somebody has stopped it. */
  readonly stopMs?: number;
  readonly send: (place: Place) => Promise<void>;
  /** Instead of 5 ms. */
  readonly tickMs?: (place: Place) => number;
}

async function run({ perSecond, forMs, stopMs = Infinity, send, tickMs }: Course): Promise<Place> {
  const place: Place = { nowMs: 0, sent: 0, late: 0, at: [] };
  const ending = new AbortController();
  await new OpenLoop({
    perSecond,
    forMs,
    signal: ending.signal,
    send: () => {
      place.sent += 1;
      place.at.push(place.nowMs);
      return send(place);
    },
    late: (updates) => (place.late += updates),
    runtime: {
      monotonicMs: () => place.nowMs,
      sleep: async (ms) => {
        await new Promise((resolve) => setImmediate(resolve));
        place.nowMs += tickMs?.(place) ?? ms;
        if (place.nowMs >= stopMs) ending.abort();
      },
    },
  }).run();
  return place;
}

const accepted = () => Promise.resolve();

test.each([1, 3, 200, 2000, 20_000])('%i a second, whatever the ticks are', async (perSecond) => {
  // At 20,000 a second, 49 ms are more than may be under way.
  for (const tickMs of perSecond > 2000 ? [5, 7] : [5, 7, 49]) {
    const { sent, late } = await run({ perSecond, forMs: 4000, send: accepted, tickMs: () => tickMs });
    expect({ sent, late }).toEqual({ sent: perSecond * 4, late: 0 });
  }
});

test('stopped before its time it sends no more', async () => {
  const { sent, late } = await run({ perSecond: 200, forMs: 4000, stopMs: 1000, send: accepted });
  expect({ sent, late }).toEqual({ sent: 199, late: 0 });
});

test('no more are under way than may be; what has waited for a second, or to the end, is late', async () => {
  let [underWay, most] = [0, 0];
  const answers: (() => void)[] = [];
  const running = run({
    perSecond: 1000,
    forMs: 3000,
    send: async () => {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => answers.push(resolve));
    },
    tickMs: ({ nowMs }) => {
      if (nowMs === 2995) setImmediate(() => answers.splice(0).forEach((answer) => answer()));
      return 5;
    },
  });
  const { sent, late } = await running;
  expect({ most, sent }).toEqual({ most: 512, sent: 512 });
  expect(late).toBe(3000 - 512);
});

test('after a failure it waits, longer each time, and nothing of that is late', async () => {
  const { at, late } = await run({
    perSecond: 1000,
    forMs: 8000,
    send: ({ nowMs }) => (nowMs < 5000 ? Promise.reject(new Error('away')) : accepted()),
  });
  expect(late).toBe(0);
  const bursts = [...new Set(at.filter((ms) => ms < 5000))];
  expect(bursts).toEqual([5, 105, 305, 705, 1505, 3105]);
  expect(at.filter((ms) => ms >= 6000 && ms < 7000)).toHaveLength(1000);
});

test('it ends when all are answered', async () => {
  let answer: () => void = () => undefined;
  let isOver = false;
  const running = run({
    perSecond: 100,
    forMs: 15,
    send: () => new Promise<void>((resolve) => (answer = resolve)),
  }).then(() => (isOver = true));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  answer();
  await running;
});
