/**
 * Where the looks come from. On one machine the stream, one sample a second; where there is no stream (AWS) `GET /queue`,
 * asked every few seconds. Whichever it is: it says at any moment how fresh the figures are, and finds back by itself.
 *
 * `EventSource` comes back alone after a cut connection, but not after an answer that is no stream, and not from a connection
 * that is silently dead. Both are seen here: the first by its state, the second by the age of the last sample.
 */
import { type Look, lookOfQueue, lookOfSample, withLook } from './look.ts';
import { computed, signal } from '@preact/signals';
import type { LiveSample } from '@afterwrite/client';
import { client, describeError, here } from './api.ts';

export type Link =
  /** Nothing has come yet. */
  | { readonly kind: 'CONNECTING' }
  | { readonly kind: 'LIVE' }
  /** Connected, and nothing comes: the figures are as old as `sinceMs`. */
  | { readonly kind: 'STALE'; readonly sinceMs: number }
  /** Tried again all the time. */
  | { readonly kind: 'LOST'; readonly sinceMs: number; readonly reason: string };

/** LOCAL: `npm start`. REMOTE: a deployment. */
export type Stage = 'UNKNOWN' | 'LOCAL' | 'REMOTE';

const STALE_AFTER_MS: Readonly<Record<Stage, number>> = { UNKNOWN: 3500, LOCAL: 3500, REMOTE: 12_000 };
/** A connection that has been silent for so long is dead, whatever it says of itself. */
const DEAD_AFTER_MS = 10_000;
const POLL_MS = 3000;
const RETRY_MS = { first: 1000, most: 10_000 };

export const looks = signal<readonly Look[]>([]);
export const stage = signal<Stage>('UNKNOWN');
/** Ticks each second, so that ages go on while nothing comes. */
const clock = signal(Date.now());
const lastAt = signal<number | null>(null);
/** Since when the figures come without a break, by this machine's clock; null before the first. */
export const since = signal<number | null>(null);
const startedAt = Date.now();
const cut = signal<string | null>(null);

export const latest = computed<Look | null>(() => looks.value.at(-1) ?? null);

export const link = computed<Link>(() => {
  const now = clock.value;
  const sinceMs = now - (lastAt.value ?? startedAt);
  if (cut.value !== null && sinceMs > STALE_AFTER_MS[stage.value]) {
    return { kind: 'LOST', sinceMs, reason: cut.value };
  }
  if (lastAt.value === null) return { kind: 'CONNECTING' };
  return sinceMs > STALE_AFTER_MS[stage.value] ? { kind: 'STALE', sinceMs } : { kind: 'LIVE' };
});

function take(look: Look): void {
  if (cut.value !== null || link.value.kind !== 'LIVE') since.value = Date.now();
  looks.value = withLook(looks.value, look);
  lastAt.value = Date.now();
  cut.value = null;
}

/** Begins to look; called once. */
export function follow(): void {
  setInterval(() => (clock.value = Date.now()), 1000);
  openStream(RETRY_MS.first);
}

function openStream(retryMs: number): void {
  const source = new EventSource(here('stream'));
  let openedAt = Date.now();
  const again = (afterMs: number, reason: string) => {
    source.close();
    clearInterval(watch);
    cut.value = reason;
    setTimeout(() => openStream(Math.min(RETRY_MS.most, retryMs * 2)), afterMs);
  };
  const watch = setInterval(() => {
    if (Date.now() - Math.max(openedAt, lastAt.value ?? 0) > DEAD_AFTER_MS)
      again(0, 'The stream went silent.');
  }, 1000);
  source.onopen = () => {
    openedAt = Date.now();
    retryMs = RETRY_MS.first;
    stage.value = 'LOCAL';
  };
  source.addEventListener('history', (event: MessageEvent<string>) => {
    for (const sample of JSON.parse(event.data) as LiveSample[]) take(lookOfSample(sample));
  });
  source.addEventListener('sample', (event: MessageEvent<string>) => {
    take(lookOfSample(JSON.parse(event.data) as LiveSample));
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CONNECTING) {
      cut.value = 'The connection was cut.';
      return;
    }
    if (stage.value === 'LOCAL') {
      again(retryMs, 'The server does not answer as it should.');
      return;
    }
    // No stream here. If `GET /queue` answers, it is a deployment; until one of them does, both are tried.
    source.close();
    clearInterval(watch);
    void poll(() => openStream(RETRY_MS.first));
  };
}

async function poll(otherwise: () => void): Promise<void> {
  for (;;) {
    try {
      const answer = await client.queue();
      stage.value = 'REMOTE';
      take(lookOfQueue(answer, Date.now()));
    } catch (error) {
      cut.value = describeError(error);
      if (stage.value === 'UNKNOWN') {
        setTimeout(otherwise, RETRY_MS.first);
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
