/**
 * Compares a sample of what is cached with its rows, on schedule, and drops what differs. Called with an event of its own
 * it takes everything, or only reports: `{"sample": "all", "ratePerSecond": 1000, "repair": false}`, each as `reconcile` of
 * the engine takes it. One that does not come to its end in its time answers with what it did.
 */
import middy from '@middy/core';
import { ReconcileInterruptedError, type ReconcileResult, ValidationError } from '@afterwrite/write-behind';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { checkedFlightCache } from './compose.ts';
import { logger, observed, record } from './lib/telemetry.ts';

/** Left of the function's time for the row that is being read, a lookup that is tried again, and the metrics, ms. */
const MARGIN_MS = 10_000;

/** What the schedule sends has none of these. */
const callSchema = z.object({
  sample: z.union([z.number(), z.literal('all')]).optional(),
  ratePerSecond: z.number().optional(),
  repair: z.boolean().optional(),
});

async function reconcile(event: unknown, context: Context): Promise<ReconcileResult> {
  const call = callOf(event);
  const cache = await checkedFlightCache();
  const deadline = new Date(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS);
  try {
    return report(await cache.reconcile({ ...call, deadline }));
  } catch (error) {
    if (error instanceof ReconcileInterruptedError) report(error.partial);
    throw error;
  }
}

function report(result: ReconcileResult): ReconcileResult {
  record('ReconcileCompared', result.compared);
  record('ReconcileDifferent', result.different);
  const write = result.different > 0 ? logger.warn.bind(logger) : logger.info.bind(logger);
  write('reconcile', { ...result });
  return result;
}

function callOf(event: unknown): z.infer<typeof callSchema> {
  const parsed = callSchema.safeParse(event ?? {});
  if (parsed.success) return parsed.data;
  throw new ValidationError(
    'event',
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
  );
}

export const handler = middy().use(observed()).handler(reconcile);
