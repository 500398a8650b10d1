/** Which heading of docs/OPERATIONS.md says what to do. Each heading here exists there: a test of the console's page. */
import type { HealthAnswer } from './types.ts';

type CheckName = HealthAnswer['checks'][number]['name'];

/** What is pointed to; an alarm's heading is its name. */
export const HEADINGS = [
  'QueueLength',
  'OldestUpdateAge',
  'DeadLetters',
  'PartitionsStopped',
  'PossibleLosses',
  'StoreAway',
  'NoFlush',
  'FailureRate',
  'Health checks',
  'No answer',
  'The functions do not start',
  "The queue's server does not answer",
  'Settings that lose data',
  'Redriving dead letters',
  'Comparing cache and database',
] as const;
export type Heading = (typeof HEADINGS)[number];

/** Of all checks: the compiler misses one that is not here. */
export const headingOfCheck: Readonly<Record<CheckName, Heading>> = {
  start: 'The functions do not start',
  buffer: "The queue's server does not answer",
  store: 'StoreAway',
  settings: 'Settings that lose data',
  losses: 'PossibleLosses',
  queueLength: 'QueueLength',
  oldestUpdate: 'OldestUpdateAge',
  deadLetters: 'DeadLetters',
  lastFlush: 'NoFlush',
  breaker: 'StoreAway',
  partitions: 'PartitionsStopped',
};

/** A newer server may have a check that this page does not know. */
export function headingOf(check: string): Heading {
  const known: Readonly<Record<string, Heading>> = headingOfCheck;
  return known[check] ?? 'Health checks';
}
