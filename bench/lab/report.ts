/** The results as JSON, as Markdown with plots, and as the blocks of other documents that show them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as prettier from 'prettier';
import type { Machine } from './machine.ts';
import { drawPlot } from './plot.ts';
import type { Section, SectionResult, Table } from './section.ts';
import type { TargetRow } from './targets.ts';

export interface Report {
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly spentSeconds: number;
  readonly sections: readonly { readonly section: Section; readonly result: SectionResult }[];
}

export function rowsOf({ sections }: Report): readonly TargetRow[] {
  return sections.flatMap(({ result }) => result.rows);
}

export function asJson(report: Report): string {
  const { machine, isQuick, spentSeconds, sections } = report;
  const rows = rowsOf(report);
  const details = sections.map(({ section, result: { figures, tables, plots, remarks } }) => ({
    section: section.name,
    title: section.title,
    figures,
    tables,
    plots,
    remarks,
  }));
  return `${JSON.stringify({ machine, isQuick, spentSeconds, rows, sections: details }, undefined, 2)}\n`;
}

export function targetsTable(rows: readonly TargetRow[]): string {
  return markdownTable({
    columns: ['figure', 'value', 'beside', 'is', 'ratio', 'least to most', 'target', ''],
    rows: rows.map((row) => [
      row.figure,
      shown(row.value),
      row.beside,
      shown(row.floor),
      shown(row.ratio),
      row.spread.map(shown).join(' – '),
      row.target,
      row.verdict,
    ]),
  });
}

/** `report.md` and its plots. */
export async function writeReport(report: Report, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const plots = report.sections.flatMap(({ result }) => result.plots);
  await Promise.all(plots.map((plot) => writeFile(join(folder, `${plot.file}.svg`), drawPlot(plot))));
  await writeMarkdown(join(folder, 'report.md'), asMarkdown(report));
}

function asMarkdown(report: Report): string {
  const { machine, isQuick, spentSeconds, sections } = report;
  const command = `npm run bench${isQuick ? ' -- --quick' : ''}`;
  const parts = [
    '# Results',
    `Made by \`${command}\` in ${String(Math.round(spentSeconds))} s. Every ratio is the median over rounds in which both sides ran in ` +
      'turn in one process; the least and the most of the rounds stand beside it. Absolute figures hold for this machine ' +
      'in this hour only.',
    markdownTable({ columns: ['machine', ''], rows: Object.entries(machine) }),
    '## Targets',
    targetsTable(rowsOf(report)),
    ...sections.flatMap(({ section, result }) => [
      `## ${section.title}`,
      ...result.remarks,
      ...result.tables.flatMap((table) => [`**${table.title}**`, markdownTable(table)]),
      ...result.plots.map(({ title, file }) => `![${title}](${file}.svg)`),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

export function markdownTable({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? shown(cell) : cell.replaceAll('|', '\\|'))),
  );
  const widths = columns.map((title, column) =>
    Math.max(3, title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(columns), rule, ...cells.map(line)].join('\n');
}

/** Three digits that count. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** Replaces what stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */
export async function fillBlock(file: string, name: string, content: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no block ${begin} … ${end}`);
  await writeMarkdown(file, `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`);
}

export async function writeMarkdown(file: string, text: string): Promise<void> {
  const options = await prettier.resolveConfig(file);
  await writeFile(file, await prettier.format(text, { ...options, parser: 'markdown' }));
}
