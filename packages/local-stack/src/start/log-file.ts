/** Where the functions' output goes: one file, of which the part before the last start or the last limit is kept. */
import { createWriteStream, mkdirSync, renameSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';

/** Two of these are kept at most. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

export class LogFile {
  readonly path: string;
  #stream: WriteStream;
  #bytes = 0;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#stream = this.#open();
  }

  write = (line: string): void => {
    const text = `${new Date().toISOString()} ${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > MAX_FILE_BYTES) {
      this.#stream.end();
      this.#stream = this.#open();
      this.#bytes = Buffer.byteLength(text);
    }
    this.#stream.write(text);
  };

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(() => resolve()));
  }

  #open(): WriteStream {
    try {
      renameSync(this.path, `${this.path}.previous`);
    } catch {
      // There was none.
    }
    // A full disk must not end the stack: what the functions say is lost then, what they do is not.
    return createWriteStream(this.path).on('error', () => undefined);
  }
}
