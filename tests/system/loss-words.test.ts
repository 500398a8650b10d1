import type { LossReport } from '@afterwrite/write-behind';
import { expect, test } from 'vitest';
import { lossWords } from '../../functions/lib/loss-words.ts';

const loss = (kind: 'BUFFER' | 'STORE', partition: number, after: string | null, until: string) =>
  ({ kind, partition, after, until }) as LossReport;

test('a restart concerns every partition, and is told once, with the longest time', () => {
  const all = [
    loss('BUFFER', 10, '2027-01-01T10:00:02.000Z', '2027-01-01T10:05:00.000Z'),
    loss('BUFFER', 2, '2027-01-01T10:00:01.000Z', '2027-01-01T10:05:03.000Z'),
    loss('BUFFER', 2, '2027-01-01T11:00:01.000Z', '2027-01-01T11:00:02.000Z'),
  ];
  expect(lossWords(all)).toBe(
    "The queue's server came back, perhaps with less: updates of partitions 2, 10 accepted after 2027-01-01T10:00:01.000Z and before 2027-01-01T11:00:02.000Z may be missing.",
  );
});

test('each kind has its own sentence; a time that nobody knows begins at the first use', () => {
  const all = [
    loss('BUFFER', 0, null, '2027-01-01T10:05:00.000Z'),
    loss('STORE', 3, null, '2027-01-01T10:06:00.000Z'),
  ];
  expect(lossWords(all)).toBe(
    "The queue's server came back, perhaps with less: updates of partition 0 accepted after the first use and before 2027-01-01T10:05:00.000Z may be missing. " +
      'The database came back with less: updates of partition 3 accepted after the first use and before 2027-01-01T10:06:00.000Z are missing.',
  );
});
