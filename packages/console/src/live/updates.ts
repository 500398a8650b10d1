/**
 * The updates that were made here, followed to the database by their receipts, also while another view is shown. One loop
 * asks for all that wait, a few at a time, the older they are the less often, so that many cost no more than one.
 */
import { signal } from '@preact/signals';
import type { UpdateAnswer, WriteAnswer } from '@afterwrite/client';
import { describeError, poller } from './api.ts';

export interface FollowedUpdate {
  readonly receipt: string;
  readonly flightId: number;
  /** What was done, in words. */
  readonly what: string;
  readonly traceId: string;
  /** By this machine's clock, milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Updates that waited in its partition when it was accepted, itself included: its position. */
  readonly position: number;
  readonly cacheKey: string;
  readonly state: WriteAnswer['state'];
  /** From its acceptance until it was seen to be so; null while it waits. */
  readonly endedAfterMs: number | null;
  readonly reason: string | null;
  readonly letterId: number | null;
  /** Why it could not be asked for the last time; null when it could. */
  readonly problem: string | null;
  /** It has waited for so long that it is asked for only when somebody wants to know. */
  readonly isAsleep: boolean;
}

/** Newest first. */
export const followed = signal<readonly FollowedUpdate[]>([]);

const KEPT = 100;
const AT_ONCE = 4;
/** An update of age t is asked for every t / 8 within these. */
const EVERY = { ofAge: 1 / 8, leastMs: 200, mostMs: 5000 };
const ASLEEP_AFTER_MS = 15 * 60_000;

let isRunning = false;
const askedAt = new Map<string, number>();

export interface Made {
  readonly flightId: number;
  readonly what: string;
  readonly traceId: string;
  readonly answer: UpdateAnswer;
}

export function followUpdate({ flightId, what, traceId, answer }: Made): void {
  const { receipt, queueLength, cacheKey } = answer;
  if (followed.value.some((each) => each.receipt === receipt)) return;
  const update: FollowedUpdate = {
    ...{ receipt, flightId, what, traceId, cacheKey },
    acceptedAt: Date.now(),
    position: queueLength,
    state: 'pending',
    endedAfterMs: null,
    reason: null,
    letterId: null,
    problem: null,
    isAsleep: false,
  };
  followed.value = kept([update, ...followed.value]);
  if (!isRunning) void run();
}

/** How many updates of a flight are known to have ended: it grows when one more does. */
export function endedOf(flightId: number): number {
  return followed.value.filter((each) => each.flightId === flightId && each.state !== 'pending').length;
}

/** Asks once more for one that sleeps. */
export async function askNow(update: FollowedUpdate): Promise<void> {
  await ask(update);
}

/** The oldest that are over go first. */
function kept(updates: readonly FollowedUpdate[]): readonly FollowedUpdate[] {
  const tooMany = updates.length - KEPT;
  if (tooMany <= 0) return updates;
  const gone = new Set(updates.filter(({ state }) => state !== 'pending').slice(-tooMany));
  return updates.filter((update) => !gone.has(update)).slice(0, KEPT);
}

function pauseAt(ageMs: number): number {
  return Math.min(EVERY.mostMs, Math.max(EVERY.leastMs, ageMs * EVERY.ofAge));
}

async function run(): Promise<void> {
  isRunning = true;
  for (;;) {
    const waiting = followed.value.filter(({ state, isAsleep }) => state === 'pending' && !isAsleep);
    if (waiting.length === 0) break;
    const now = Date.now();
    const due = waiting.filter(
      ({ receipt, acceptedAt }) => now - (askedAt.get(receipt) ?? acceptedAt) >= pauseAt(now - acceptedAt),
    );
    // Those that waited longest for their turn.
    const turn = due.toSorted((a, b) => (askedAt.get(a.receipt) ?? 0) - (askedAt.get(b.receipt) ?? 0));
    await Promise.all(turn.slice(0, AT_ONCE).map(ask));
    await new Promise((resolve) => setTimeout(resolve, EVERY.leastMs / 2));
  }
  isRunning = false;
}

async function ask(update: FollowedUpdate): Promise<void> {
  const { receipt, acceptedAt } = update;
  try {
    const { state, reason = null, letterId = null } = await poller.write(receipt);
    const endedAfterMs = state === 'pending' ? null : Date.now() - acceptedAt;
    change(receipt, { state, reason, letterId, endedAfterMs, problem: null });
  } catch (error) {
    change(receipt, { problem: describeError(error) });
  }
  askedAt.set(receipt, Date.now());
  // Nobody asks for it again.
  if (followed.value.find((each) => each.receipt === receipt)?.state !== 'pending') askedAt.delete(receipt);
  if (Date.now() - acceptedAt > ASLEEP_AFTER_MS) change(receipt, { isAsleep: true });
}

function change(receipt: string, what: Partial<FollowedUpdate>): void {
  followed.value = followed.value.map((each) => (each.receipt === receipt ? { ...each, ...what } : each));
}
