/**
 * Calls the flush function when the queue is long, at most once a second over all callers. The update never fails
 * because of it, and waits for no flush: only, for a moment, for the call to be on its way, because an environment is
 * frozen as soon as it has answered.
 */
import type { FlightCache } from '@afterwrite/flights';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { lambdaClient } from '../compose.ts';
import { logger } from './telemetry.ts';

const INTERVAL_MS = 1000;
/** Longest moment in which the call may get on its way, ms. */
const SEND_MS = 50;
/** Updates that wait in a partition before the schedule is not waited for. */
const DEFAULT_NUDGE_LENGTH = 1000;

export async function nudgeFlush(
  cache: FlightCache,
  queueLength: number,
  isWaitedFor: boolean,
): Promise<void> {
  const nudgeLength = Number(process.env.QUEUE_NUDGE_LENGTH ?? DEFAULT_NUDGE_LENGTH);
  if (queueLength <= nudgeLength && !isWaitedFor) return;
  const sending = send(cache).catch((error: unknown) => {
    logger.warn('the flush function could not be called; its schedule goes on', { error: String(error) });
  });
  await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, SEND_MS).unref())]);
}

async function send(cache: FlightCache): Promise<void> {
  if (!process.env.FLUSH_FUNCTION_NAME || !(await cache.claimNudge(INTERVAL_MS))) return;
  await invokeFlush({ reason: 'nudge', handovers: 0 });
}

/** What the flush function is told by one that calls it. */
export interface FlushCall {
  readonly reason: 'schedule' | 'nudge' | 'handover';
  /** How many invocations in a row have handed over already. */
  readonly handovers: number;
}

export async function invokeFlush(call: FlushCall): Promise<void> {
  await lambdaClient().send(
    new InvokeCommand({
      FunctionName: process.env.FLUSH_FUNCTION_NAME ?? '',
      InvocationType: 'Event',
      Payload: JSON.stringify({ afterwrite: call }),
    }),
  );
}
