import type { LogEntry } from '@afterwrite/client';
import { expect, test } from 'vitest';
import { trailOf } from './flight-trail.ts';

/** `10 21:48 21:49`: in second 10, the departure from the one to the other. */
function entry(text: string): LogEntry {
  const [second, before, after] = text.split(' ');
  const same = { airplane_id_old: 2, airplane_id_new: 2, airline_id_old: 1, airline_id_new: 1 };
  const arrival = '2027-06-01T23:00:00Z';
  return {
    ...{ log_date: `2027-06-01T10:00:${second}Z`, user: 'ann', flight_id: 115, comment: null },
    ...{ flightno_old: 'SA2133', flightno_new: 'SA2133', from_old: 1, from_new: 1, to_old: 2, to_new: 2 },
    departure_old: `2027-06-01T${before}:00Z`,
    departure_new: `2027-06-01T${after}:00Z`,
    ...{ arrival_old: arrival, arrival_new: arrival, ...same },
  };
}

/** `?` after those whose order is not known. */
function trail(...texts: string[]): string[] {
  return trailOf(texts.map(entry)).map(
    ({ entry: { log_date, departure_old, departure_new }, isOrderKnown }) => {
      const [second, ...times] = [
        log_date.slice(17, 19),
        departure_old.slice(11, 16),
        departure_new.slice(11, 16),
      ];
      return [second, ...times].join(' ') + (isOrderKnown ? '' : '?');
    },
  );
}

test('entries of one second are put by what they changed, newest first', () => {
  expect(trail('11 21:51 21:52', '10 21:48 21:49', '10 21:50 21:51', '10 21:49 21:50')).toEqual([
    '11 21:51 21:52',
    '10 21:50 21:51',
    '10 21:49 21:50',
    '10 21:48 21:49',
  ]);
});

test('there and back: the second before tells which came first', () => {
  expect(trail('11 21:49 21:48', '11 21:48 21:49', '10 21:47 21:48')).toEqual([
    '11 21:49 21:48',
    '11 21:48 21:49',
    '10 21:47 21:48',
  ]);
  expect(trail('11 21:48 21:49', '11 21:49 21:48', '10 21:47 21:48')).toEqual([
    '11 21:49 21:48',
    '11 21:48 21:49',
    '10 21:47 21:48',
  ]);
  expect(trail('11 21:48 21:49', '11 21:49 21:48')).toEqual(['11 21:48 21:49?', '11 21:49 21:48?']);
});

test('what makes no chain stays as it came, and says so; of other seconds the order is known', () => {
  expect(trail('12 21:00 21:01', '11 10:00 10:01', '11 12:00 12:01', '10 09:00 10:00')).toEqual([
    '12 21:00 21:01',
    '11 10:00 10:01?',
    '11 12:00 12:01?',
    '10 09:00 10:00',
  ]);
  expect(trail()).toEqual([]);
});

test('many of one second, back and forth, are given up in time', () => {
  const many = Array.from({ length: 60 }, (_, index) => (index % 2 ? '10 21:48 21:49' : '10 21:49 21:48'));
  expect(trail(...many)).toHaveLength(60);
});
