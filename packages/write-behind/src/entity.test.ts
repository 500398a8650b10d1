import { describe, expect, test } from 'vitest';
import { parseAttribution, parseEntityId } from './entity.ts';
import { ValidationError } from './errors.ts';

describe('parseAttribution', () => {
  test.each([
    ['ann', undefined, null],
    ['ann', null, null],
    ['ann', '', ''],
    [' ann ', ' why ', ' why '],
    ['x'.repeat(100), 'y'.repeat(200), 'y'.repeat(200)],
    // Columns count code points; each of these is two of JavaScript's units.
    ['😀'.repeat(100), '😀'.repeat(200), '😀'.repeat(200)],
  ])('takes %j, %j', (user, comment, kept) => {
    expect(parseAttribution(user, comment)).toEqual({ user, comment: kept });
  });

  test.each<[string, unknown, unknown, RegExp]>([
    ['user', '', null, /not empty/],
    ['user', ' \t\n', null, /not empty/],
    ['user', undefined, null, /not empty/],
    ['user', null, null, /not empty/],
    ['user', 5, null, /text/],
    ['user', { toString: () => 'ann' }, null, /text/],
    ['user', 'x'.repeat(101), null, /100 characters, this has 101/],
    ['user', '😀'.repeat(101), null, /100 characters, this has 101/],
    ['user', 'ann\ud800', null, /Unicode/],
    ['comment', 'ann', 5, /text/],
    ['comment', 'ann', ['why'], /text/],
    ['comment', 'ann', 'y'.repeat(201), /200 characters, this has 201/],
    ['comment', 'ann', '\udc00', /Unicode/],
  ])('refuses a bad %s: %j, %j', (field, user, comment, message) => {
    const parse = () => parseAttribution(user, comment);
    expect(parse).toThrow(ValidationError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ field, code: 'VALIDATION', retryable: false }));
  });
});

describe('parseEntityId', () => {
  const definition = { parseId: String };

  test.each(['115', 'a', 'A-b_c.d:e~f%20', 'x'.repeat(128)])('takes %s', (id) => {
    expect(parseEntityId(definition, id)).toBe(id);
  });

  test.each(['', 'x'.repeat(129), 'a b', 'a\n', '{a}', 'é', 'a"b', 'a\\b', '\0'])('refuses %j', (id) => {
    expect(() => parseEntityId(definition, id)).toThrow(ValidationError);
  });
});
