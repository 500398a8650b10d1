/** The queue for operators: status, process, flush, dead letters, redrive. */
import type { DeadLetterInfo, FlushResult, StoppedPartition } from '@afterwrite/write-behind';
import { checkedFlightCache, flightCache } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';
import { emptyBody, lettersQuery, processBody, redriveBody } from './lib/schemas.ts';

/** Left of the function's time for the answer itself, ms. */
const ANSWER_MS = 3000;
/** The gateway gives up at 30 s, ms. */
const GATEWAY_MS = 25_000;
/** Dead letters read at once when they are looked up by seq. */
const PAGE = 1000;

const status: Operation = async () => {
  const { queueLength, oldestMs, deadLetters, breaker, partitions } = await (
    await flightCache()
  ).queueStatus();
  const shown = partitions.map(({ partition, length, lastCommitted, ...more }) => ({
    partition,
    length,
    oldestMs: more.oldestMs,
    deadLetters: more.deadLetters,
    lastCommitted,
    stopped: more.stopped && withoutMessage(more.stopped),
  }));
  return { status: 200, body: { queueLength, oldestMs, deadLetters, breaker, partitions: shown } };
};

const processBatch: Operation = async ({ body }) => {
  const { batchSize } = body(processBody);
  const cache = await checkedFlightCache();
  return {
    status: 200,
    body: counts(await cache.processQueue(batchSize === undefined ? {} : { batchSize })),
  };
};

const flush: Operation = async ({ body, remainingMs }) => {
  body(emptyBody);
  const cache = await checkedFlightCache();
  const deadline = new Date(Date.now() + Math.min(GATEWAY_MS, remainingMs() - ANSWER_MS));
  return { status: 200, body: counts(await cache.flushQueue({ deadline })) };
};

const deadLetters: Operation = async ({ query }) => {
  const { limit, after, flightId } = query(lettersQuery);
  const letters = await (await flightCache()).deadLetters({ limit, afterLetterId: after, id: flightId });
  return { status: 200, body: { deadLetters: letters.map(showLetter) } };
};

const redrive: Operation = async ({ body }) => {
  const { seqs } = body(redriveBody);
  const cache = await checkedFlightCache();
  const letterIds = seqs && (await lettersOf(new Set(seqs)));
  const outcomes = await cache.redrive(letterIds === undefined ? {} : { letterIds });
  return { status: 200, body: { outcomes } };
};

async function lettersOf(seqs: ReadonlySet<number>): Promise<number[]> {
  const cache = await flightCache();
  const found: number[] = [];
  for (let afterLetterId = 0; ;) {
    const page = await cache.deadLetters({ afterLetterId, limit: PAGE });
    found.push(...page.filter(({ seq }) => seq !== null && seqs.has(seq)).map(({ letterId }) => letterId));
    const last = page.at(-1);
    if (!last || page.length < PAGE) return found;
    afterLetterId = last.letterId;
  }
}

function counts(result: FlushResult) {
  const { processed, skipped, failed, queries, remaining, stopped, storeAway } = result;
  return {
    processed,
    skipped,
    failed,
    queries: queries.length,
    remaining,
    stopped: stopped.map(withoutMessage),
    storeAway,
  };
}

function withoutMessage({ partition, code, retryable }: StoppedPartition) {
  return { partition, code, retryable };
}

/** With the database's own words: who may redrive may read the update that they are about, and has to mend the cause. */
function showLetter({ item, ...letter }: DeadLetterInfo) {
  return { ...letter, item: item.toString('base64') };
}

export const handler = apiFunction({
  'GET /queue': status,
  'POST /queue/process': processBatch,
  'POST /queue/flush': flush,
  'GET /queue/dead-letters': deadLetters,
  'POST /queue/dead-letters/redrive': redrive,
});
