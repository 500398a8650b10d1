import { ApiProblem, ApiUnreachableError } from '@afterwrite/client';

/** In words for a person. */
export function describeError(error: unknown): string {
  if (error instanceof ApiProblem) return error.detail;
  if (error instanceof ApiUnreachableError && error.code === 'TIMEOUT') return NO_ANSWER;
  if (error instanceof ApiUnreachableError && error.code === 'UNREACHABLE') return UNREACHABLE;
  // fetch's own.
  if (error instanceof DOMException && error.name === 'TimeoutError') return NO_ANSWER;
  if (error instanceof TypeError) return UNREACHABLE;
  return error instanceof Error ? error.message : String(error);
}

const NO_ANSWER = 'No answer in time.';
const UNREACHABLE = 'The server cannot be reached.';
