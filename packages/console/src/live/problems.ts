/** What somebody has to look at now, whichever figure shows it. */
import { type Heading, thresholds } from '@afterwrite/client';
import type { Look } from './look.ts';

export interface Problem {
  /** Without figures that change: it is announced when it changes. */
  readonly words: string;
  readonly heading: Heading;
}

/** What cannot be overlooked, whichever view is shown. */
export function alertsOf({ queue }: Look): readonly Problem[] {
  if (!queue)
    return [
      {
        words: "The queue's server does not answer: no update is accepted.",
        heading: "The queue's server does not answer",
      },
    ];
  const problems: Problem[] = [];
  if (queue.breaker !== 'CLOSED')
    problems.push({
      words: 'The database is away: updates are accepted and wait, in order.',
      heading: 'StoreAway',
    });
  if (queue.stopped.length > thresholds.PartitionsStopped.above)
    problems.push({
      words: `Stopped, somebody must look: partition ${queue.stopped.join(', ')}.`,
      heading: 'PartitionsStopped',
    });
  return problems;
}

/** Of what has no figure of its own and can wait for the morning. */
export function problemsOf({ queue }: Look): readonly Problem[] {
  return (queue?.deadLetters ?? 0) > thresholds.DeadLetters.above
    ? [{ words: thresholds.DeadLetters.meaning, heading: 'DeadLetters' }]
    : [];
}
