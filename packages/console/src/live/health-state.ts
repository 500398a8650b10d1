/** What is known of the service's health: the last answer, and since when there has been none. */
import type { HealthAnswer } from '@afterwrite/client';

export type Check = HealthAnswer['checks'][number];

export interface Health {
  /** The last, however old. */
  readonly answer: HealthAnswer | null;
  /** When it came, ms since 1970 by this machine's clock. */
  readonly answeredAt: number | null;
  /** null while it answers. */
  readonly silence: { readonly sinceMs: number; readonly reason: string } | null;
}

export const UNASKED: Health = { answer: null, answeredAt: null, silence: null };

export function answered(answer: HealthAnswer, at: number): Health {
  return { answer, answeredAt: at, silence: null };
}

export function failed(before: Health, reason: string, at: number): Health {
  return { ...before, silence: { sinceMs: before.silence?.sinceMs ?? at, reason } };
}

/** What is not well first; otherwise in the order of the answer. */
export function inOrder(checks: readonly Check[]): readonly Check[] {
  return [...checks.filter(({ ok }) => !ok), ...checks.filter(({ ok }) => ok)];
}

const TITLES: Readonly<Record<Check['name'], string>> = {
  start: 'Functions start',
  buffer: "Queue's server",
  store: 'Database',
  settings: 'Settings of the servers',
  losses: 'Losses',
  queueLength: 'Queue length',
  oldestUpdate: 'Oldest update',
  deadLetters: 'Dead letters',
  lastFlush: 'Last flush',
  breaker: 'Breaker',
  partitions: 'Partitions',
};

/** The check's own name where this page does not know it. */
export function titleOf(check: string): string {
  const known: Readonly<Record<string, string>> = TITLES;
  return known[check] ?? check;
}
