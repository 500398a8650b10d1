import type { ConsistencyAnswer, LettersAnswer, LogEntry } from '@afterwrite/client';
import { describe, expect, test } from 'vitest';
import {
  changesOf,
  delayed,
  fieldRows,
  lettersVerdict,
  newEntries,
  parseMinutes,
  parseSearch,
  partitionOf,
  shift,
  verdictOf,
} from './flight-words.ts';

describe('the search', () => {
  test.each([
    ['115', 115],
    [' 007 ', 7],
    ['2147483647', 2_147_483_647],
  ])('%j is an id', (text, id) => {
    expect(parseSearch(text)).toEqual({ kind: 'ID', id });
  });

  test.each(['SA2133', ' sa 2133', 'Sa-2133'])('%j is a flight number', (text) => {
    expect(parseSearch(text)).toEqual({ kind: 'NUMBER', flightno: 'SA2133' });
  });

  test('nothing is nothing, and what is neither says what is taken', () => {
    expect(parseSearch('  ')).toEqual({ kind: 'EMPTY' });
    for (const text of ['0', '2147483648', '9'.repeat(30), 'x', 'a/b', '<b>', 'SA21330000', '-5', '1.5']) {
      expect(parseSearch(text), text).toMatchObject({ kind: 'WRONG' });
    }
  });
});

describe('the delay', () => {
  test('minutes are whole, either way, not none, and not more than a week', () => {
    expect(['30', '-15', '+5', ' 7 ', '10080'].map(parseMinutes)).toEqual([30, -15, 5, 7, 10_080]);
    for (const text of ['', '0', '-0', '1.5', '1e3', 'ten', '10081', '-10081', '9'.repeat(20)]) {
      expect(parseMinutes(text), text).toBeTypeOf('string');
    }
  });

  test('moves both times, over midnight and the end of a year', () => {
    const times = { departure: '2027-12-31T23:40:00Z', arrival: '2028-01-01T01:00:00Z' };
    expect(delayed(times, 30)).toEqual({
      departure: '2028-01-01T00:10:00Z',
      arrival: '2028-01-01T01:30:00Z',
    });
    expect(delayed(delayed(times, 95), -95)).toEqual(times);
  });

  test('in words', () => {
    expect([30, -15, 60, 125, -1440].map(shift)).toEqual([
      '30 min later',
      '15 min earlier',
      '1 h later',
      '2 h 5 min later',
      '24 h earlier',
    ]);
  });
});

const flight = {
  flight_id: 115,
  flightno: 'SA2133',
  departure: '2027-06-01T10:00:00Z',
  arrival: '2027-06-01T12:00:00Z',
  airline_id: 1,
  airplane_id: 2,
  from_airport: 'ICN',
  to_airport: null,
  airlinename: 'Somewhere Air',
};
const equal: ConsistencyAnswer = {
  consistent: true,
  reason: 'EQUAL',
  cache: flight,
  database: flight,
  differing: [],
  pending: false,
  pendingUpdates: 0,
  queueLength: 0,
  cacheKey: '{flight.4}:115',
  query: 'SELECT',
};

describe('what a comparison means', () => {
  const say = (more: Partial<ConsistencyAnswer>, oldestMs: number | null = null) =>
    verdictOf({ ...equal, ...more }, oldestMs);

  test('equal, with and without updates that wait', () => {
    expect(say({})).toMatchObject({ tone: 'GOOD', title: 'Equal', advice: null });
    const { tone, meaning } = say({ pending: true, pendingUpdates: 2 });
    expect([tone, meaning]).toEqual(['GOOD', expect.stringContaining('2 updates of it wait')]);
  });

  test('pending: how many, since when, and nothing to do', () => {
    const { tone, meaning, advice } = say({ reason: 'PENDING', pending: true, pendingUpdates: 1 }, 3200);
    expect([tone, advice]).toEqual(['WAITS', null]);
    expect(meaning).toContain('1 update of it waits');
    expect(meaning).toContain('3.2 s');
    expect(say({ reason: 'PENDING', pending: true, pendingUpdates: 1 }).meaning).not.toMatch(/oldest|–/);
  });

  test('really different: which of the ways, and what to do', () => {
    const ways = [{}, { database: null }, { cache: null }, { pendingUpdates: 3 }].map((more) =>
      say({ ...more, reason: 'DIFFERENT', consistent: false }),
    );
    expect(ways.map(({ tone }) => tone)).toEqual(['BAD', 'BAD', 'BAD', 'BAD']);
    expect(ways.every(({ advice }) => advice !== null)).toBe(true);
    expect(new Set(ways.map(({ meaning }) => meaning)).size).toBe(4);
  });

  test('not cached is well, undecided is not known', () => {
    expect(say({ cache: null, reason: 'NOT_CACHED' })).toMatchObject({ tone: 'GOOD', title: 'Not cached' });
    expect(say({ reason: 'UNDECIDED' }).tone).toBe('UNKNOWN');
  });

  test('dead letters: how many, and why', () => {
    const letter: LettersAnswer['deadLetters'][number] = {
      ...{ letterId: 1, partition: 0, epoch: 'e', seq: 5, id: '115', update: null, item: '', error: '' },
      ...{ reason: 'REFUSED', parkedAt: '2027-06-01T10:00:00Z', superseded: [], redrivable: true },
    };
    expect(lettersVerdict([])).toBeNull();
    expect(lettersVerdict([letter])).toMatchObject({
      tone: 'BAD',
      title: '1 update of this flight is a dead letter',
      meaning: expect.stringContaining('the database refuses the value') as string,
    });
    const past = lettersVerdict([{ ...letter, superseded: ['arrival'] }]);
    expect(past).toMatchObject({
      tone: 'UNKNOWN',
      advice: expect.stringContaining('newer values') as string,
    });
    const gone = lettersVerdict([letter, letter, { ...letter, reason: 'MISSING_ROW' }]);
    expect(gone?.title).toBe('3 updates of this flight are dead letters');
    expect(gone?.meaning).toContain('refuses the value; its row is not');
    expect(lettersVerdict(Array.from({ length: 20 }, () => letter))?.title).toMatch(/^At least 20/);
  });

  test('fields side by side: what an update changes first, what differs marked, what is not there not invented', () => {
    const database = { ...flight, departure: '2027-06-01T09:00:00Z' };
    const rows = fieldRows({ ...equal, database, differing: ['departure'] });
    expect(rows[0]).toMatchObject({
      label: 'Departure',
      cache: '2027-06-01 10:00:00',
      database: '2027-06-01 09:00:00',
      differs: true,
    });
    expect(rows.filter(({ differs }) => differs)).toHaveLength(1);
    expect(rows.find(({ name }) => name === 'to_airport')?.cache).toBe('none');
    expect(fieldRows({ ...equal, cache: null }).every(({ cache }) => cache === null)).toBe(true);
  });

  test('the partition is the one of the key', () => {
    expect(['{flight.4}:115', '{ns:flight.12}:9', 'other'].map(partitionOf)).toEqual([4, 12, null]);
  });
});

describe('the audit trail', () => {
  const entry = (second: number, more: Partial<LogEntry> = {}): LogEntry => ({
    log_date: `2027-06-01T10:00:${String(second).padStart(2, '0')}Z`,
    user: 'ann',
    flight_id: 115,
    flightno_old: 'SA2133',
    flightno_new: 'SA2133',
    from_old: 1,
    from_new: 1,
    to_old: 2,
    to_new: 2,
    departure_old: '2027-06-01T10:00:00Z',
    departure_new: '2027-06-01T10:30:00Z',
    arrival_old: '2027-06-01T12:00:00Z',
    arrival_new: '2027-06-01T12:00:00Z',
    airplane_id_old: 2,
    airplane_id_new: 2,
    airline_id_old: 1,
    airline_id_new: 1,
    comment: null,
    ...more,
  });

  test('shows the times always, and else what changed', () => {
    expect(changesOf(entry(1, { airplane_id_new: 9 }))).toEqual([
      { label: 'Departure', before: '2027-06-01 10:00:00', after: '2027-06-01 10:30:00', changed: true },
      { label: 'Arrival', before: '2027-06-01 12:00:00', after: '2027-06-01 12:00:00', changed: false },
      { label: 'Airplane', before: '2', after: '9', changed: true },
    ]);
  });

  test('counts what came since, also within the second of the newest that is shown', () => {
    const shown = [entry(5), entry(4), entry(3)];
    expect(newEntries(shown, shown)).toBe(0);
    expect(newEntries([entry(7), entry(6), entry(5), entry(4)], shown)).toBe(2);
    expect(newEntries([entry(5), entry(5), entry(4)], shown)).toBe(1);
    expect(newEntries([entry(1)], [])).toBe(1);
  });
});
