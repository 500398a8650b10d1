/** Asks a service how it is: once, or all the time, finding back by itself. */
import {
  AfterwriteClient,
  ApiProblem,
  type HealthAnswer,
  type LiveSample,
  type QueueAnswer,
  SAMPLES_KEPT,
} from '@afterwrite/client';
import { type Runtime, systemRuntime } from '@afterwrite/write-behind';
import { type Target, TargetError } from '../remote/target.ts';
import type { Seen } from './report.ts';
import { readEvents } from './server-events.ts';

/** The functions answer within this whatever is away, a cold start included, ms. */
const ANSWER_MS = 12_000;
/** Between two questions to functions, which cost on AWS; the stream comes by itself. */
const ASK_EVERY_MS = 3000;
/** A stream sends a sample a second: one that is silent for so long is dead. */
const STREAM_SILENT_MS = 10_000;
const STREAM_AGAIN_MS = 1000;

/** What answers is not what was looked for, or refuses us: no waiting mends it. */
class NotOursError extends Error {
  override readonly name = 'NotOursError';
}

export interface LookOptions {
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly runtime?: Pick<Runtime, 'now' | 'sleep'>;
}

interface Answers {
  readonly queue: QueueAnswer | null;
  readonly queueAt: number;
  readonly queueFault: string | null;
  readonly health: HealthAnswer;
}

/** One look. Throws ApiUnreachableError, ApiProblem, NotOursError, TargetError. */
export async function lookOnce({ target, signal, runtime = systemRuntime() }: LookOptions): Promise<Seen> {
  const [answers, samples] = await Promise.all([ask(target, signal, runtime), firstSamples(target, signal)]);
  return { url: target.url, at: runtime.now(), ...answers, samples, silence: null };
}

/**
 * Looks until the signal: questions and the stream go on beside each other, each tried again by itself. `seen` is what is
 * known at any moment, and never throws; `ended` resolves when nothing of it runs any more.
 */
export class Watch {
  readonly ended: Promise<unknown>;
  /** Something is known: answers, or that there are none. */
  readonly first: Promise<void>;
  readonly #options: Required<LookOptions>;
  #answers: Omit<Answers, 'health'> & { readonly health: HealthAnswer | null } = {
    queue: null,
    queueAt: 0,
    queueFault: null,
    health: null,
  };
  #samples: readonly LiveSample[] | null = [];
  #silence: Seen['silence'] = null;
  #known: () => void = () => undefined;

  constructor(options: LookOptions) {
    this.#options = { runtime: systemRuntime(), ...options };
    this.first = new Promise((resolve) => (this.#known = resolve));
    this.ended = Promise.all([
      this.#repeat(ASK_EVERY_MS, () => this.#ask()),
      this.#repeat(STREAM_AGAIN_MS, () => this.#follow()),
    ]);
  }

  get seen(): Seen {
    const { target, runtime } = this.#options;
    const at = runtime.now();
    return { url: target.url, at, ...this.#answers, samples: this.#samples, silence: this.#silence };
  }

  async #repeat(pauseMs: number, work: () => Promise<void>): Promise<void> {
    const { signal, runtime } = this.#options;
    while (!signal.aborted) {
      await work().catch(() => undefined);
      await runtime.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  async #ask(): Promise<void> {
    const { target, signal, runtime } = this.#options;
    try {
      this.#answers = await ask(target, signal, runtime);
      this.#silence = null;
    } catch (error) {
      const sinceMs = this.#silence?.sinceMs ?? runtime.now();
      this.#silence = { sinceMs, reason: error instanceof Error ? error.message : String(error) };
    }
    this.#known();
  }

  async #follow(): Promise<void> {
    const { target, signal } = this.#options;
    for await (const samples of openStream(target, signal)) {
      if (samples === null) this.#samples = null;
      else this.#samples = joined(this.#samples ?? [], samples);
    }
  }
}

/** With these at the end, a minute of them; a server that was begun anew begins a new list. */
function joined(before: readonly LiveSample[], more: readonly LiveSample[]): readonly LiveSample[] {
  const first = more[0]?.n ?? Infinity;
  return [...before.filter(({ n }) => n < first), ...more].slice(-SAMPLES_KEPT);
}

async function ask(target: Target, signal: AbortSignal, runtime: Pick<Runtime, 'now'>): Promise<Answers> {
  const queueAt = runtime.now();
  const client = new AfterwriteClient({
    baseUrl: target.url,
    fetch: (url, init) => target.fetch(url, init),
    timeoutMs: ANSWER_MS,
    retry: { attempts: 1 },
  });
  const queue = client.queue({ signal }).then(
    (answer) => ({ queue: answer, queueFault: null }),
    (error: unknown) => {
      if (error instanceof ApiProblem && error.status === 503)
        return { queue: null, queueFault: error.detail };
      throw wordsOf(error, target);
    },
  );
  const health = client.health({ signal }).catch((error: unknown) => {
    throw wordsOf(error, target);
  });
  const [known, checks] = await Promise.all([queue, health]);
  return { ...known, queueAt, health: checks };
}

/** What a mistake in the address or the credentials looks like, in words; all else as it is. */
function wordsOf(error: unknown, { url, access }: Target): unknown {
  const { cause } = error as { cause?: unknown };
  if (cause instanceof TargetError) return cause;
  if (!(error instanceof ApiProblem)) return error;
  if (error.status === 401 || error.status === 403) {
    return new NotOursError(
      `${url} refuses the caller (${String(error.status)}, asked ${access}): it needs the scope queue:admin, or ` +
        'execute-api:Invoke on GET /queue; see "The console of a deployment" in docs/DEPLOY.md.',
    );
  }
  return error.status === 404 ? new NotOursError(`What answers on ${url} is not Afterwrite.`) : error;
}

/**
 * Those of the last minute, which a stream begins with, or the first one of a stage that has just been started; none where it
 * breaks off; null where there is no stream.
 */
async function firstSamples(target: Target, signal: AbortSignal): Promise<readonly LiveSample[] | null> {
  try {
    for await (const samples of openStream(target, signal)) {
      if (samples?.length !== 0) return samples;
    }
  } catch {
    // The answers of the functions say what is wrong.
  }
  return [];
}

/** The samples as they come; null where there is no stream, as on AWS. Throws where it should be there and is not. */
async function* openStream(
  target: Target,
  signal: AbortSignal,
): AsyncGenerator<readonly LiveSample[] | null, void, undefined> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(new Error('The stream went silent.')), STREAM_SILENT_MS);
  try {
    const response = await target.fetch(`${target.url}/stream`, {
      method: 'GET',
      headers: { accept: 'text/event-stream' },
      signal: AbortSignal.any([signal, silent.signal]),
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!isStream || !response.body) {
      await response.body?.cancel();
      if (response.status !== 404) throw new Error(`GET /stream: ${String(response.status)}`);
      yield null;
      return;
    }
    for await (const { name, data } of readEvents(response.body)) {
      timer.refresh();
      if (name === 'history') yield JSON.parse(data) as LiveSample[];
      if (name === 'sample') yield [JSON.parse(data) as LiveSample];
    }
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}
