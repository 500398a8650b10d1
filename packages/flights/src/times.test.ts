import fc from 'fast-check';
import { ValidationError } from '@afterwrite/write-behind';
import { describe, expect, test } from 'vitest';
import { fromDatetime, parseTime, toDatetime } from './times.ts';

describe('parseTime', () => {
  test.each<[unknown, string]>([
    ['2027-06-01T10:30:00Z', '2027-06-01T10:30:00Z'],
    ['2027-06-01t10:30:00z', '2027-06-01T10:30:00Z'],
    ['2027-06-01 10:30:00', '2027-06-01T10:30:00Z'],
    ['2027-06-01T10:30', '2027-06-01T10:30:00Z'],
    [' 2027-06-01T10:30:00Z ', '2027-06-01T10:30:00Z'],
    ['2027-06-01T10:30:00.000Z', '2027-06-01T10:30:00Z'],
    ['2027-06-01T10:30:00+02:00', '2027-06-01T08:30:00Z'],
    ['2027-06-01T00:30:00+0200', '2027-05-31T22:30:00Z'],
    ['2027-12-31T23:30:00-05:30', '2028-01-01T05:00:00Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['2000-02-29T23:59:59Z', '2000-02-29T23:59:59Z'],
    ['1000-01-01T00:00:00Z', '1000-01-01T00:00:00Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
    [new Date('2027-06-01T10:30:00Z'), '2027-06-01T10:30:00Z'],
  ])('takes %j', (input, time) => {
    expect(parseTime('departure', input)).toBe(time);
  });

  test.each<[unknown, RegExp]>([
    ['2027-02-29T00:00:00Z', /does not exist/],
    ['1900-02-29T00:00:00Z', /does not exist/],
    ['2027-04-31T00:00:00Z', /does not exist/],
    ['2027-13-01T00:00:00Z', /does not exist/],
    ['2027-00-01T00:00:00Z', /does not exist/],
    ['2027-01-00T00:00:00Z', /does not exist/],
    ['2027-06-01T24:00:00Z', /does not exist/],
    ['2027-06-01T10:60:00Z', /does not exist/],
    ['2027-06-01T23:59:60Z', /does not exist/],
    ['2027-06-01T10:30:00.5Z', /fractions/],
    ['2027-06-01T10:30:00.000000001Z', /fractions/],
    [new Date('2027-06-01T10:30:00.001Z'), /fractions/],
    ['2027-06-01T10:30:00+24:00', /no offset/],
    ['2027-06-01T10:30:00+02:60', /no offset/],
    ['0999-12-31T23:59:59Z', /years 1000 to 9999/],
    ['1000-01-01T00:00:00+01:00', /years 1000 to 9999/],
    ['9999-12-31T23:59:59-01:00', /years 1000 to 9999/],
    ['2027-06-01', /must be a time/],
    ['10:30', /must be a time/],
    ['tomorrow', /must be a time/],
    ['', /must be a time/],
    ['+002027-06-01T10:30:00Z', /must be a time/],
    ['2027-06-01T10:30:00Z; DROP TABLE flight', /must be a time/],
    ['2027-06-01T10:30:00Z\n2027', /must be a time/],
    ['٢٠٢٧-06-01T10:30:00Z', /must be a time/],
    [1_811_846_400_000, /must be a time/],
    [null, /must be a time/],
    [undefined, /must be a time/],
    [{}, /must be a time/],
    [['2027-06-01T10:30:00Z'], /must be a time/],
    [new Date(Number.NaN), /must be a time/],
    [new Date(8.64e15), /must be a time/],
  ])('refuses %j and names the field', (input, message) => {
    const parse = () => parseTime('departure', input);
    expect(parse).toThrow(ValidationError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ field: 'departure' }));
  });

  test('gives the instant that was meant, and what it gives is taken again as it is', () => {
    const first = Date.UTC(1001, 0, 1) / 1000;
    const last = Date.UTC(9998, 0, 1) / 1000;
    const property = fc.property(
      fc.integer({ min: first, max: last }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (second, offset) => {
        const instant = new Date(second * 1000);
        const shown = new Date((second + offset * 60) * 1000).toISOString().slice(0, 19);
        const minutes = Math.abs(offset);
        const two = (value: number) => String(value).padStart(2, '0');
        const suffix = `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
        const parsed = parseTime('departure', shown + suffix);
        expect(parsed).toBe(`${instant.toISOString().slice(0, 19)}Z`);
        expect(parseTime('departure', parsed)).toBe(parsed);
        expect(fromDatetime(toDatetime(parsed))).toBe(parsed);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});

describe('DATETIME', () => {
  test('holds the time without letters, and gives it back also with fractions', () => {
    expect(toDatetime('2027-06-01T10:30:00Z')).toBe('2027-06-01 10:30:00');
    expect(fromDatetime('2027-06-01 10:30:00')).toBe('2027-06-01T10:30:00Z');
    expect(fromDatetime('2027-06-01 10:30:00.000000')).toBe('2027-06-01T10:30:00Z');
  });
});
