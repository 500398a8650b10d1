/** What somebody has to look at now, whichever figure shows it. */
import { thresholds } from '@afterwrite/client';
import type { Heading } from '../operations.ts';
import type { Look } from './look.ts';

export interface Problem {
  /** Without figures that change: it is announced when it changes. */
  readonly words: string;
  readonly heading: Heading;
}

/** Of what has no figure of its own. */
export function problemsOf({ queue }: Look): readonly Problem[] {
  if (!queue) return [];
  const problems: Problem[] = [];
  if (queue.breaker !== 'CLOSED')
    problems.push({
      words: 'MySQL is away: updates are accepted and wait, in their order.',
      heading: 'StoreAway',
    });
  if (queue.stopped.length > thresholds.PartitionsStopped.above)
    problems.push({ words: thresholds.PartitionsStopped.meaning, heading: 'PartitionsStopped' });
  if ((queue.deadLetters ?? 0) > thresholds.DeadLetters.above)
    problems.push({ words: thresholds.DeadLetters.meaning, heading: 'DeadLetters' });
  return problems;
}
