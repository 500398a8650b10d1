/**
 * One look at the system, wherever it came from: a sample of the stream on one machine, or an answer of `GET /queue` on AWS,
 * which knows the queue alone.
 */
import { type LiveQueue, liveQueueOf, type LiveSample, type QueueAnswer } from '@afterwrite/client';

export interface Look {
  /** Milliseconds since 1970, by the server's clock; by this machine's where the answer has none. */
  readonly at: number;
  /** null: the queue's server does not answer. */
  readonly queue: LiveQueue | null;
  /** null on AWS: its figures are in CloudWatch. */
  readonly live: LiveSample | null;
}

export function lookOfSample(sample: LiveSample): Look {
  return { at: sample.at, queue: sample.queue, live: sample };
}

export function lookOfQueue(answer: QueueAnswer, at: number): Look {
  return { at, live: null, queue: liveQueueOf(answer) };
}

/** A minute of looks, oldest first. */
export const LOOKS_KEPT = 60;

/** With one more at the end; a server that was begun anew begins a new list. */
export function withLook(looks: readonly Look[], look: Look): readonly Look[] {
  const last = looks.at(-1);
  if (last?.live && look.live && look.live.n <= last.live.n) {
    return look.live.n === last.live.n ? looks : [look];
  }
  return [...looks, look].slice(-LOOKS_KEPT);
}
