import { describe, expect, test } from 'vitest';
import { BatchSizer } from './batch-sizer.ts';

const full = (sizer: BatchSizer, storeMs: number) => {
  sizer.learn({ rows: sizer.rows, items: sizer.rows, storeMs });
};

describe('BatchSizer', () => {
  test('begins small, or at the limit where that is less', () => {
    expect(new BatchSizer(5000).rows).toBe(1000);
    expect(new BatchSizer(10).rows).toBe(10);
    expect(new BatchSizer(5000, 700).rows).toBe(700);
    expect(new BatchSizer(500, 700).rows).toBe(500);
  });

  test('grows while batches come full and commit quickly, and never over the limit', () => {
    const sizer = new BatchSizer(5000);
    const seen = [1, 2, 3].map(() => {
      full(sizer, 10);
      return sizer.rows;
    });
    expect(seen).toEqual([4000, 5000, 5000]);
  });

  test('stays where a batch was not full, or took about as long as it should', () => {
    const sizer = new BatchSizer(5000);
    sizer.learn({ rows: 1000, items: 999, storeMs: 1 });
    full(sizer, 250);
    full(sizer, 500);
    expect(sizer.rows).toBe(1000);
  });

  test('halves where commits are slow, and never below one', () => {
    const sizer = new BatchSizer(5000);
    full(sizer, 501);
    expect(sizer.rows).toBe(500);
    for (let batch = 0; batch < 20; batch++) sizer.learn({ rows: sizer.rows, items: 1, storeMs: 10_000 });
    expect(sizer.rows).toBe(1);
    full(sizer, 1);
    expect(sizer.rows).toBe(4);
  });
});
