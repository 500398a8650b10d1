/** What is told of a service, made of its answers: pure, so that every state of it can be tested. */
import {
  type HealthAnswer,
  headingOf,
  type LiveCounts,
  type LiveSample,
  type Quantiles,
  type QueueAnswer,
} from '@afterwrite/client';

/** The answers as they came. */
export interface Seen {
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** null: it could not be told; `queueFault` says why. */
  readonly queue: QueueAnswer | null;
  /** When it was asked for, milliseconds since 1970. */
  readonly queueAt: number;
  readonly queueFault: string | null;
  readonly health: HealthAnswer | null;
  /** Oldest first; null: this is no local stage, which alone has them. Empty: none has come yet. */
  readonly samples: readonly LiveSample[] | null;
  /** Why nothing answers, and since when; null while something does. */
  readonly silence: { readonly sinceMs: number; readonly reason: string } | null;
}

export interface StatusReport {
  readonly url: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly state:
    /** Nothing needs a person. */
    | 'HEALTHY'
    /** `problems` says what. */
    | 'ATTENTION'
    /** The last answers are older than `silence`; null where there never were any. */
    | 'DISCONNECTED';
  readonly silence: Seen['silence'];
  readonly queue: QueueFigures | null;
  /** null on AWS, where CloudWatch has them, and before the first sample. */
  readonly live: LiveStatus | null;
  readonly isLocal: boolean;
  readonly problems: readonly StatusProblem[];
}

export interface QueueFigures {
  readonly length: number;
  readonly oldestMs: number | null;
  readonly deadLetters: number | null;
  readonly breaker: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
  /** Updates that wait, by partition. */
  readonly partitions: readonly number[];
  readonly stopped: readonly { readonly partition: number; readonly code: string }[];
}

/** Rates a second over the last ten; shares and quantiles (ms) over the last minute; null: there was nothing. */
export interface LiveStatus {
  readonly acceptedRate: number;
  readonly storedRate: number;
  readonly failureShare: number | null;
  readonly hitShare: number | null;
  readonly lag: Quantiles | null;
  readonly write: Quantiles | null;
}

export interface StatusProblem {
  /** The check's name in `GET /health`. */
  readonly name: string;
  readonly detail: string;
  /** Of docs/OPERATIONS.md. */
  readonly heading: string;
}

const RATE_OVER_MS = 10_000;
/** Older samples say nothing of now, ms. */
const SAMPLE_IS_OLD_MS = 5000;

export function reportOf(seen: Seen): StatusReport {
  const { url, at, health, queue, queueAt, queueFault, samples, silence } = seen;
  const bad = (health?.checks ?? []).filter(({ ok }) => !ok);
  const problems = bad.map(({ name, detail }) => problem(name, detail));
  const knowsWhy = problems.some(({ name }) => name === 'buffer' || name === 'start');
  if (queue === null && queueFault !== null && !knowsWhy) problems.push(problem('queue', queueFault));
  const calm = problems.length === 0 ? 'HEALTHY' : 'ATTENTION';
  const live = samples === null ? null : liveOf(samples, at);
  const last = samples?.at(-1);
  const isNewer = live !== null && last !== undefined && last.at > queueAt;
  return {
    url,
    at: new Date(at).toISOString(),
    state: silence === null ? calm : 'DISCONNECTED',
    silence,
    queue: queue && queueOf(queue, isNewer ? last : undefined),
    live,
    isLocal: samples !== null,
    problems,
  };
}

function problem(name: string, detail: string): StatusProblem {
  return { name, detail, heading: name === 'queue' ? 'Valkey does not answer' : headingOf(name) };
}

/** `sample`: a newer one, if there is any. The answer alone says why a partition stopped. */
function queueOf(answer: QueueAnswer, sample: LiveSample | undefined): QueueFigures {
  const codes = answer.partitions.flatMap(({ partition, stopped }) =>
    stopped?.retryable === false ? [{ partition, code: stopped.code }] : [],
  );
  const newer = sample?.queue;
  if (newer) {
    const { stopped, ...figures } = newer;
    const codeOf = (number: number) => codes.find(({ partition }) => partition === number)?.code ?? '…';
    return { ...figures, stopped: stopped.map((partition) => ({ partition, code: codeOf(partition) })) };
  }
  const { queueLength, oldestMs, deadLetters, breaker, partitions } = answer;
  return {
    length: queueLength,
    oldestMs,
    deadLetters,
    breaker: breaker.state,
    partitions: partitions.map(({ length }) => length),
    stopped: codes,
  };
}

function liveOf(samples: readonly LiveSample[], now: number): LiveStatus | null {
  const last = samples.at(-1);
  if (!last || now - last.at > SAMPLE_IS_OLD_MS) return null;
  const minute = since(samples[0] ?? last, last);
  const recent = since(samples.find(({ at }) => last.at - at <= RATE_OVER_MS) ?? last, last);
  const { hits, misses, bypasses, stored, failed } = minute.counts;
  return {
    acceptedRate: recent.counts.accepted / recent.seconds,
    storedRate: recent.counts.stored / recent.seconds,
    failureShare: share(failed, failed + stored),
    hitShare: share(hits, hits + misses + bypasses),
    lag: last.minute.lag,
    write: last.minute.write,
  };
}

/** What came between two samples; of a single one, its own second. */
function since(
  first: LiveSample,
  last: LiveSample,
): { readonly counts: LiveCounts; readonly seconds: number } {
  if (first.at === last.at) return { counts: last.rates, seconds: 1 };
  const names = Object.keys(last.totals) as (keyof LiveCounts)[];
  const counts = Object.fromEntries(names.map((name) => [name, last.totals[name] - first.totals[name]]));
  return { counts: counts as unknown as LiveCounts, seconds: (last.at - first.at) / 1000 };
}

function share(part: number, all: number): number | null {
  return all === 0 ? null : part / all;
}
