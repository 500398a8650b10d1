/** PATCH /flights/{flightId}: accepted by the cache, stored afterwards; with `Prefer: wait=N` answered once it is stored. */
import type { FlightCache } from '@afterwrite/flights';
import { checkedFlightCache, receiptKey } from './compose.ts';
import { apiFunction, type Call, type Operation } from './lib/api.ts';
import { wantedVersion } from './lib/etag.ts';
import { nudgeFlush } from './lib/nudge.ts';
import { Problem } from './lib/problem.ts';
import { type Receipt, readReceipt, writeReceipt } from './lib/receipt.ts';
import { MAX_WAIT_SECONDS, updateBody } from './lib/schemas.ts';
import { record } from './lib/telemetry.ts';

/** Left of the function's time for the answer itself, ms. */
const ANSWER_MS = 1000;
/** Between two looks at whether it is stored, ms. */
const POLL_MS = 100;

const updateFlight: Operation = async (call) => {
  const flightId = call.parameter('flightId');
  const { user: claimed, ...update } = call.body(updateBody);
  const waitSeconds = preferredWait(call.header('prefer'));
  const idempotencyKey = idempotencyKeyOf(call.header('idempotency-key'));
  const ifVersion = wantedVersion(call.header('if-match'));
  const cache = await checkedFlightCache();
  const startMs = performance.now();
  const accepted = await cache.updateFlightDeparture(flightId, {
    ...update,
    // A body's word counts only where nobody is authenticated.
    user: call.caller.principal ?? claimed ?? 'anonymous',
    idempotencyKey,
    ifVersion,
  });
  record('WriteLatency', performance.now() - startMs);
  if (!accepted.replayed) record('UpdatesAccepted', 1);
  await nudgeFlush(cache, accepted.queueLength, waitSeconds > 0);

  const key = await receiptKey();
  const receipt = writeReceipt(key, flightId, accepted);
  const { cacheKey, version, seq, queueLength } = accepted;
  const body = { success: true, cacheKey, version, seq, queueLength, receipt };
  const headers = { etag: `"${version}"`, location: `/writes/${receipt}` };
  if (waitSeconds === 0) return { status: 202, body, headers };
  const state = await waitForStore(cache, readReceipt(key, receipt), call, waitSeconds);
  return {
    status: state === 'stored' ? 200 : 202,
    body: { ...body, state },
    headers: { ...headers, 'preference-applied': `wait=${String(waitSeconds)}` },
  };
};

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

/** RFC 7240: a preference that is not understood is ignored. */
function preferredWait(header: string | undefined): number {
  const match = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,6})"?\s*(?=$|[,;])/i.exec(header ?? '');
  return Math.min(Number(match?.[1] ?? 0), MAX_WAIT_SECONDS);
}

function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header !== undefined && !/^[\x20-\x7e]{1,255}$/.test(header)) {
    const detail = 'Idempotency-Key takes 1 to 255 printable characters.';
    throw new Problem('invalid-field', detail, { field: 'Idempotency-Key' });
  }
  return header;
}

export const handler = apiFunction({ 'PATCH /flights/{flightId}': updateFlight });
