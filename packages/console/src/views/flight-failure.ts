/** What an error of an update means for who sent it: above all, whether anything was written. */
import { ApiProblem, ApiUnreachableError } from '@afterwrite/client';
import { describeError } from '../live/describe-error.ts';

export interface SendFailure {
  readonly kind:
    /** Nothing was written; the same may be sent again. */
    | 'REFUSED'
    /** Nothing was written: the flight is at another version. */
    | 'CONFLICT'
    /** It was accepted or not. */
    | 'UNKNOWN';
  readonly words: string;
  /** The field of the form at fault. */
  readonly field?: string | undefined;
}

export function failureOf(error: unknown): SendFailure {
  const isUnknown =
    error instanceof ApiUnreachableError ||
    // A gateway's own error says nothing of what became of the request behind it.
    (error instanceof ApiProblem && (error.code === 'OUTCOME_UNKNOWN' || error.code.startsWith('HTTP_5')));
  if (isUnknown) {
    const words =
      'Whether it was accepted is not known: no answer came. Send it again: by its key it is carried out once, whatever became of it.';
    return { kind: 'UNKNOWN', words };
  }
  if (error instanceof ApiProblem && error.code === 'VERSION_CONFLICT') {
    const words =
      'Somebody changed this flight since you saw it. Nothing of yours was written. Take the present times, look, and send again.';
    return { kind: 'CONFLICT', words };
  }
  const words = `Not accepted, nothing was written: ${describeError(error)}`;
  const field = error instanceof ApiProblem && /^(user|comment)$/.test(error.field ?? '') ? error : undefined;
  return { kind: 'REFUSED', words, field: field?.field };
}
