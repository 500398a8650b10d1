import type { ProcessAnswer } from '@afterwrite/client';
import { describe, expect, test } from 'vitest';
import {
  adviceFor,
  changeText,
  haltOf,
  type Letter,
  outcomesInShort,
  outcomeWords,
  parseBatch,
  processWords,
  reasonWords,
  stoppedWords,
  whyNot,
} from './queue-words.ts';

const letter: Letter = {
  letterId: 1,
  partition: 0,
  epoch: 'e',
  seq: 5,
  id: '115',
  update: null,
  item: '',
  reason: 'REFUSED',
  error: "MySQL 3819 HY000: Check constraint 'times' is violated.",
  parkedAt: '2027-06-01T10:00:00Z',
  superseded: [],
  redrivable: true,
};

describe('a dead letter', () => {
  test('has a reason in words and what to do, also for one that is not known here', () => {
    for (const reason of ['MISSING_ROW', 'REFUSED', 'UNREADABLE', 'ABANDONED', 'NEW_ONE', null]) {
      const { title, advice } = reasonWords(reason);
      expect([title, advice].every((text) => text.length > 0)).toBe(true);
    }
    expect(reasonWords('NEW_ONE').title).toBe('NEW_ONE');
  });

  test('is not to be mended and redriven once newer updates stand', () => {
    expect(adviceFor(letter)).toContain('redrive');
    expect(adviceFor({ ...letter, superseded: ['arrival'], redrivable: false })).not.toContain('redrive');
    const abandoned = adviceFor({
      ...letter,
      reason: 'ABANDONED',
      superseded: ['arrival'],
      redrivable: false,
    });
    expect(abandoned).toContain('make the update again');
  });

  test('says why it cannot be redriven', () => {
    expect(whyNot(letter)).toBeNull();
    expect(whyNot({ ...letter, superseded: ['departure', 'arrival'], redrivable: false })).toContain(
      'departure and arrival',
    );
    expect(whyNot({ ...letter, reason: 'UNREADABLE', redrivable: false })).toContain('read');
    expect(whyNot({ ...letter, redrivable: false })).toContain('format');
    expect(whyNot({ ...letter, seq: null })).toContain('no number');
  });

  test('values are shown as they are, times as all times are', () => {
    expect(changeText('2027-06-01T10:00:00Z')).toBe('2027-06-01 10:00:00 UTC');
    expect(['a', 1, null, true].map(changeText)).toEqual(['a', '1', 'null', 'true']);
  });
});

describe('a redrive', () => {
  test('each outcome in words, a superseded one with its fields', () => {
    const kinds = ['REDRIVEN', 'GONE', 'SUPERSEDED', 'UNREADABLE', 'REFUSED'] as const;
    expect(new Set(kinds.map((kind) => outcomeWords({ letterId: 1, kind }))).size).toBe(kinds.length);
    expect(outcomeWords({ letterId: 1, kind: 'SUPERSEDED', fields: ['arrival'] })).toContain('arrival');
    expect(outcomeWords({ letterId: 1, kind: 'REFUSED', error: 'MySQL 3819' })).toContain('MySQL 3819');
  });

  test('in short: how many of each, and none', () => {
    const outcomes = [
      { letterId: 1, kind: 'REFUSED' },
      { letterId: 2, kind: 'REDRIVEN' },
      { letterId: 3, kind: 'REDRIVEN' },
    ] as const;
    expect(outcomesInShort(outcomes)).toBe('3 letters: 2 stored, 1 refused again.');
    expect(outcomesInShort([])).toMatch(/^No dead letter/);
  });
});

describe('a flush', () => {
  const done: ProcessAnswer = {
    processed: 12,
    skipped: 0,
    failed: 0,
    queries: 3,
    remaining: 0,
    stopped: [],
    storeAway: null,
  };

  test('says what it did, and only that', () => {
    expect(processWords(done)).toEqual(['Stored 12 updates with 3 statements.', 'Nothing waits.']);
  });

  test('that nothing was there is said as that', () => {
    expect(processWords({ ...done, processed: 0, queries: 0 })).toEqual([
      'Nothing was stored.',
      'Nothing waits.',
    ]);
  });

  test('says what is left, parked, stopped and away', () => {
    const lines = processWords({
      ...done,
      processed: 0,
      skipped: 2,
      failed: 1,
      remaining: 40,
      stopped: [{ partition: 3, code: 'NEWER_FORMAT', retryable: false }],
      storeAway: { failures: 2, since: '2027-06-01T10:00:00Z', retryInMs: 1500 },
    }).join('\n');
    for (const part of [
      '1 update parked',
      '2 updates had been',
      '40 updates still wait',
      'Partition 3',
      '1.5 s',
    ]) {
      expect(lines).toContain(part);
    }
  });

  test('a code that nobody has words for is named', () => {
    expect(stoppedWords('UNEXPECTED').title).toContain('UNEXPECTED');
    expect(stoppedWords('STORE_ERROR').advice).toContain('Mend');
    expect(haltOf({ code: 'STORE_ERROR', retryable: false })).toMatchObject({
      title: 'stopped: the database refuses the statement, not the data',
      chapter: 'PartitionsStopped',
    });
    const waits = [
      ['STORE_UNAVAILABLE', 'waits for the database', 'StoreAway'],
      ['BUFFER_UNAVAILABLE', "waits for the queue's server", "The queue's server does not answer"],
      ['PARTITIONS_CHANGING', 'waits: the queue is being rebuilt', 'PartitionsStopped'],
    ] as const;
    for (const [code, title, chapter] of waits)
      expect(haltOf({ code, retryable: true })).toMatchObject({ title, chapter });
  });
});

test('a batch is a whole number within the limit, or as configured', () => {
  expect(['', ' ', '1', ' 5000 '].map((text) => parseBatch(text, 5000))).toEqual([null, null, 1, 5000]);
  for (const text of ['0', '5001', '-1', '1.5', 'x']) expect(parseBatch(text, 5000)).toBeTypeOf('string');
});
