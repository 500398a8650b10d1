/**
 * One screen that is drawn again in its place: over the lines that stand there, each cleared behind its new text, so that
 * nothing flickers. On the terminal's other screen: what was typed before is there again afterwards.
 */
import type { OutputStream } from '../terminal/style.ts';

const OTHER_SCREEN = '\u001b[?1049h\u001b[?25l';
const BACK = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export class Redraw {
  readonly #stream: OutputStream & { readonly rows?: number };
  #lines: readonly string[] = [];

  constructor(stream: OutputStream & { readonly rows?: number }) {
    this.#stream = stream;
    stream.write(OTHER_SCREEN);
  }

  draw(lines: readonly string[]): void {
    this.#lines = lines;
    const fitting = lines.slice(0, (this.#stream.rows ?? Infinity) - 1);
    const text = fitting.map((line) => `${line}${CLEAR_LINE}\n`).join('');
    this.#stream.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  /** The last screen stays to be read. */
  end(): void {
    this.#stream.write(`${BACK}${this.#lines.map((line) => `${line}\n`).join('')}`);
  }
}
