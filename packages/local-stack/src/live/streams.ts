/**
 * `GET /stream`: server-sent events, the samples of the last minute and then each new one. A reader that is too slow misses
 * samples, which their numbers show, and is cut off after a minute of that: it comes back by itself and gets the minute
 * that it missed. So nothing is ever kept for anybody beyond what its connection takes.
 */
import type { ServerResponse } from 'node:http';
import type { LiveSample } from '@afterwrite/client';
import type { LiveFigures } from './live-figures.ts';

/** A page has one, and a browser at most six to one origin. */
export const MAX_STREAMS = 50;
/** How long a reader may take nothing, ms. */
const SLOW_LIMIT_MS = 60_000;
/** When a browser comes back after the stream has ended, ms. */
const RECONNECT_MS = 1000;

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
} as const;

/** What is needed of a response; its connection may be slower than we are. */
export type Reader = Pick<ServerResponse, 'write' | 'writableNeedDrain' | 'destroy' | 'once'>;

export class Streams {
  /** Reader -> since when it takes nothing; undefined while it does. */
  readonly #readers = new Map<Reader, number | undefined>();
  readonly #figures: Pick<LiveFigures, 'history' | 'onSample'>;
  readonly #monotonicMs: () => number;
  readonly #stop: () => void;

  constructor(figures: Pick<LiveFigures, 'history' | 'onSample'>, monotonicMs: () => number) {
    this.#figures = figures;
    this.#monotonicMs = monotonicMs;
    this.#stop = figures.onSample((sample) => this.#send(sample));
  }

  get size(): number {
    return this.#readers.size;
  }

  get isFull(): boolean {
    return this.size >= MAX_STREAMS;
  }

  /** Its headers have been written. It is left alone as soon as it is closed. */
  add(reader: Reader): void {
    reader.once('close', () => this.#readers.delete(reader));
    const { history } = this.#figures;
    const last = history.at(-1)?.n ?? 0;
    const isDrained = reader.write(`retry: ${RECONNECT_MS}\n${event('history', last, history)}`);
    this.#readers.set(reader, isDrained ? undefined : this.#monotonicMs());
  }

  /** Sends nothing more. The connections are the front's to end. */
  close(): void {
    this.#stop();
    this.#readers.clear();
  }

  #send(sample: LiveSample): void {
    if (this.#readers.size === 0) return;
    const text = event('sample', sample.n, sample);
    const nowMs = this.#monotonicMs();
    for (const [reader, slowSinceMs] of this.#readers) {
      if (!reader.writableNeedDrain) {
        this.#readers.set(reader, reader.write(text) ? undefined : nowMs);
      } else if (slowSinceMs !== undefined && nowMs - slowSinceMs > SLOW_LIMIT_MS) {
        this.#readers.delete(reader);
        reader.destroy();
      }
    }
  }
}

/** JSON has no line breaks: one `data` line. */
function event(name: 'history' | 'sample', id: number, data: unknown): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}
