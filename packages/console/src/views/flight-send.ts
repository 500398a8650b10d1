/** One update on its way to the API: what it is made from, and what is sent. */
import type { UpdateAnswer, UpdateBody } from '@afterwrite/client';
import { client } from '../live/api.ts';
import { newTrace, type Trace } from '../live/trace.ts';
import { followUpdate } from '../live/updates.ts';
import { delayed, shift, type Times } from './flight-words.ts';

/** A flight's times at one version. */
export interface Base {
  readonly version: string;
  readonly times: Times;
  /** By this machine's clock: it is no newer. */
  readonly readAt: number;
}

export async function readBase(id: number, signal: AbortSignal): Promise<Base> {
  const { version, flight } = await client.getFlight(id, { signal });
  return {
    version,
    times: { departure: flight.departure, arrival: flight.arrival },
    readAt: Date.now(),
  };
}

/** The same each time that it is sent: the key lets it be carried out once. */
export interface Attempt {
  readonly id: number;
  readonly body: UpdateBody;
  readonly ifMatch: string;
  readonly idempotencyKey: string;
  readonly trace: Trace;
  /** In words. */
  readonly what: string;
}

interface Wanted {
  readonly id: number;
  readonly base: Base;
  readonly minutes: number;
  readonly user: string;
  readonly comment: string;
}

export function beginAttempt({ id, base, minutes, user, comment }: Wanted): Attempt {
  const trace = newTrace();
  return {
    id,
    ifMatch: base.version,
    // As unlikely to be met again as a trace.
    idempotencyKey: `console-${trace.id}`,
    trace,
    what: shift(minutes),
    body: {
      ...delayed(base.times, minutes),
      ...(user.trim() !== '' && { user: user.trim() }),
      ...(comment.trim() !== '' && { comment: comment.trim() }),
    },
  };
}

export interface Sent {
  readonly answer: UpdateAnswer;
  readonly what: string;
}

/** Not ended when its view goes: it may have been accepted, and is followed all the same. */
export async function sendAttempt({ id, body, what, trace, ...options }: Attempt): Promise<Sent> {
  const { ifMatch, idempotencyKey } = options;
  const { traceparent } = trace;
  const answer = await client.updateFlight(id, body, { ifMatch, idempotencyKey, traceparent });
  followUpdate({ flightId: id, what, traceId: trace.id, answer });
  return { answer, what };
}
