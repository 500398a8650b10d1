import { ValidationError } from '@afterwrite/write-behind';
import { describe, expect, test } from 'vitest';
import { flightDefinition } from './flight.ts';

const { parseChanges, parseId } = flightDefinition;

describe('a flight id', () => {
  test.each<[unknown, string]>([
    [1, '1'],
    [115, '115'],
    ['115', '115'],
    [1e3, '1000'],
    [2_147_483_647, '2147483647'],
    ['2147483647', '2147483647'],
  ])('may be %j', (id, key) => {
    expect(parseId(id)).toBe(key);
  });

  test.each<[unknown]>([
    [0],
    [-0],
    [-1],
    ['-1'],
    [2_147_483_648],
    ['2147483648'],
    ['9999999999'],
    [1.5],
    [1e21],
    [Number.NaN],
    [Infinity],
    ['1e3'],
    ['0115'],
    [' 115'],
    ['115 '],
    ['115\n'],
    ['+115'],
    ['115.0'],
    ['0x73'],
    ['١١٥'],
    [''],
    ['abc'],
    [null],
    [undefined],
    [true],
    [115n],
    [{}],
    [[115]],
    [{ toString: () => '115' }],
  ])('may not be %o', (id) => {
    const parse = () => parseId(id);
    expect(parse).toThrow(ValidationError);
    expect(parse).toThrow(/flightId: must be a whole number from 1 to 2147483647/);
  });
});

describe('changes of a flight', () => {
  const departure = '2027-06-01T10:30:00Z';
  const arrival = '2027-06-01T12:00:00Z';

  test('are both times, in their one form', () => {
    expect(parseChanges({ departure, arrival })).toEqual({ departure, arrival });
    expect(
      parseChanges({ departure: '2027-06-01 12:30:00+02:00', arrival: new Date('2027-06-01T12:00:00Z') }),
    ).toEqual({ departure, arrival });
  });

  test.each<[string, unknown, RegExp]>([
    ['arrival', { departure, arrival: departure }, /is not after the departure/],
    ['arrival', { departure: arrival, arrival: departure }, /is not after the departure/],
    // As texts the other way round: the instants decide.
    [
      'arrival',
      { departure: '2027-06-01T10:00:00-05:00', arrival: '2027-06-01T12:00:00+02:00' },
      /is not after the departure/,
    ],
    ['departure', { arrival }, /must be a time/],
    ['arrival', { departure }, /must be a time/],
    ['arrival', { departure, arrival: '2027-02-30T00:00:00Z' }, /does not exist/],
    ['departure', { departure: '2027-06-01T10:30:00.5Z', arrival }, /fractions/],
    ['flightno', { departure, arrival, flightno: 'AB123' }, /not a field/],
    ['flight_id', { flight_id: 1 }, /not a field/],
    [
      '__proto__',
      JSON.parse(`{"departure":"${departure}","arrival":"${arrival}","__proto__":1}`),
      /not a field/,
    ],
    ['changes', null, /must be an object/],
    ['changes', undefined, /must be an object/],
    ['changes', [], /must be an object/],
    ['changes', 'departure', /must be an object/],
  ])('are refused by the field %s: %j', (field, changes, message) => {
    const parse = () => parseChanges(changes);
    expect(parse).toThrow(ValidationError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ field }));
  });
});
