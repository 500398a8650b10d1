/**
 * Colours, tables and bars. Fancy: for a terminal. Otherwise plain ASCII without escape sequences, which reads the same
 * in a file, in a log, and for those who set NO_COLOR.
 */
import { stripVTControlCharacters } from 'node:util';
import picocolors from 'picocolors';

export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export function isFancy(
  stream: Pick<OutputStream, 'isTTY'>,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR = '', TERM } = environment;
  return stream.isTTY === true && NO_COLOR === '' && TERM !== 'dumb';
}

export interface TableOptions {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export type Style = ReturnType<typeof createStyle>;

const DEFAULT_COLUMNS = 100;
const LEAST_COLUMNS = 20;
const BAR_WIDTH = 30;
const FRAME = { top: ['┌', '┬', '┐'], middle: ['├', '┼', '┤'], bottom: ['└', '┴', '┘'] } as const;

export function createStyle({ isFancy, columns }: { isFancy: boolean; columns?: number | undefined }) {
  // Some terminals say that they have none.
  const width = columns === undefined || columns < LEAST_COLUMNS ? DEFAULT_COLUMNS : columns;
  const { bold, cyan, dim, green, yellow } = picocolors.createColors(isFancy);
  return {
    isFancy,
    bold,
    dim,
    good: green,
    notable: yellow,
    heading: (text: string) => bold(cyan(text)),
    /** To what fits in a line of the terminal. */
    clip: (text: string) => (text.length < width ? text : `${text.slice(0, width - 4)}...`),
    table: (table: TableOptions) => (isFancy ? framedTable(table, bold) : plainTable(table)),
    bar(done: number, total: number): string {
      const filled = total === 0 ? BAR_WIDTH : Math.round((Math.min(done, total) / total) * BAR_WIDTH);
      return isFancy
        ? `${green('█'.repeat(filled))}${dim('░'.repeat(BAR_WIDTH - filled))}`
        : `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
    },
  };
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

function padded(cells: readonly string[], widths: readonly number[]): string[] {
  return widths.map((width, column) => {
    const cell = cells[column] ?? '';
    return cell + ' '.repeat(width - widthOf(cell));
  });
}

function widthsOf({ head, rows }: TableOptions): number[] {
  return head.map((title, column) =>
    Math.max(widthOf(title), ...rows.map((cells) => widthOf(cells[column] ?? ''))),
  );
}

function plainTable(table: TableOptions): string[] {
  const widths = widthsOf(table);
  const line = (cells: readonly string[]) => padded(cells, widths).join('  ').trimEnd();
  return [line(table.head), line(widths.map((width) => '-'.repeat(width))), ...table.rows.map(line)];
}

function framedTable(table: TableOptions, bold: (text: string) => string): string[] {
  const widths = widthsOf(table);
  const rule = ([left, cross, right]: readonly [string, string, string]) =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(cross)}${right}`;
  const line = (cells: readonly string[]) => `│ ${padded(cells, widths).join(' │ ')} │`;
  return [
    rule(FRAME.top),
    line(table.head.map(bold)),
    rule(FRAME.middle),
    ...table.rows.map(line),
    rule(FRAME.bottom),
  ];
}
