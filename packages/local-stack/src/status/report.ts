/** What is told of a service, made of its answers: pure, so that every state of it can be tested. */
import {
  countsBetween,
  failureShare,
  type HealthAnswer,
  headingOf,
  hitShare,
  type LiveQueue,
  liveQueueOf,
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
  /** What is as it may be, and worth knowing: a memcached that is away. */
  readonly notes: readonly string[];
}

export interface QueueFigures extends Omit<LiveQueue, 'stopped'> {
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
    notes: (health?.checks ?? []).flatMap(({ name, ok, detail }) =>
      ok && name === 'settings' ? [detail] : [],
    ),
  };
}

function problem(name: string, detail: string): StatusProblem {
  return { name, detail, heading: name === 'queue' ? "The queue's server does not answer" : headingOf(name) };
}

/** `sample`: a newer one, if there is any. The answer alone says why a partition stopped. */
function queueOf(answer: QueueAnswer, sample: LiveSample | undefined): QueueFigures {
  const { stopped, ...figures } = sample?.queue ?? liveQueueOf(answer);
  const codeOf = (number: number) =>
    answer.partitions.find(({ partition }) => partition === number)?.stopped?.code ?? '…';
  return { ...figures, stopped: stopped.map((partition) => ({ partition, code: codeOf(partition) })) };
}

function liveOf(samples: readonly LiveSample[], now: number): LiveStatus | null {
  const last = samples.at(-1);
  if (!last || now - last.at > SAMPLE_IS_OLD_MS) return null;
  const minute = countsBetween(samples[0] ?? last, last);
  const recent = countsBetween(samples.find(({ at }) => last.at - at <= RATE_OVER_MS) ?? last, last);
  return {
    acceptedRate: recent.accepted / recent.seconds,
    storedRate: recent.stored / recent.seconds,
    failureShare: failureShare(minute),
    hitShare: hitShare(minute),
    lag: last.minute.lag,
    write: last.minute.write,
  };
}
