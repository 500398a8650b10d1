/** `--interactive`: waits for Enter between steps; when the input ends, the rest goes on by itself. */
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Screen } from './screen.ts';

export interface Pauses {
  /** Rejects with the signal's reason when it aborts. */
  wait(): Promise<void>;
  close(): void;
}

export const noPauses: Pauses = { wait: async () => undefined, close: () => undefined };

export function createPauses(input: Readable, screen: Screen, signal: AbortSignal): Pauses {
  // No `terminal`: the terminal stays in its normal mode, so that Ctrl-C is a signal as everywhere.
  const reader = createInterface({ input, terminal: false });
  const isTyped = (input as { isTTY?: boolean }).isTTY === true;
  const lines = new LineCounter(reader);
  let isOver = false;
  return {
    async wait() {
      if (isOver) return;
      screen.ask('Press Enter for the next step. ');
      const came = await lines.next(signal);
      if (came && isTyped) return;
      // Nobody's Enter ended the line.
      screen.line();
      if (came) return;
      isOver = true;
      screen.line('The input has ended: going on without waiting.');
    },
    close: () => {
      reader.close();
    },
  };
}

/** Lines that came before they were asked for are kept: input from a pipe comes all at once. */
class LineCounter {
  #waiting = 0;
  #hasEnded = false;
  #wake: () => void = () => undefined;

  constructor(reader: Interface) {
    reader.on('line', () => {
      this.#waiting++;
      this.#wake();
    });
    reader.on('close', () => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  /** False when there are no more. */
  async next(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.#waiting === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      signal.throwIfAborted();
    }
    if (this.#waiting === 0) return false;
    this.#waiting--;
    return true;
  }
}
