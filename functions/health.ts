/** GET /health: 200 or 503, with each check in words. */
import type { FlightCache } from '@afterwrite/flights';
import { ConfigurationError, type QueueStatus } from '@afterwrite/write-behind';
import type { z } from 'zod';
import { flightCache } from './compose.ts';
import { apiFunction, type Operation } from './lib/api.ts';
import { lossWords } from './lib/loss-words.ts';
import type { healthAnswer } from './lib/schemas.ts';
import { logger } from './lib/telemetry.ts';
import { betweenFlushesMs, noFlush, thresholds } from './thresholds.ts';

/** How long a loss is told after it was noticed, ms. */
const LOSS_SHOWN_MS = 3_600_000;

type Check = z.infer<typeof healthAnswer>['checks'][number];

const health: Operation = async () => {
  const checks = await readChecks();
  const ok = checks.every((check) => check.ok);
  return { status: ok ? 200 : 503, body: { ok, checks } };
};

async function readChecks(): Promise<Check[]> {
  let cache: FlightCache;
  try {
    cache = await flightCache();
  } catch (error) {
    logger.error('health: the cache cannot be opened', { error: String(error) });
    return [
      {
        name: 'start',
        ok: false,
        detail: 'A server is away or the configuration is not right: see the log.',
      },
    ];
  }
  const [buffer, store, settings] = await Promise.all([
    answers(() => cache.pingBuffer()),
    answers(() => cache.pingStore()),
    settingsOf(cache),
  ]);
  const checks: Check[] = [
    {
      name: 'buffer',
      ok: buffer,
      detail: buffer
        ? "The queue's server answers."
        : "The queue's server does not answer: updates are refused.",
    },
    {
      name: 'store',
      ok: store,
      detail: store ? 'The database answers.' : 'The database does not answer: updates wait in the queue.',
    },
    ...settings,
  ];
  if (store) checks.push(await lossCheck(cache));
  return buffer ? [...checks, ...queueChecks(await cache.queueStatus(), store)] : checks;
}

async function lossCheck(cache: FlightCache): Promise<Check> {
  const isRecent = ({ noticedAt }: { noticedAt: string }) =>
    Date.now() - Date.parse(noticedAt) < LOSS_SHOWN_MS;
  const recent = (await cache.losses()).filter(isRecent);
  const detail = recent.length === 0 ? 'None was noticed in the last hour.' : lossWords(recent);
  // Each restart of the queue's server may have lost something, mostly nothing: told, and no reason to call the service unfit.
  return { name: 'losses', ok: recent.every(({ kind }) => kind === 'BUFFER'), detail };
}

/** Settings of the servers that lose data, such as an eviction policy that may take the queue. */
async function settingsOf(cache: FlightCache): Promise<Check[]> {
  const check = (ok: boolean) => (detail: string) => ({ name: 'settings', ok, detail }) as const;
  try {
    const { warnings, notes } = await cache.checkServers();
    return [...warnings.map(check(false)), ...notes.map(check(true))];
  } catch (error) {
    return error instanceof ConfigurationError ? [check(false)(error.message)] : [];
  }
}

async function answers(ping: () => Promise<void>): Promise<boolean> {
  try {
    await ping();
    return true;
  } catch (error) {
    logger.warn('health: a server does not answer', { error: String(error) });
    return false;
  }
}

function refusedWords(deadLetters: number | null): string {
  if (deadLetters === null) return 'How many updates the database refused is not known.';
  return deadLetters === 1
    ? '1 update was refused by the database.'
    : `${String(deadLetters)} updates were refused by the database.`;
}

/** What the database alone knows is left out while it does not answer: the check `store` has said so. */
function queueChecks(status: QueueStatus, store: boolean): Check[] {
  const { queueLength, oldestMs, deadLetters, partitions, breaker } = status;
  // What a server that is away has stopped goes on by itself.
  const stopped = partitions.filter((partition) => partition.stopped?.retryable === false);
  const last = partitions
    .flatMap(({ lastFlushAt }) => (lastFlushAt === null ? [] : [lastFlushAt]))
    .sort()
    .at(-1);
  const refused: Check[] =
    store || deadLetters !== null
      ? [{ name: 'deadLetters', ok: deadLetters === 0, detail: refusedWords(deadLetters) }]
      : [];
  const age =
    oldestMs === null ? 'Nothing waits' : `The oldest waits for ${String(Math.round(oldestMs / 1000))} s`;
  return [
    {
      name: 'queueLength',
      ok: queueLength <= thresholds.QueueLength.above || (oldestMs ?? 0) <= betweenFlushesMs,
      detail: `${String(queueLength)} updates wait.`,
    },
    { name: 'oldestUpdate', ok: (oldestMs ?? 0) <= noFlush.ms, detail: `${age}.` },
    ...refused,
    {
      name: 'lastFlush',
      ok: (oldestMs ?? 0) <= noFlush.ms,
      detail:
        deadLetters === null
          ? 'While the database does not answer, the last one cannot be told.'
          : `The last one that stored something: ${last ?? 'never'}.`,
    },
    {
      name: 'breaker',
      ok: breaker.state === 'CLOSED',
      detail:
        breaker.since === null
          ? 'Flushers go to the database.'
          : `The database is away since ${breaker.since}: flushers wait, the queue keeps its order.`,
    },
    {
      name: 'partitions',
      ok: stopped.length === 0,
      detail: `${String(stopped.length)} stopped: ${stopped.map(({ partition }) => String(partition)).join(', ') || 'none'}.`,
    },
  ];
}

export const handler = apiFunction({ 'GET /health': health });
