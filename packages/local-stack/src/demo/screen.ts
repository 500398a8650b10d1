/** What the demo shows, on standard output: headings, facts, tables, and with `--verbose` keys and SQL. */
import { createStyle, isFancy, type OutputStream, type Style, type TableOptions } from '../terminal/style.ts';

export interface ScreenOptions {
  readonly stream: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isVerbose: boolean;
  readonly steps: number;
}

const INDENT = '  ';
/** Longer statements than this are those with many values; their beginning says what they are. */
const MAX_SQL_LINES = 12;

export class Screen {
  readonly style: Style;
  readonly #stream: OutputStream;
  readonly #isVerbose: boolean;
  readonly #steps: number;
  readonly #shown = new Set<string>();

  constructor({ stream, environment, isVerbose, steps }: ScreenOptions) {
    this.#stream = stream;
    this.#isVerbose = isVerbose;
    this.#steps = steps;
    this.style = createStyle({ isFancy: isFancy(stream, environment), columns: stream.columns });
  }

  title(text: string): void {
    this.#write(this.style.bold(text));
  }

  step(number: number, text: string): void {
    this.#write('');
    this.#write(this.style.heading(`Step ${String(number)} of ${String(this.#steps)}: ${text}`));
  }

  line(text = ''): void {
    this.#write(text === '' ? '' : INDENT + text);
  }

  table(table: TableOptions): void {
    for (const line of this.style.table(table)) this.line(line);
  }

  /** Only with `--verbose`. */
  key(key: string): void {
    if (this.#isVerbose) this.line(this.style.dim(`key  ${key}`));
  }

  /** Only with `--verbose`. A statement in full at its first time, and by its first line afterwards. */
  sql(statements: readonly string[]): void {
    if (!this.#isVerbose) return;
    for (const text of statements) {
      const lines = sqlLines(text);
      const [first = '', ...rest] = lines;
      const isKnown = rest.length > 0 && this.#shown.has(text);
      this.#shown.add(text);
      const shown = isKnown ? [`${first} ... (as above)`] : [first, ...rest.slice(0, MAX_SQL_LINES)];
      if (!isKnown && rest.length > MAX_SQL_LINES) shown.push('...');
      for (const [index, line] of shown.entries()) {
        this.line(this.style.dim(this.style.clip(`${index === 0 ? 'SQL' : '   '}  ${line}`)));
      }
    }
  }

  /** A bar that grows in its line on a terminal; elsewhere a line for each call. */
  bar(done: number, total: number, text: string): void {
    const line = `${INDENT}${this.style.bar(done, total)} ${text}`;
    if (this.style.isFancy) this.#stream.write(`\r\u001b[K${line}${done >= total ? '\n' : ''}`);
    else this.#write(line);
  }

  /** Without an end of line: for what is typed after it. */
  ask(text: string): void {
    this.#stream.write(`\n${this.style.dim(text)}`);
  }

  #write(text: string): void {
    this.#stream.write(`${text}\n`);
  }
}

/** Without comments and the indentation that all lines share. */
function sqlLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.trimStart().startsWith('--'));
  const indents = lines.slice(1).map((line) => line.length - line.trimStart().length);
  const shared = Math.min(...indents);
  return lines.map((line, index) => (index === 0 ? line.trim() : line.slice(shared).trimEnd()));
}
