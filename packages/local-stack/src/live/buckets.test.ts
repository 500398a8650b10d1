import { LATENCY_BOUNDS_MS } from '@afterwrite/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Buckets } from './buckets.ts';

const values = fc.array(fc.double({ min: 0, max: 200_000, noNaN: true }), { minLength: 1, maxLength: 200 });

test('a quantile lies in the bucket of the value that it is, and the largest value is exact', () => {
  fc.assert(
    fc.property(values, (observed) => {
      const buckets = new Buckets(LATENCY_BOUNDS_MS);
      for (const value of observed) buckets.observe(value);
      const sorted = [...observed].sort((one, other) => one - other);
      const { count, p50, p99, max } = buckets.quantiles();
      expect({ count, max }).toEqual({ count: observed.length, max: sorted.at(-1) });
      for (const [share, quantile] of [
        [0.5, p50],
        [0.99, p99],
      ] as const) {
        const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
        const index = LATENCY_BOUNDS_MS.findIndex((bound) => exact <= bound);
        expect(quantile).toBeLessThanOrEqual(index < 0 ? max : LATENCY_BOUNDS_MS[index]!);
        expect(quantile).toBeGreaterThanOrEqual(
          index < 0 ? LATENCY_BOUNDS_MS.at(-1)! : (LATENCY_BOUNDS_MS[index - 1] ?? 0),
        );
      }
    }),
  );
});

test('what several counted adds up to what one would have counted', () => {
  fc.assert(
    fc.property(values, values, (first, second) => {
      const [whole, ...parts] = [1, 2, 3].map(() => new Buckets(LATENCY_BOUNDS_MS)) as [
        Buckets,
        Buckets,
        Buckets,
      ];
      for (const value of [...first, ...second]) whole.observe(value);
      for (const value of first) parts[0].observe(value);
      for (const value of second) parts[1].observe(value);
      parts[0].add(parts[1].take());
      expect(parts[0].counts).toEqual(whole.counts);
      expect(parts[0].quantiles()).toEqual(whole.quantiles());
      expect(parts[0].sum).toBeCloseTo(whole.sum, 3);
      expect(parts[1].quantiles()).toEqual({ count: 0, p50: 0, p99: 0, max: 0 });
    }),
  );
});

test('a value at a bound is at most that bound', () => {
  const buckets = new Buckets([1, 2]);
  for (const value of [0, 1, 1.5, 2, 2.5]) buckets.observe(value);
  expect(buckets.counts).toEqual([2, 2, 1]);
  expect(() => buckets.add({ counts: [1], sum: 1, max: 1 })).toThrow('Other bounds');
});
