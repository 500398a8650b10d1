/**
 * What happens while servers are fetched, started and filled, on standard error. On a terminal it is one line that is
 * overwritten and gone at the end; elsewhere the lines are held back and shown only once the start has taken a while,
 * so that a start that goes as usual is silent.
 */
import { createStyle, isFancy, type OutputStream } from './style.ts';

/** Servers that are on this machine are ready by then. */
const UNHEARD_MS = 3000;
/** `mysql: containers: no daemon answers`: why one way to get an engine failed. All of them are in the error when none worked. */
const RUNG_FAILED = /^\w+: (?:containers|path|debian): /;

export interface StartupNotesOptions {
  readonly stream: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isVerbose: boolean;
}

export class StartupNotes {
  readonly #stream: OutputStream;
  readonly #isFancy: boolean;
  readonly #isVerbose: boolean;
  #held: string[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLineOpen = false;

  constructor({ stream, environment, isVerbose }: StartupNotesOptions) {
    this.#stream = stream;
    this.#isVerbose = isVerbose;
    this.#isFancy = isFancy(stream, environment);
    if (isVerbose || this.#isFancy) return;
    this.#held = [];
  }

  /** What is under way. */
  progress = (line: string): void => {
    if (this.#isVerbose) this.#write(`${line}\n`);
    else if (RUNG_FAILED.test(line)) return;
    else if (this.#isFancy) this.#overwrite(line);
    else if (this.#held) {
      this.#held.push(line);
      this.#timer ??= setTimeout(this.#show, UNHEARD_MS);
    } else this.#write(`${line}\n`);
  };

  /** What is to stay. */
  notice = (line: string): void => {
    this.clear();
    this.#write(`note: ${line}\n`);
  };

  /** The start is over: removes the open line and forgets what was held back. */
  clear = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#held) this.#held = [];
    if (this.#isLineOpen) this.#write('\r\u001b[K');
    this.#isLineOpen = false;
  };

  readonly #show = (): void => {
    for (const line of this.#held ?? []) this.#write(`${line}\n`);
    this.#held = undefined;
  };

  #overwrite(line: string): void {
    const { dim, clip } = createStyle({ isFancy: true, columns: this.#stream.columns });
    this.#write(`\r\u001b[K${dim(clip(line))}`);
    this.#isLineOpen = true;
  }

  #write(text: string): void {
    this.#stream.write(text);
  }
}
