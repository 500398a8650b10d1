import { ApiProblem, ApiUnreachableError } from '@afterwrite/client';
import { expect, test } from 'vitest';
import { failureOf } from './flight-failure.ts';

function problem(name: string, status: number, field?: string): ApiProblem {
  const type = name === '' ? 'about:blank' : `urn:afterwrite:problem:${name}`;
  const document = { type, title: 'Title', status, detail: 'What the API says.', ...(field && { field }) };
  return new ApiProblem(document, { retryable: false });
}

test.each([
  ['no answer', new ApiUnreachableError('TIMEOUT', 'late')],
  ['a cut connection', new ApiUnreachableError('UNREACHABLE', 'cut')],
  ['an answer that is cut off', new ApiUnreachableError('UNREADABLE_ANSWER', 'half')],
  ['the API does not know', problem('outcome-unknown', 503)],
  ['a gateway answers in its place', problem('', 504)],
])('unknown, never called refused: %s', (_name, error) => {
  expect(failureOf(error).kind).toBe('UNKNOWN');
});

test('another version is a conflict', () => {
  expect(failureOf(problem('version-conflict', 412, 'If-Match')).kind).toBe('CONFLICT');
});

test('what the API refuses is refused, in its own words, at its field where the form has it', () => {
  const unavailable = failureOf(problem('unavailable', 503));
  expect(unavailable).toMatchObject({ kind: 'REFUSED', field: undefined });
  expect(unavailable.words).toContain('What the API says.');
  expect(failureOf(problem('invalid-field', 400, 'comment')).field).toBe('comment');
  expect(failureOf(problem('invalid-field', 400, 'arrival')).field).toBeUndefined();
  expect(failureOf(problem('', 403)).kind).toBe('REFUSED');
});
