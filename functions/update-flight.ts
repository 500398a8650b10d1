/**
 * PATCH /flights/{flightId}: accepted by the cache, stored afterwards; with `Prefer: wait=N` answered once it is stored,
 * with `Prefer: durability=replica`, `aof` or `stored` once it is as safe as that, or the time for it is over.
 */
import type { FlightCache } from '@afterwrite/flights';
import { DURABILITIES, type Durability, DurabilityError, type UpdateResult } from '@afterwrite/write-behind';
import { checkedFlightCache, receiptKey } from './compose.ts';
import { apiFunction, type Call, type Operation } from './lib/api.ts';
import { wantedVersion } from './lib/etag.ts';
import { nudgeFlush } from './lib/nudge.ts';
import { Problem } from './lib/problem.ts';
import { type Receipt, readReceipt, writeReceipt } from './lib/receipt.ts';
import { MAX_WAIT_SECONDS, updateBody } from './lib/schemas.ts';
import { logger, record } from './lib/telemetry.ts';
import { sampledTrace } from './lib/trace.ts';

/** Left of the function's time for the answer itself, ms. */
const ANSWER_MS = 1000;
/** For `Prefer: durability=stored` without a time of its own. */
const STORED_WAIT_SECONDS = 10;
/** Between two looks at whether it is stored, ms. */
const POLL_MS = 100;

const updateFlight: Operation = async (call) => {
  const flightId = call.parameter('flightId');
  const { user: claimed, ...update } = call.body(updateBody);
  const preferred = preferences(call.header('prefer'));
  const { waitSeconds, durability } = preferred;
  const idempotencyKey = idempotencyKeyOf(call.header('idempotency-key'));
  const ifVersion = wantedVersion(call.header('if-match'));
  const xrayHeaders = [process.env._X_AMZN_TRACE_ID, call.header('x-amzn-trace-id')];
  const trace = sampledTrace(call.header('traceparent'), ...xrayHeaders);
  const cache = await checkedFlightCache();
  const startMs = performance.now();
  const accepted = await cache
    .updateFlightDeparture(flightId, {
      ...update,
      // A body's word counts only where nobody is authenticated.
      user: call.caller.principal ?? claimed ?? 'anonymous',
      idempotencyKey,
      ifVersion,
      trace,
      // Waiting for the database is done below, where the flush function is called.
      durability: durability === 'stored' ? 'memory' : durability,
    })
    .catch(asAccepted);
  record('WriteLatency', performance.now() - startMs);
  if (!accepted.replayed) record('UpdatesAccepted', 1);
  if (trace !== undefined) {
    const { version: position, replayed } = accepted;
    logger.info('update accepted', { trace, flightId: Number(flightId), position, replayed });
  }
  await nudgeFlush(cache, accepted.queueLength, waitSeconds > 0);

  const key = await receiptKey();
  const receipt = writeReceipt(key, flightId, accepted);
  const { cacheKey, version, seq, queueLength } = accepted;
  const body = { success: true, cacheKey, version, seq, queueLength, receipt };
  const answer = (reached: Durability, state?: 'stored' | 'dead' | 'pending') => ({
    status: state === 'stored' ? 200 : 202,
    body: { ...body, durability: reached, ...(state && { state }) },
    headers: {
      etag: `"${version}"`,
      location: `/writes/${receipt}`,
      ...appliedOf(preferred, reached),
    },
  });
  if (waitSeconds === 0) return answer(accepted.durability);
  const state = await waitForStore(cache, readReceipt(key, receipt), call, waitSeconds);
  return answer(state === 'stored' ? 'stored' : accepted.durability, state);
};

/** It is accepted, whatever else: an error would make its sender send it again. The answer says what was reached. */
function asAccepted(error: unknown): UpdateResult {
  if (!(error instanceof DurabilityError)) throw error;
  logger.warn(error.message, { error });
  return error.accepted;
}

async function waitForStore(
  cache: FlightCache,
  { flightId, position }: Receipt,
  call: Call,
  waitSeconds: number,
) {
  const until = Date.now() + Math.min(waitSeconds * 1000, call.remainingMs() - ANSWER_MS);
  for (;;) {
    const { state } = await cache.writeState(flightId, position);
    if (state === 'STORED') return 'stored';
    if (state === 'DEAD') return 'dead';
    if (Date.now() >= until) return 'pending';
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

interface Preferences {
  readonly waitSeconds: number;
  readonly durability: Durability;
}

/** RFC 7240: a preference that is not understood is ignored. */
function preferences(header: string | undefined): Preferences {
  const valueOf = (name: string) =>
    new RegExp(`(?:^|[,;]\\s*)${name}\\s*=\\s*"?(\\w{1,10})"?\\s*(?=$|[,;])`, 'i').exec(header ?? '')?.[1];
  const durability = DURABILITIES.find((level) => level === valueOf('durability')) ?? 'memory';
  const wait = valueOf('wait') ?? '';
  const asked = /^\d{1,6}$/.test(wait) ? Number(wait) : 0;
  const waitSeconds = asked === 0 && durability === 'stored' ? STORED_WAIT_SECONDS : asked;
  return { waitSeconds: Math.min(waitSeconds, MAX_WAIT_SECONDS), durability };
}

/** What was honoured of it; a level that was not reached is not named. */
function appliedOf({ waitSeconds, durability }: Preferences, reached: Durability): Record<string, string> {
  const applied = [
    ...(waitSeconds > 0 ? [`wait=${String(waitSeconds)}`] : []),
    ...(durability !== 'memory' && (reached === durability || reached === 'stored')
      ? [`durability=${durability}`]
      : []),
  ];
  return applied.length === 0 ? {} : { 'preference-applied': applied.join(', ') };
}

function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header !== undefined && !/^[\x20-\x7e]{1,255}$/.test(header)) {
    const detail = 'Idempotency-Key takes 1 to 255 printable characters.';
    throw new Problem('invalid-field', detail, { field: 'Idempotency-Key' });
  }
  return header;
}

export const handler = apiFunction({ 'PATCH /flights/{flightId}': updateFlight });
